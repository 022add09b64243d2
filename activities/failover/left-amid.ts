/** A switchover that was ended by force before writing moved leaves both directions in its hand, and what it had made for the way back. Whoever asks holds the locks of both
 *  sides, so that nobody is at work on it any more. */
import type { OperationId } from '../../contracts/operation'
import type { StandbyId, StandbyRecord } from '../../contracts/standby'
import { SWITCHOVER_DOCUMENTS } from '../../contracts/switchover'
import { readOrigin } from '../../postgres/replicate/seeding'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import { dropAtSource } from '../replication/make'
import { change } from '../replication/record'
import { type BehindFence, looking } from '../replication/sides'
import type { FailoverPair } from './pair'

/** Of either direction. */
export async function isLeftAmid(
  ledger: Pick<ActivityDeps['ledger'], 'getDocument'>,
  record: Pick<StandbyRecord, 'state' | 'operation'> | null,
): Promise<boolean> {
  if (record?.state !== 'switching' || record.operation === null) return false
  return (await ledger.getDocument({ operation: record.operation, name: SWITCHOVER_DOCUMENTS.moved })) === null
}

/** Why it is no standby any more by its own word, whatever the ledger says: somebody may have gone on by hand. Null: it is one. Reads only. */
export async function movedThere(
  deps: ActivityDeps,
  { id, places }: Pick<FailoverPair, 'id' | 'places'>,
  { operation }: Pick<StandbyRecord, 'operation'>,
): Promise<string | null> {
  if ((await looking(deps, places.standby, 'migrator', readOrigin)) !== null) return null
  return `${id.target} says itself that it is nobody’s standby: ${operation ?? 'a switchover'} has moved writing there. Look which of both is written to.`
}

/** On a standby that is to be the writer: nobody would read that slot, and it would hold the log back. Safe to repeat. */
export async function dropLeftBack(
  deps: ActivityDeps,
  { operation, id }: { readonly operation: OperationId; readonly id: StandbyId },
  standby: BehindFence,
): Promise<void> {
  const back = { source: id.target, target: id.source }
  const record = await deps.ledger.getStandby(back)
  if (record === null || !(await isLeftAmid(deps.ledger, record))) return
  await dropAtSource(standby, record.names)
  assertMayAct()
  await change(deps, back, ['switching'], { to: 'gone', reason: `${operation} has made ${id.target} the writer.`, operation })
}
