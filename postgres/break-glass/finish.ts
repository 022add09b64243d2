/** Writing moves to the standby, from wherever a switchover stands. A crossing that did not come to its end is begun again, as its own repeat would: only that no
 *  application gets in meanwhile. The standby is opened once the source is proven closed and the barrier is passed, and never otherwise. Safe to repeat. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type BreakGlassPapers, FINISH_STEPS as STEPS } from '../../contracts/break-glass'
import { Failure, failure } from '../../contracts/failures'
import type { Session } from '../connect/session'
import { ownGuest, walsenderGuest } from '../fence/guests'
import { openDatabases } from '../fence/lower'
import { forgetMovedAway, readMovedAway, recordMovedAway } from '../fence/moved-away'
import { recordPassed, shutAndEmpty } from '../fence/passed'
import { proveClosed } from '../fence/prove'
import { closeDatabases } from '../fence/raise'
import { NOBODY, othersInside, proveWorkersOnly } from '../fence/workers-only'
import { applyErrors, awaitBarrier, takeBarrier } from '../replicate/barrier'
import { raiseGuard, setGuardAside } from '../replicate/guard'
import { keepOut, letIn } from '../replicate/keep-out'
import { dropPublication } from '../replicate/publication'
import { forgetOrigin, markFollowing, readOrigin } from '../replicate/seeding'
import { dropSlot } from '../replicate/slot'
import { enableSubscription, findSubscription } from '../replicate/subscription'
import { dropSubscription } from '../replicate/teardown'
import { carrySequences, readSequences, refuseUncarried } from '../replicate/watch/sequences'
import { closeWayBack, openWayBack, stopWayThere } from '../replicate/way-back'
import { ByHand, type ByHandInput } from './by-hand'
import { lookBesideStandby, type SourceStanding } from './look'

/** As the switchover's own. */
const EMPTYING_MS = 30_000
const WAY_BACK_MS = 30_000
const FOLLOWING_MS = 60_000
/** Nobody is served meanwhile: a table that is not had by then has to wait for its guard until the old writer follows. */
const GUARD_MS = 1_000
const ROW_MS = 60_000
const POLL_MS = 50

/** Resolves once applications may write on the standby and the old writer follows it, or stays closed where there can be no way back; `sourceLeft`: they write there since a run of before, and were led there, while the old
 *  writer does not answer. Throws DATABASE_UNREACHABLE and the like for a side that does not answer,
 *  FENCE_REFUSED and FENCE_NOT_PROVEN, BARRIER_NOT_PASSED: the standby is closed then, and `revert` still goes; FENCED_OFF where somebody else has begun since. */
export async function finishByHand(input: ByHandInput): Promise<{ readonly sourceLeft: boolean }> {
  const hand = new ByHand(input)
  try {
    let sourceAway = false
    await hand.step(STEPS.raise, async () => {
      sourceAway = await raiseAll(hand)
      return `workers that come back are refused from here on, ${sourceAway ? 'on the standby; the source does not answer' : 'on both sides'}`
    })
    if (sourceAway) {
      await hand.leadApplications('standby')
      return { sourceLeft: true }
    }
    const stage = await hand.stage()
    if (stage === 'both-open') throw bothOpen(hand)
    const moved = stage === 'opened' || stage === 'follows' || stage === 'turned'
    const { oneWay = false } = hand.papers
    if (!moved) {
      const { backSlot, ours } = await hand.standby()
      if (!oneWay && backSlot === null) throw noWayBack(hand)
      if (oneWay && !ours) throw takenBack(hand.papers)
      await hand.step(STEPS.keepOut, () => keepSourceOut(hand))
      await hand.step(STEPS.again, () => beginAgain(hand))
      await hand.step(STEPS.cross, () => cross(hand))
      await hand.step(STEPS.open, () => openStandby(hand))
    }
    // before the old writer is asked for anything: applications are served nowhere until they are led there
    await hand.leadApplications('standby')
    if (oneWay) {
      await hand.step(STEPS.leave, () => leaveClosed(hand))
      return { sourceLeft: false }
    }
    await hand.step(STEPS.follow, () => letOldFollow(hand))
    await hand.step(STEPS.remove, () => removeWayThere(hand))
    return { sourceLeft: false }
  } finally {
    await hand.close()
  }
}

