/** The instance of which backups are verified, as long as it is the one that the plan was made for. */
import type { InstanceDescription } from '../../clouds/port'
import { failure } from '../../contracts/failures'

/** Fails with PLAN_DRIFTED. */
export function assertSameInstance({ name, instanceId }: InstanceDescription, planned: string): void {
  if (instanceId === planned) return
  const message = `Instance ${name} was replaced since the plan was made; start the verification again.`
  throw failure('PLAN_DRIFTED', message, { instance: name, found: instanceId, planned })
}
