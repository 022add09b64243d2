/** What the ledger says of the pair, either way round, and who watches the way back. Both are `switching` while the operation has them in hand: the watch makes
 *  nothing of what it sees then but what the disks need. The way back is there before its slot is, so that no death leaves a slot that nobody looks at; the way
 *  there is gone before anybody may write on the standby, so that nothing that is done with standbys ever takes the writer for one. */
import type { OperationId } from '../../contracts/operation'
import type { StandbyId, StandbyState } from '../../contracts/standby'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import { change, startWatch } from '../replication/record'
import { gone } from '../replication/remove'
import type { Watching } from './contract'
import { declaredBack, type Pair } from './pair'

export const turnedId = ({ source, target }: StandbyId): StandbyId => ({ source: target, target: source })

const FOLLOWS: readonly StandbyState[] = ['following', 'late', 'copying', 'broken']

/** Before the source is closed: behind the fence it gets nothing, and nothing about that is broken. */
export async function takeInHand(deps: ActivityDeps, operation: OperationId, { id }: Pair): Promise<void> {
  await change(deps, id, FOLLOWS, { to: 'switching', reason: `${operation} moves writing to ${id.target}.`, operation })
}

/** The undo of `takeInHand`. */
export async function letGo(deps: ActivityDeps, operation: OperationId, { id }: Pair): Promise<void> {
  const held = await deps.ledger.getStandby(id)
  if (held?.state !== 'switching' || held.operation !== operation) return
  await change(deps, id, ['switching'], { to: 'following', reason: null, operation })
}

/** Before its slot is made. What another operation was ended in amid it takes over: whoever it was would hold the locks that we hold. */
export async function openBack(deps: ActivityDeps, input: Watching, pair: Pair): Promise<void> {
  const { operation, sides } = input
  const id = turnedId(pair.id)
  const before = await deps.ledger.getStandby(id)
  if (before?.state === 'switching' && before.operation !== operation) {
    await change(deps, id, ['switching'], { to: 'gone', reason: `Given up; ${operation} makes it anew.`, operation })
  }
  assertMayAct()
  const instances = { source: sides.standby.instanceId, target: sides.source.instanceId }
  const at = new Date().toISOString()
  await deps.ledger.openStandby({ ...id, operation, at, instances, names: pair.back, declared: declaredBack(pair) })
  const reason = `${operation} moves writing to ${id.source}.`
  await change(deps, id, ['building'], { to: 'switching', reason, operation })
  await watchBack(deps, input, pair)
}

/** The undo of `openBack`, once its slot is gone. */
export async function closeBack(deps: ActivityDeps, operation: OperationId, pair: Pair): Promise<void> {
  const id = turnedId(pair.id)
  const held = await deps.ledger.getStandby(id)
  // the watch may have given it up meanwhile, which is no operation
  if (held === null || (held.operation !== null && held.operation !== operation)) return
  await gone(deps, { operation }, id, [])
}

/** From here on nothing that is done with standbys finds the way there. */
export async function endForward(deps: ActivityDeps, operation: OperationId, { id }: Pair): Promise<void> {
  const held = await deps.ledger.getStandby(id)
  if (held === null || held.state === 'gone') return
  const inHand: readonly StandbyState[] = held.operation === operation ? ['switching'] : []
  const from: readonly StandbyState[] = [...inHand, ...FOLLOWS, 'paused', 'to-be-seeded']
  await change(deps, id, from, { to: 'gone', reason: `${operation} has moved writing to ${id.target}.`, operation })
}

/** Starts who watches it, or tells the one that runs where both are. At the addresses that their clouds give: a name may lead elsewhere by now. */
export async function watchBack(deps: ActivityDeps, input: Watching, pair: Pair): Promise<void> {
  const { request, places } = pair
  const turned = {
    ...{ standby: places.source.entry, declared: declaredBack(pair), back: request.declared },
    ...{ rehearse: false, drainMsMax: request.drainMsMax, compareMsMax: request.compareMsMax },
  }
  assertMayAct()
  const bundle = await deps.ledger.putBundle({
    ...{ version: 1, database: places.standby.entry, migrations: [], switchover: turned },
  })
  await startWatch({
    ...{ version: 1, ...turnedId(pair.id), bundle, heartbeatTimeoutMs: input.heartbeatTimeoutMs },
    ...{ cloud: places.standby.entry.cloud, standbyCloud: places.source.entry.cloud },
    sides: { source: input.sides.standby, standby: input.sides.source },
  })
}

/** Whether the watch has dropped the slot of the way back: then it will never be whole again. */
export async function backIsLost({ ledger }: Pick<ActivityDeps, 'ledger'>, { id }: Pair): Promise<boolean> {
  return (await ledger.getStandby(turnedId(id)))?.state === 'to-be-seeded'
}