/** The source's row inside is raised once it lets us in: until then nobody else comes in either. Resolves to whether the source is away, from which writing has moved. */
async function raiseAll(hand: ByHand): Promise<boolean> {
  try {
    await hand.takeKeyhole('source')
  } catch (error) {
    if (error instanceof Failure && error.kind === 'transient' && (await isWriter(hand))) return true
    throw error
  }
  await hand.assertNewest('source')
  await hand.takeKeyhole('standby')
  await hand.takeInside('standby')
  const source = await hand.source()
  if (isOpen(source)) await hand.takeInside('source')
  return false
}

/** Whether the standby was opened, as itself and what is beside it say: nobody is kept out of it, it is nobody's standby any more, and writing has not moved on from it. Then
 *  nothing is to be proven of the source any more. */
async function isWriter(hand: ByHand): Promise<boolean> {
  await hand.takeKeyhole('standby')
  await hand.assertNewest('standby')
  const { session } = hand.keyhole('standby')
  if ((await lookBesideStandby(session, hand.papers)).keptOut) return false
  if ((await readMovedAway(session, hand.papers.sides.standby.database)) !== null) return false
  await hand.takeInside('standby')
  return (await readOrigin(await hand.open('standby', 'migrator'))) === null
}

const isOpen = ({ open, limit }: SourceStanding): boolean => open && limit !== NOBODY

export function bothOpen({ papers: { sides, operation } }: ByHand): Error {
  return failure(
    'FENCE_REFUSED',
    `Applications may come into both ${sides.source.name} and ${sides.standby.name}, which no step of ${operation} leaves so: find out who opened what, and which of both was written to, before anything is moved.`,
    { operation },
  )
}

function keptOf({ papers: { sides, operation } }: ByHand) {
  return { database: sides.source.database, operation, keep: sides.source.keeps }
}

async function keepSourceOut(hand: ByHand): Promise<string> {
  const { session, token } = hand.keyhole('source')
  const { revoked, stillIn } = await keepOut(session, { ...keptOf(hand), token })
  const others = stillIn.length === 0 ? '' : `; who may still connect besides its own roles: ${stillIn.join(', ')}`
  return `${revoked.length === 0 ? 'nobody could connect' : `${revoked.join(', ')} may not connect any more`}${others}`
}

/** Only its own roles come in, and so a session can be inside when it is closed. */
async function beginAgain(hand: ByHand): Promise<string> {
  const { operation, names } = hand.papers
  const { session, token } = hand.keyhole('source')
  const opened = await openDatabases(session, { raisedBy: operation, token })
  await hand.takeInside('source')
  const [source, standby] = [await hand.open('source', 'admin'), await hand.open('standby', 'admin')]
  const tokens = { sourceToken: hand.token('source'), standbyToken: hand.token('standby') }
  if (hand.papers.oneWay !== true) {
    const back = await findSubscription(source, names.back.subscription)
    if (back === null) throw noWayBack(hand)
    await closeWayBack({ source, standby, ...names, ...tokens, operation, deadlineMs: WAY_BACK_MS })
  }
  const forward = await findSubscription(standby, names.forward.subscription)
  if (forward?.enabled === false)
    await enableSubscription(standby, { name: names.forward.subscription, token: tokens.standbyToken })
  await isRead(session, names.forward.slot)
  return `${opened.length === 0 ? 'it was not closed' : `${opened.join(', ')} lets its own roles in`}; the standby follows`
}

/** A way back is made before the fence, as a subscription that needs a password: without it nothing was closed yet. */
function noWayBack({ papers: { operation, id } }: ByHand): Error {
  return failure(
    'FENCE_REFUSED',
    `${operation} had not made the way back yet, so it had closed nothing: take back what it did ("capstan break-glass revert"), and ask for "capstan switchover ${id.source}" anew.`,
    { operation },
  )
}

