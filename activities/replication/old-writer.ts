/** The mark of an old writer, in its keyhole: whoever comes later meets it, with a ledger that does not know as well. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, failure } from '../../contracts/failures'
import { type MovedAway, recordMovedAway } from '../../postgres/fence/moved-away'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { openedBehind, placeOf } from '../instance-fence/place'
import { isAway } from './away'
import { inKeyholeOf, movedAwayFrom } from './keyhole'
import type { Place } from './sides'

/** For the mark, all attempts at it together. The old writer is closed, and stays so; whoever waits is served sooner without it. */
const MARK_MS = 5_000
const AGAIN_MS = 250
/** Of one that is silent. One that is full, or starts, may take us a moment later, and is asked for all the time there is. */
const SILENT_TRIES = 2

/** Resolves to a sentence. One that stands still answers nothing, and what was begun there is left to itself: should it come to write the mark yet, that is true.
 *  Throws FENCE_NOT_PROVEN where it is not closed by this operation any more; FENCED_OFF. Safe to repeat. */
export async function markOldWriter(
  deps: ActivityDeps,
  {
    place,
    epoch,
    writer,
    passed,
  }: { readonly place: Place; readonly epoch: () => Promise<number>; readonly writer: string; readonly passed?: boolean },
): Promise<string> {
  const { entry, ref } = place
  const { signal } = currentAct()
  const until = performance.now() + MARK_MS
  for (let silent = 0; silent < SILENT_TRIES; ) {
    const marking = epoch()
      .then((above) =>
        inKeyholeOf(deps, place, above, ({ session, token }) =>
          recordMovedAway(session, { database: entry.database, operation: ref.operation, writer, token, passed }),
        ),
      )
      .then(() => 'recorded' as const, howAway)
    marking.catch(() => undefined)
    const left = sleep(Math.max(0, until - performance.now()), 'late' as const, { signal, ref: false })
    const told = await Promise.race([marking, left])
    if (told === 'recorded') return `${entry.name} is known as the old writer`
    if (told === 'silent') silent += 1
    if (told === 'late' || performance.now() + AGAIN_MS > until) break
    await sleep(AGAIN_MS, undefined, { signal })
  }
  return `${entry.name} does not answer, and bears no mark that writing has moved: it is closed still`
}

function howAway(error: unknown): 'silent' | 'busy' {
  if (!(error instanceof Failure) || (error.code !== 'DATABASE_UNREACHABLE' && error.code !== 'CONNECTION_LOST')) throw error
  return error.facts.sqlState === undefined ? 'silent' : 'busy'
}

/** Of one that is out of reach nobody knows: null. `cutBy`: as in `openSession`. Reads only. */
export async function markOn(deps: ActivityDeps, place: Place, cutBy?: AbortSignal): Promise<MovedAway | null> {
  try {
    return await movedAwayFrom(deps, place, cutBy)
  } catch (error) {
    if (error instanceof Failure && isAway(error)) return null
    throw error
  }
}

/** For whoever would move writing away from it once more. */
export function isOldWriter({ entry: { name } }: Place, { operation, writer }: MovedAway): string {
  return `${operation} has moved writing from ${name} to ${writer}: it is not the writer, and what follows it would be a second one beside ${writer}. Move writing from ${writer}. ${MARK_GOES}`
}

const MARK_GOES =
  'Where it is the writer all the same, somebody who has made sure of that takes the mark away, as its master in the database capstan_fence on its instance: DELETE FROM capstan.moved_away.'

/** For whoever would have a standby follow it: what it holds is not what is written any more. By its own mark, or by its cloud's fence where a failover found it silent. Throws
 *  RESOURCE_NOT_OURS. Reads only. */
export async function refuseOldWriterAsSource(deps: ActivityDeps, place: Place): Promise<void> {
  const { entry, address } = place
  const refused = (operation: string, writer: string | null, said: string) => {
    const message = `${operation} has ${said}: a standby of ${entry.name} would follow what nobody writes to any more. Make it of ${writer ?? 'the writer'}: "capstan replicate ${writer ?? 'WRITER'}".`
    return failure('RESOURCE_NOT_OURS', message, { operation, writer })
  }
  const fence = await deps.ledger.getFence(placeOf(entry, address))
  const opened = await openedBehind(deps.ledger, fence, address, entry.name)
  if (opened !== null) {
    const { operation, writer } = opened
    throw refused(operation, writer, `given ${entry.name} up and made ${writer ?? 'another database'} the writer in its place`)
  }
  const moved = await markOn(deps, place)
  if (moved === null) return
  const { code, message, facts } = refused(moved.operation, moved.writer, `moved writing from ${entry.name} to ${moved.writer}`)
  throw failure(code, `${message} ${MARK_GOES}`, facts)
}
