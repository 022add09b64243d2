/** One passage for canary and target: raise the fence, apply behind it, and stop where the history is no longer the one that was planned
 *  on. The attempt that raises is found alive right before, and raises once: a repeat inside it would overtake its own successor. */
import type { MigrationPlan } from '../../contracts/migrate'
import type { Session } from '../../postgres/connect/session'
import { type ApplyInput, applyMigrations } from '../../postgres/migrate/apply'
import { fencedName, raiseFence } from '../../postgres/migrate/fence'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import { openSession, type SessionRequest } from './open-session'
import { historyDrift } from './plan-document'

export interface FencedApply extends Pick<ApplyInput, 'resolved' | 'limits' | 'observer' | 'onEvent'> {
  readonly planned: MigrationPlan
  readonly epoch: number
  /** What its two connections are called, behind the fence's tag. */
  readonly name: string
}

/** `session` raises the fence and is not needed afterwards. Throws PLAN_DRIFTED, and what `raiseFence` and `applyMigrations` throw. */
export async function applyBehindFence(
  deps: ActivityDeps,
  on: SessionRequest,
  session: Session,
  { planned, epoch, name, ...input }: FencedApply,
): Promise<void> {
  const { attempt, signal } = assertMayAct()
  const { token } = await raiseFence(session, { epoch, attempt, operation: on.operation, signal })
  await applyMigrations({
    ...input,
    connect: () => openSession(deps, { ...on, applicationName: fencedName(token, name) }),
    fence: token,
    signal,
    onPlan: (_plan, history) => {
      const drift = historyDrift(planned, history)
      if (drift !== null) throw drift
    },
  })
}