/** Without a way back it is who keeps applications out of the standby that says that nothing was lacking there, and that nobody has taken it back. */
export function takenBack({ operation, id }: BreakGlassPapers): Error {
  const message = `${operation} does not keep applications out of ${id.target}: it was refused, taken back, or is long over, and writing does not move by its papers. Ask for "capstan switchover ${id.source}" anew.`
  return failure('FENCE_REFUSED', message, { operation })
}

async function isRead(keyhole: Session, slot: string): Promise<void> {
  for (const until = performance.now() + FOLLOWING_MS; ; await sleep(POLL_MS)) {
    const [seen] = await keyhole.query<{ active: boolean }>(
      'SELECT active FROM pg_catalog.pg_replication_slots WHERE slot_name = $1',
      [slot],
    )
    if (seen?.active === true) return
    if (performance.now() <= until) continue
    const message = `Slot ${slot} is read by nobody after ${FOLLOWING_MS / 1000} s: look why the standby does not follow, or take it back ("capstan break-glass revert").`
    throw failure('BARRIER_NOT_PASSED', message, { slot })
  }
}

async function cross(hand: ByHand): Promise<string> {
  const { operation, names, sides, drainMsMax, oneWay = false } = hand.papers
  const { session: keyhole, token } = hand.keyhole('source')
  const { database } = sides.source
  const [source, standby] = [await hand.open('source', 'admin'), await hand.open('standby', 'admin')]
  const { slot, subscription } = names.forward
  const errorsBefore = await applyErrors(standby, subscription)
  const scope = { databases: [database] }
  // every session of our own but this one has to go as well: it is one that may stay
  const guests = [await ownGuest(source), await walsenderGuest(keyhole, slot)]
  const raising = { connectTo: hand.connectTo('source'), scope, operation, token, guests }
  await closeDatabases(keyhole, { ...raising, waitMs: EMPTYING_MS, beforeChange: async () => undefined })
  const proof = await proveClosed(keyhole, { ...raising, connectAsWriter: hand.asWriter('source') })
  const [sourceToken, standbyToken] = [hand.token('source'), hand.token('standby')]
  // before the barrier: a change of the schema may run code that writes rows; one that stays closed needs none
  if (!oneWay) await raiseGuard(source, { token: sourceToken, withinMs: GUARD_MS })
  const barrier = await takeBarrier(source, { operation, token: sourceToken })
  const awaited = { source: keyhole, standby, slot, subscription, barrier, errorsBefore }
  const passed = await awaitBarrier({ ...awaited, deadlineMs: drainMsMax })
  await setGuardAside(standby, { token: standbyToken, withinMs: GUARD_MS })
  const carried = await carrySequences({ source: await readSequences(source), standby, margin: 0 })
  refuseUncarried(carried.findings)
  const said = `nobody inside, ${proof.writer.user} turned away; the standby has all up to ${barrier.lsn} after ${passed.waitedMs} ms; ${carried.set} of ${carried.sequences} sequences set`
  const raisedBy = operation
  if (oneWay) {
    await stopWayThere({ source: keyhole, standby, forward: names.forward, standbyToken, deadlineMs: WAY_BACK_MS })
    await proveClosed(keyhole, { ...raising, guests: [await ownGuest(source)], connectAsWriter: hand.asWriter('source') })
    await recordPassed(keyhole, { raisedBy, database, token })
    return `${said}; there is no way back`
  }
  await openWayBack({
    ...{ source, standby, ...names, keyhole, raisedBy, operation, database, token },
    ...{ sourceToken, standbyToken, deadlineMs: WAY_BACK_MS },
  })
  await proveWorkersOnly(keyhole, {
    ...{ raisedBy, database, token, connectAsWriter: hand.asWriter('source'), guests: [await ownGuest(source)] },
  })
  return `${said}; the way back carries`
}

