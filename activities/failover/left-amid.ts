/** A switchover that was ended by force before writing moved leaves both directions in its hand, and what it had made for the way back. Whoever asks holds the locks of both
 *  sides, so that nobody is at work on it any more. */
import type { OperationId } from '../../contracts/operation'
import type { StandbyId, StandbyRecord } from '../../contracts/standby'
import { SWITCHOVER_DOCUMENTS } from '../../contracts/switchover'
import { readOrigin } from '../../postgres/replicate/seeding'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { dropAtSource } from '../replication/make'
import { change } from '../replication/record'
import { type BehindFence, looking } from '../replication/sides'
import { isRunning } from '../running'
import type { FailoverPair } from './pair'

/** Of either direction. */
export async function isLeftAmid(
  ledger: Pick<ActivityDeps['ledger'], 'getDocument'>,
  record: Pick<StandbyRecord, 'state' | 'operation'> | null,
): Promise<boolean> {
  if (record?.state !== 'switching' || record.operation === null) return false
  return (await ledger.getDocument({ operation: record.operation, name: SWITCHOVER_DOCUMENTS.moved })) === null
}

/** Who is moving writing between both right now, and how far that is; null: nobody is. An operation that was ended by force stays open in the ledger: its workflow says whether
 *  it runs. `forward`: as the ledger has it; the way back is in its hand sooner. */
export async function switchoverAtWork(
  { ledger }: Pick<ActivityDeps, 'ledger'>,
  { source, target }: StandbyId,
  forward: StandbyRecord,
): Promise<string | null> {
  const back = await ledger.getStandby({ source: target, target: source })
  const operation = [forward, back].find((record) => record?.state === 'switching')?.operation ?? null
  if (operation === null || !(await isRunning(currentAct().client, operation))) return null
  const found = await ledger.getOperation(operation)
  const at = found?.steps.findLast((step) => step.finishedAt === null) ?? found?.steps.at(-1)
  const where = at === undefined ? '' : ` (${found?.status}, at the step “${at.title}”)`
  return `${operation} is moving writing between ${source} and ${target} right now${where}, and a failover would cut in: it is refused as long as that runs. Follow it by "capstan ops watch ${operation}", or end it by "capstan ops abort ${operation}"; past its point of no return it only goes forward.`
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
