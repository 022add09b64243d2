/** Whether what was compared before the fence is still what there is: the stamps of both schemas, and how a change is told. */
import { failure } from '../../contracts/failures'
import { SWITCHOVER_DOCUMENTS, type SwitchoverPlan } from '../../contracts/switchover'
import type { Session } from '../../postgres/connect/session'
import { schemaStamp } from '../../postgres/replicate/unchanged'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import type { SideName } from '../replication/sides'
import type { Switching } from './contract'
import type { sinceThePlan } from './look'

/** What `sinceThePlan` is asked with. */
export async function knownOf({ ledger }: ActivityDeps, { operation }: Switching): Promise<Parameters<typeof sinceThePlan>[2]> {
  const plan = (await ledger.getDocument({ operation, name: SWITCHOVER_DOCUMENTS.plan })) as SwitchoverPlan | null
  return { unlogged: plan?.unlogged ?? [], standbys: await ledger.listStandbys() }
}

export type Stamps = Readonly<Record<SideName, string>>

export async function stampsOf({ source, standby }: Readonly<Record<SideName, Session>>): Promise<Stamps> {
  const { signal } = currentAct()
  const [here, there] = await Promise.all([schemaStamp(source, signal), schemaStamp(standby, signal)])
  return { source: here, standby: there }
}

export function changedSince(before: string, since: readonly string[]): Error {
  const shown = since.length > SHOWN_MAX ? [...since.slice(0, SHOWN_MAX), `And ${since.length - SHOWN_MAX} more.`] : since
  return failure('PLAN_DRIFTED', `${before}: ${shown.join(' ')} Mend it, then plan again.`, { found: since.length })
}

const SHOWN_MAX = 20
