/** What raising the fence would do. Changes nothing in the instance. */
import type { FencePlanSummary } from '../../contracts/fence'
import { describeFence, type FenceDescription } from '../../postgres/fence/describe'
import { type ConnectTo, enterKeyhole } from '../../postgres/fence/keyhole'
import { oldWriters } from '../../postgres/fence/moved-away'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import { access } from './access'
import type { FenceActivities } from './contract'

export async function planFence(
  deps: ActivityDeps,
  input: Parameters<FenceActivities['planFence']>[0],
): Promise<FencePlanSummary> {
  const { operation, scope, target, lock } = input
  const { connectTo, from } = await access(deps, input)
  const found = await describeFence({ connectTo, scope, from })
  const told = scope === 'instance' ? await toldOldWriters(connectTo) : ''
  assertMayAct()
  await deps.ledger.putDocument({ operation, name: `fence-plan-${target.instance}`, document: found })
  const databases = found.databases.filter(({ fate }) => fate === 'close').map(({ name }) => name)
  const { standingEpoch: standing, obstacles } = found
  // an instance that was restored from another may stand behind a higher epoch than its own counter knows
  const above = lock !== null && standing >= lock.epoch
  const epoch = above ? await deps.ledger.nextEpoch({ scope: lock.scope, operation, above: standing }) : (lock?.epoch ?? 0)
  return { epoch, databases, summary: `${summaryOf(found, databases)}${told}`, obstacles }
}

/** Of an instance in whose place other data come, in which each database takes connections as it did when they were written. */
async function toldOldWriters(connectTo: ConnectTo): Promise<string> {
  const keyhole = await enterKeyhole(connectTo)
  if (keyhole === null) return ''
  const moved = await oldWriters(keyhole).finally(() => keyhole.close())
  return moved
    .filter(({ closed }) => closed)
    .map(
      ({ database, writer, operation }) =>
        `; writing has moved from ${database} to ${writer} (${operation}): what comes in its place may take connections again, so see to it that no application writes there`,
    )
    .join('')
}

/** `shop closes; 12 sessions end; slots of shop stand still: to_azure` */
function summaryOf({ sessions, slots, subscriptions, obstacles }: FenceDescription, closing: readonly string[]): string {
  const ending = sessions.filter(({ vendor }) => !vendor).length
  const parts = [
    closing.length === 0 ? 'nothing is left to close' : `${closing.join(', ')} ${closing.length === 1 ? 'closes' : 'close'}`,
    `${ending} sessions end`,
    ...(slots.length === 0 ? [] : [`replication slots stand still: ${slots.map(({ name }) => name).join(', ')}`]),
    ...(subscriptions.length === 0 ? [] : [`subscriptions stand still: ${subscriptions.map(({ name }) => name).join(', ')}`]),
    ...(obstacles.length === 0 ? [] : [`${obstacles.length} in the way`]),
  ]
  return parts.join('; ')
}
