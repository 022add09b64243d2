/** The cloud of an upgrade's instance, and what it shows of the operation's own deployment. */
import type { BlueGreen, Deployment } from '../../clouds/blue-green-port'
import type { CallOptions } from '../../clouds/port'
import type { StepRef } from '../../contracts/step-ref'
import { UPGRADE_DOCUMENTS } from '../../contracts/upgrade'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { notListed } from '../waiting'
import { ownDeployment, upgradingOf } from './pair'

export type Deps = Pick<ActivityDeps, 'ledger' | 'cloudOf'>

export const DEPLOYMENT = 'The blue/green deployment'

/** What a cloud shows may be of before it accepted a call, for some seconds as a rule. */
const SHOWN_FOR_MS = 60_000

export const looking = (): CallOptions => ({ signal: currentAct().signal })

export async function adapterOf(deps: Deps, { bundle }: Pick<StepRef, 'bundle'>) {
  const { entry, request } = await upgradingOf(deps, { bundle })
  const cloud = deps.cloudOf(entry)
  return { entry, request, cloud, blueGreen: cloud.blueGreen }
}

export async function ableTo(deps: Deps, input: Pick<StepRef, 'bundle'>) {
  const adapter = await adapterOf(deps, input)
  const { blueGreen, entry } = adapter
  if (blueGreen === null) throw new Error(`${entry.cloud} makes no blue/green deployment: a plan that says so goes no further`)
  return { ...adapter, blueGreen }
}

export async function describe(blueGreen: BlueGreen, input: Pick<StepRef, 'operation'>): Promise<Deployment> {
  const found = await blueGreen.describe(ownDeployment(input), looking())
  if (found === null) throw notListed(DEPLOYMENT)
  return found
}

/** After the call to switch over: whether the cloud has shown for a minute, and nothing else in between, that it is at nothing. Asked at each poll; `since`: under which name
 *  the beginning of that is kept. */
export async function restsByNow(
  { ledger }: Deps,
  { operation }: Pick<StepRef, 'operation'>,
  { state, since }: { readonly state: Deployment['state'] | null; readonly since: 'resting' | 'refusing' },
): Promise<boolean> {
  const at = { operation, name: UPGRADE_DOCUMENTS[since] }
  const held = (await ledger.getDocument(at)) as { readonly sinceMs: number | null } | null
  const sinceMs = held?.sinceMs ?? null
  const nowMs = currentAct().scheduledAtMs
  if (state === 'ready' && sinceMs !== null) return nowMs - sinceMs >= SHOWN_FOR_MS
  if (state === 'ready' || sinceMs !== null)
    await ledger.putDocument({ ...at, document: { version: 1, sinceMs: state === 'ready' ? nowMs : null } })
  return false
}
