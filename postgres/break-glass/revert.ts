/** The source is opened again, and the standby follows it as before. Only while nobody can have written on the standby: applications are kept out of it still, and
 *  what others wrote there is on the source as well, or there is none. Safe to repeat. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type BreakGlassPapers, REVERT_STEPS as STEPS } from '../../contracts/break-glass'
import { Failure, failure } from '../../contracts/failures'
import { quoteIdentifier } from '../connect/quote'
import type { Session } from '../connect/session'
import { forgetMovedAway, readMovedAway } from '../fence/moved-away'
import { NOBODY } from '../fence/workers-only'
import { raiseGuardAgain, setGuardAsideApart } from '../replicate/guard'
import { giveBack, letIn } from '../replicate/keep-out'
import { dropPublication } from '../replicate/publication'
import { reopenSource } from '../replicate/reopen'
import { markFollowing, readOrigin } from '../replicate/seeding'
import { dropSlot } from '../replicate/slot'
import { enableSubscription, findSubscription } from '../replicate/subscription'
import { shownList } from '../replicate/tables'
import { dropSubscription } from '../replicate/teardown'
import { closeWayBack, stopWayBack } from '../replicate/way-back'
import { ByHand, type ByHandInput } from './by-hand'
import { bothOpen } from './finish'
import { lookBesideStandby, type StandbyStanding } from './look'
import { countWritten } from './written'

const WAY_BACK_MS = 30_000
const POLL_MS = 50

export interface RevertInput extends ByHandInput {
  /** Of the standby that does not answer: whose word it is that no failover has opened it, one line. What it throws leaves the source as it is. */
  readonly neverFailedOver: () => Promise<string>
}

/** Throws NO_WAY_BACK once applications were let into the standby, or where rows were written there that the source has not; FENCED_OFF where somebody else has
 *  begun since; DATABASE_UNREACHABLE and the like for a side that does not answer. The source is opened without the standby where that cannot have been opened:
 *  neither by the switchover, nor by a failover. */
export async function revertByHand({ neverFailedOver, ...input }: RevertInput): Promise<{ readonly standbyLeft: boolean }> {
  const hand = new ByHand(input)
  try {
    let standbyAway = false
    await hand.step(STEPS.raise, async () => {
      await hand.takeKeyhole('source')
      await hand.assertNewest('source')
      standbyAway = await isAway(hand)
      const { open, limit } = await hand.source()
      if (open && limit !== NOBODY) await hand.takeInside('source')
      return `workers that come back are refused from here on${standbyAway ? '; the standby does not answer' : ''}`
    })
    await hand.step(STEPS.unwritten, () => (standbyAway ? neverOpened(hand, neverFailedOver) : unwritten(hand)))
    await hand.step(STEPS.reopen, () => reopen(hand))
    await hand.leadApplications('source')
    if (standbyAway) return { standbyLeft: true }
    await hand.step(STEPS.followAgain, () => followAgain(hand))
    await hand.step(STEPS.removeBack, () => (input.papers.oneWay === true ? leaveStandby(hand) : removeWayBack(hand)))
    return { standbyLeft: false }
  } finally {
    await hand.close()
  }
}

/** A standby that does not answer is no reason to leave the source closed where it was closed and nothing beyond: no switchover opens a standby before its way back
 *  carries, or the source bears that it is closed for good, and that needs the source, whose row is raised by now. A failover does without, and is asked for. */
async function isAway(hand: ByHand): Promise<boolean> {
  let beside: Awaited<ReturnType<typeof lookBesideStandby>> | null = null
  try {
    await hand.takeKeyhole('standby')
    beside = await lookBesideStandby(hand.keyhole('standby').session, hand.papers)
    await hand.takeInside('standby')
    return false
  } catch (error) {
    const { open, limit, closed, keptOut } = await hand.source()
    if (!(error instanceof Failure) || error.kind !== 'transient') throw error
    // its database lets us in no more, as one that is full of applications; beside it stands whether they were let in
    if (beside?.keptOut === false) throw open && limit !== NOBODY && !keptOut ? bothOpen(hand) : opened(hand)
    const onlyClosed = !open && closed !== null && closed.limit === null
    if (onlyClosed || (open && limit !== NOBODY && closed === null)) return true
    throw error
  }
}

