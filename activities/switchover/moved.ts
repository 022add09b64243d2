/** That writing moves, in three places: the source's keyhole, beside its fence; the standby's own database, which is nobody's standby from then on; and the
 *  ledger, which comes last and says that all of it is written. Whoever was set back, ended by force or comes with a ledger of yesterday meets one of them. */
import { type Failure, failure } from '../../contracts/failures'
import type { OperationId } from '../../contracts/operation'
import { SWITCHOVER_DOCUMENTS } from '../../contracts/switchover'
import type { Session } from '../../postgres/connect/session'
import { readMovedAway } from '../../postgres/fence/moved-away'
import { forgetOrigin } from '../../postgres/replicate/seeding'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { markOldWriter } from '../replication/old-writer'
import { answering } from '../replication/ready'
import { opener } from '../replication/sides'
import { raiseOwnFence } from '../schema/apply-behind-fence'
import type { Switching } from './contract'
import { endForward } from './directions'
import { type Pair, pairOf } from './pair'

type Ledger = Pick<ActivityDeps, 'ledger'>

export async function recordMoved(deps: ActivityDeps, input: Switching): Promise<{ summary: string }> {
  const { operation } = input
  const pair = await pairOf(deps, input)
  await assertNotTakenBack(deps, operation)
  const marking = markOldWriter(deps, {
    place: pair.places.source,
    epoch: () => Promise.resolve(input.fenceEpoch),
    writer: pair.id.target,
    passed: pair.oneWay,
  })
  const there = await nobodysStandby(deps, input, pair, marking)
  await endForward(deps, operation, pair)
  assertMayAct()
  await deps.ledger.putDocumentOnce({ operation, name: SWITCHOVER_DOCUMENTS.moved, document: { version: 1 } })
  return { summary: there }
}

export async function hasMoved({ ledger }: Ledger, operation: OperationId): Promise<boolean> {
  return (await ledger.getDocument({ operation, name: SWITCHOVER_DOCUMENTS.moved })) !== null
}

/** Whoever wrote into both would have two truths. */
export async function assertNotMoved(deps: Ledger, operation: OperationId): Promise<void> {
  if (await hasMoved(deps, operation)) throw alreadyMoved(operation)
}

/** The same, where a restored ledger does not know it. `keyhole`: of the source. */
export async function assertNotMovedThere(keyhole: Session, operation: OperationId, { places }: Pair): Promise<void> {
  const moved = await readMovedAway(keyhole, places.source.entry.database)
  if (moved?.operation === operation) throw alreadyMoved(operation)
}

export function alreadyMoved(operation: OperationId): Failure {
  const message = `${operation} has moved writing to the standby: the old writer stays closed. Where there is a way back, a switchover of its own moves it back.`
  return failure('RESOURCE_NOT_OURS', message, { operation })
}

/** What comes after the move: whoever left that out, or was set back to here, has a source that is written to. */
export async function assertMoved(deps: Ledger, operation: OperationId): Promise<void> {
  if (await hasMoved(deps, operation)) return
  const message = `${operation} has not moved writing, so nothing is opened and nobody kept out: leave this step out, and start the switchover anew.`
  throw failure('RESOURCE_NOT_OURS', message, { operation })
}

/** Before the fence is lowered. Not by whoever begins the crossing anew: he takes back what died, and nobody was told that it is over. */
export async function recordTakenBack({ ledger }: Ledger, operation: OperationId): Promise<void> {
  const document = { version: 1, at: new Date().toISOString() }
  assertMayAct()
  await ledger.putDocumentOnce({ operation, name: SWITCHOVER_DOCUMENTS.takenBack, document })
}

/** A workflow that is set back to where its source was closed would move writing away from one that is written to. */
export async function assertNotTakenBack({ ledger }: Ledger, operation: OperationId): Promise<void> {
  if ((await ledger.getDocument({ operation, name: SWITCHOVER_DOCUMENTS.takenBack })) === null) return
  const message = `${operation} was taken back, and its source is written to since: writing does not move by it any more. Start a switchover of its own.`
  throw failure('RESOURCE_NOT_OURS', message, { operation })
}

/** One session, which is opened while the source is told: nobody is served meanwhile, and one of both is far. Resolves to what was told there. */
async function nobodysStandby(
  deps: ActivityDeps,
  { operation, step, epochs }: Switching,
  { places, id }: Pair,
  recording: Promise<string>,
): Promise<string> {
  // it may fail before anybody waits for it
  recording.catch(() => undefined)
  try {
    const name = `capstan ${operation} ${step}`
    const { session, told } = await answering(places.standby, 'migrator', {
      open: opener(deps, places.standby, 'migrator'),
      ask: (opened, ensured) => raiseOwnFence(opened, operation, epochs.standby, { name, ensured }),
    })
    try {
      // first what a token stands before: whoever was overtaken ends nobody's way
      const there = await recording
      assertMayAct()
      await forgetOrigin(session, { source: id.source, token: told.token, signal: currentAct().signal, ensured: true })
      return there
    } finally {
      // a goodbye is one more way, and nobody waits for it
      void session.close()
    }
  } finally {
    // nothing of it goes on once the attempt is over
    await recording.catch(() => undefined)
  }
}