/** Right after the proof that the source is closed, under the same rows: whoever began since has raised them, and is looked for by each statement. */
async function openStandby(hand: ByHand): Promise<string> {
  const { sides, id, operation, oneWay = false } = hand.papers
  const source = await hand.source()
  if (source.open && (oneWay || source.limit !== NOBODY))
    throw failure('FENCE_NOT_PROVEN', `${sides.source.database} on ${sides.source.instance} is open: the standby is not.`, {
      database: sides.source.database,
    })
  const here = hand.keyhole('source')
  await recordMovedAway(here.session, {
    ...{ database: sides.source.database, operation, writer: id.target, token: here.token, passed: oneWay },
  })
  const migrator = await hand.open('standby', 'migrator')
  await forgetOrigin(migrator, { source: id.source, token: hand.token('standby') })
  const { session, token } = hand.keyhole('standby')
  const { database, keeps: stay } = sides.standby
  await forgetMovedAway(session, { database, token })
  const { back } = await letIn(session, { database, token, stay })
  return back.length === 0 ? `${id.target} is open to whom it was` : `${back.join(', ')} may connect to ${id.target} again`
}

/** Kept out first: what is opened then is open to its own roles alone. */
async function letOldFollow(hand: ByHand): Promise<string> {
  const { operation, names, id } = hand.papers
  const { session, token } = hand.keyhole('source')
  await keepOut(session, { ...keptOf(hand), token })
  await openDatabases(session, { raisedBy: operation, token })
  await hand.takeInside('source')
  const [source, standby] = [await hand.open('source', 'admin'), await hand.open('standby', 'admin')]
  await enableSubscription(source, { name: names.back.subscription, token: hand.token('source') })
  const barrier = await takeBarrier(standby, { operation, token: hand.token('standby') })
  const sides = { source: standby, standby: source, slot: names.back.slot, subscription: names.back.subscription }
  await isRead(standby, names.back.slot)
  const { waitedMs } = await awaitBarrier({ ...sides, barrier, deadlineMs: ROW_MS })
  const migrator = await hand.open('source', 'migrator')
  await markFollowing(migrator, { source: id.target, operation, token: hand.token('source') })
  // whose lock was not to be had behind the fence
  await raiseGuard(source, { token: hand.token('source') })
  return `a row that was committed on ${id.target} was on ${id.source} after ${waitedMs} ms`
}

/** From beside it, since nobody comes into it: a slot is dropped from any database. */
async function leaveClosed(hand: ByHand): Promise<string> {
  const { names, id, sides } = hand.papers
  const { operation } = hand.papers
  const { session, token } = hand.keyhole('source')
  const { database } = sides.source
  await hand.leave('source')
  const inside = await othersInside(session, database)
  if ((await hand.source()).open || inside !== null) {
    const found = inside === null ? 'is open' : `is not empty (${inside})`
    const message = `${database} on ${sides.source.instance} ${found}, and ${id.target} is written to: what was written in ${id.source} meanwhile is there alone. Find out what it is and carry it over, then ${shutAndEmpty(database)}, and run this again.`
    throw failure('FENCE_NOT_PROVEN', message, { database })
  }
  // it may have been away when writing moved, and has no mark yet
  await recordMovedAway(session, { database, operation, writer: id.target, token, passed: true })
  // whoever opens it once more opens it to its own roles
  await keepOut(session, { ...keptOf(hand), token })
  const standby = await hand.open('standby', 'admin')
  await dropSubscription(standby, {
    ...{ name: names.forward.subscription, source: null, standbyGuard: { token: hand.token('standby') } },
  })
  await dropSlot(session, { name: names.forward.slot, database, token })
  return `${id.source} stays closed, and nothing of the way there holds anything back; the publication ${names.forward.publication} is in it still, and does nothing`
}

async function removeWayThere(hand: ByHand): Promise<string> {
  const { names, id } = hand.papers
  const [source, standby] = [await hand.open('source', 'admin'), await hand.open('standby', 'admin')]
  const [sourceToken, standbyToken] = [hand.token('source'), hand.token('standby')]
  await dropSubscription(standby, {
    ...{ name: names.forward.subscription, source },
    ...{ standbyGuard: { token: standbyToken }, sourceGuard: { token: sourceToken } },
  })
  await dropSlot(source, { name: names.forward.slot, token: sourceToken })
  const migrator = await hand.open('source', 'migrator')
  await dropPublication(migrator, { name: names.forward.publication, token: sourceToken })
  return `${id.source} follows ${id.target} now, and nothing is left of the way there`
}