async function neverOpened(hand: ByHand, neverFailedOver: RevertInput['neverFailedOver']): Promise<string> {
  await refuseMovedAway(hand)
  await refuseFollowing(hand)
  const word = await neverFailedOver()
  return `in the source is not written that writing moves: the switchover cannot have let anybody into the standby; ${word}`
}

/** It is written there before the standby is opened, by whomever, and is forgotten once writing has moved back. */
async function refuseMovedAway(hand: ByHand): Promise<void> {
  const { sides, id } = hand.papers
  const moved = await readMovedAway(hand.keyhole('source').session, sides.source.database)
  if (moved === null) return
  const message = `On ${sides.source.instance} is written that writing has moved from ${id.source} to ${moved.writer} (${moved.operation}), and ${id.target} does not answer: nobody can see whether applications were let in there. Try again once it answers.`
  throw failure('NO_WAY_BACK', message, { ...moved })
}

/** Inside the source, where it lets its own roles in: whoever made it follow the standby has written that there, the mark beside it may be missing. */
async function refuseFollowing(hand: ByHand): Promise<void> {
  const { open, limit } = await hand.source()
  if (!open || limit === NOBODY) return
  const origin = await readOrigin(await hand.open('source', 'migrator'))
  if (origin?.source === hand.papers.id.target) throw opened(hand)
}

function opened({ papers: { id, operation, oneWay } }: ByHand): Error {
  return failure(
    'NO_WAY_BACK',
    `Applications were let into ${id.target}, so there is only forward: "capstan break-glass finish ${operation}"${oneWay === true ? '' : `, and then "capstan switchover ${id.target} --to ${id.source}"`}.`,
    { operation },
  )
}

/** Of papers without a way back, where applications are kept out of the standby: nothing there says whether they were let in meanwhile, since a later operation may have
 *  moved writing on from it. Only as long as it is this one that keeps them out, and the way there is there still, is it the standby that it was. Null: it is. */
export function notOurs(
  { id, operation }: BreakGlassPapers,
  { ours, forward }: Pick<StandbyStanding, 'ours' | 'forward'>,
): Error | null {
  if (ours && forward !== null) return null
  const found = ours
    ? `nothing follows ${id.source} there any more`
    : `another operation keeps applications out of ${id.target} by now`
  const message = `${operation} is over: ${found}, so writing may have moved there since, and on from there, and ${id.source} lacks what was written. Nothing is opened.`
  return failure('NO_WAY_BACK', message, { operation })
}

async function unwritten(hand: ByHand): Promise<string> {
  const { id, names, sides } = hand.papers
  const stage = await hand.stage()
  if (stage === 'open') return 'nothing is closed'
  if (stage === 'both-open') throw bothOpen(hand)
  if (stage !== 'closed' && stage !== 'workers-only' && stage !== 'kept') throw opened(hand)
  if (hand.papers.oneWay === true) {
    const against = notOurs(hand.papers, await hand.standby())
    if (against !== null) throw against
    return `applications were kept out of ${id.target} all the while; what its own roles may have written there goes nowhere`
  }
  const standby = await hand.open('standby', 'admin')
  const written = await countWritten(standby, { slot: names.back.slot, publication: names.back.publication, waitMs: WAY_BACK_MS })
  if (written.kind === 'none') return 'the way back was not made yet'
  if (written.kind === 'carried') return `what was written on ${id.target} is on ${id.source} as well`
  if (written.rows === 0) return `nobody has written on ${id.target}`
  throw failure(
    'NO_WAY_BACK',
    `${written.rows} rows were written on ${id.target} (${sides.standby.host}:${sides.standby.port}) by others than its replication, and are not on ${id.source}: going back would lose them. Look who did, take them back there, or finish.`,
    { rows: written.rows },
  )
}

/** Writers first: they wait. */
async function reopen(hand: ByHand): Promise<string> {
  const { operation, sides } = hand.papers
  const { session, token } = hand.keyhole('source')
  const { database, keeps: keep } = sides.source
  // it may have been written down already that writing moves, and nobody was let into the standby since
  await forgetMovedAway(session, { database, token })
  const stop = () => followsNoMore(hand)
  const reopened = await reopenSource(session, { raisedBy: operation, database, keep, token, stopWayBack: stop })
  // whoever else kept them out
  const again = [...new Set([...reopened.back, ...(await letIn(session, { database, token })).back])]
  const who = again.length === 0 ? '' : `; ${again.join(', ')} may connect again`
  return `${reopened.opened.length === 0 ? 'it was not closed' : `${reopened.opened.join(', ')} is open again`}${who}`
}

/** Else its guard would turn writers away: the standby need not answer for it. */
async function followsNoMore(hand: ByHand): Promise<void> {
  await hand.takeInside('source')
  const source = await hand.open('source', 'admin')
  const { subscription } = hand.papers.names.back
  await stopWayBack(source, { subscription, token: hand.token('source') })
}

async function followAgain(hand: ByHand): Promise<string> {
  const { operation, names, id } = hand.papers
  const [source, standby] = [await hand.open('source', 'admin'), await hand.open('standby', 'admin')]
  const [sourceToken, standbyToken] = [hand.token('source'), hand.token('standby')]
  const migrator = await hand.open('standby', 'migrator')
  const forward = await findSubscription(standby, names.forward.subscription)
  if (forward === null) throw opened(hand)
  await raiseGuardAgain(standby, { token: standbyToken })
  await markFollowing(migrator, { source: id.source, operation, token: standbyToken })
  if ((await findSubscription(source, names.back.subscription)) === null) {
    if (!forward.enabled) await enableSubscription(standby, { name: names.forward.subscription, token: standbyToken })
  } else await closeWayBack({ source, standby, ...names, sourceToken, standbyToken, operation, deadlineMs: WAY_BACK_MS })
  await isFollowed(source, names.forward.slot)
  return `${id.target} follows ${id.source}`
}

async function isFollowed(source: Session, slot: string): Promise<void> {
  for (const until = performance.now() + WAY_BACK_MS; ; await sleep(POLL_MS)) {
    const [seen] = await source.query<{ active: boolean }>(
      'SELECT active FROM pg_catalog.pg_replication_slots WHERE slot_name = $1',
      [slot],
    )
    if (seen?.active === true) return
    if (performance.now() > until)
      throw failure('NOT_READY_YET', `The source is open, and the standby does not follow it yet (slot ${slot}): try again.`, {
        slot,
      })
  }
}

/** Without a way back it is who keeps applications out of the standby that says of the papers that they were taken back. */
async function leaveStandby(hand: ByHand): Promise<string> {
  const { session, token } = hand.keyhole('standby')
  const { operation, sides, id } = hand.papers
  await giveBack(session, { database: sides.standby.database, token, operation })
  return `there was no way back; applications are kept out of ${id.target} as they were before`
}

/** A slot that nobody reads holds the log back. */
async function removeWayBack(hand: ByHand): Promise<string> {
  const { names, id } = hand.papers
  const [source, standby] = [await hand.open('source', 'admin'), await hand.open('standby', 'admin')]
  const [sourceToken, standbyToken] = [hand.token('source'), hand.token('standby')]
  await dropSubscription(source, {
    ...{ name: names.back.subscription, source: standby },
    ...{ standbyGuard: { token: sourceToken }, sourceGuard: { token: standbyToken } },
  })
  await dropSlot(standby, { name: names.back.slot, token: standbyToken })
  const migrator = await hand.open('standby', 'migrator')
  await dropPublication(migrator, { name: names.back.publication, token: standbyToken })
  const guarded = await setGuardAsideApart(source, { token: sourceToken })
  const told = guarded.length === 0 ? '' : `; a guard that refuses nothing by now stands upon ${shownList(guarded)}`
  return `nothing is left of ${quoteIdentifier(names.back.slot)}; applications stay kept out of ${id.target}, as of every standby${told}`
}
