/** What a look makes of a standby's state. Pure: it decides, and nothing is done here.
 *
 *  The disk of the source comes first: whatever the state is, and whether the standby answers or not, a slot that holds back more than was declared
 *  goes. What is not seen changes nothing: a side that does not answer keeps its state, and is told. What will never be whole again does not come back
 *  by itself, however well it looks: only an operation takes a standby out of `to-be-seeded`, and out of `building`, `switching`, `paused` and `gone`. */
import type { Finding } from '../../../contracts/operation'
import type { SlotLook, SourceLook, StandbyLook, StandbyRecord, StandbyState, SubscriptionLook } from '../../../contracts/standby'
import { bytes } from '../../health/words'
import { findingsOf } from './findings'

export interface Judgement {
  readonly state: StandbyState
  /** Null where the state says it all. */
  readonly reason: string | null
  /** `drop-slot`: the ledger has to hold this state before it is (drop-at-retention.ts). */
  readonly act: 'none' | 'drop-slot'
  /** In the look's place for them. */
  readonly findings: readonly Finding[]
}

type Verdict = Pick<Judgement, 'state' | 'reason'>

/** `record.look`: the look before this one. */
export function judge(record: StandbyRecord, look: StandbyLook): Judgement {
  const verdict = verdictOf(record, look)
  const isOver = verdict.state === 'to-be-seeded' && look.source !== null && holdsLog(look.source)
  return { ...verdict, act: isOver ? 'drop-slot' : 'none', findings: findingsOf({ ...record, state: verdict.state }, look) }
}

/** The slot that follows, or one by which a table is copied, which outlives it where its worker was between two tables. */
const holdsLog = ({ slot, strayCopySlots }: SourceLook): boolean => slot !== null || strayCopySlots !== undefined

function verdictOf(record: StandbyRecord, look: StandbyLook): Verdict {
  const { state, reason } = record
  const asItIs = { state, reason }
  if (state === 'gone' || state === 'to-be-seeded') return asItIs
  const lost = look.source === null || isToCome(record, look.source) ? null : whyLost(record, look.source)
  if (lost !== null) return { state: 'to-be-seeded', reason: lost }
  // An operation is about it, or a person wants it so.
  if (state === 'building' || state === 'switching' || state === 'paused') return asItIs
  if (look.target === null) return isUnread(record, look) ? { state: 'broken', reason: unread(record) } : asItIs
  const trouble = whyBroken(record, look, look.target.subscription)
  if (trouble !== null) return { state: 'broken', reason: trouble }
  if (state === 'broken' && !isMended(record.look, look)) return asItIs
  return followed(record, look)
}

/** Of a way back that an operation is about to make. */
function isToCome({ state, look: before }: StandbyRecord, { slot }: SourceLook): boolean {
  return state === 'switching' && slot === null && (before?.source?.slot ?? null) === null
}

/** A standby that does not answer us may well follow. One whose slot nobody reads either, in two looks, does not. */
function isUnread({ state, look: before }: StandbyRecord, { source }: StandbyLook): boolean {
  const isIdle = (slot: SlotLook | null | undefined): boolean => slot != null && !slot.active
  return state !== 'broken' && before?.target === null && isIdle(before.source?.slot) && isIdle(source?.slot)
}

const unread = ({ target, names }: StandbyRecord): string =>
  `Nothing reads the slot ${names.slot} on the source, and ${target} does not answer: look whether its server runs and can be reached.`

/** Why what the standby has will never be whole again; null: it may be. */
function whyLost({ state, names, declared }: StandbyRecord, { slot, strayCopySlots }: SourceLook): string | null {
  // It may not have been made yet.
  if (slot === null && state === 'building') {
    if (strayCopySlots === undefined || strayCopySlots.retainedBytes <= declared.retainedBytesMax) return null
    const { count } = strayCopySlots
    return `${count} slot${count === 1 ? '' : 's'} by which its tables were copied held back ${bytes(strayCopySlots.retainedBytes)} of log on the source, and the slot ${names.slot} is gone: they are dropped.`
  }
  if (slot === null) return `The slot ${names.slot} on the source is gone: what was written since cannot be had any more.`
  if (slot.walStatus === 'lost')
    return `The source has removed log that the slot ${names.slot} still needed (wal_status lost): what was written in it cannot be had any more.`
  const { retainedBytes } = slot
  if (retainedBytes === null || retainedBytes <= declared.retainedBytesMax) return null
  return (
    `The slot ${names.slot} held back ${bytes(retainedBytes)} of log on the source and maxRetained allows ${bytes(declared.retainedBytesMax)}: ` +
    'it is dropped, so that the disk of the source does not fill up.'
  )
}

/** Somebody may have made it the writer while its source was away. */
const UNLESS_WRITER = 'If applications write to it by now, leave it as it is, and remove it as a standby.'

/** Why nothing arrives; null: nothing is seen that would stop it. */
function whyBroken({ names, look: before }: StandbyRecord, look: StandbyLook, now: SubscriptionLook | null): string | null {
  const name = `The subscription ${names.subscription}`
  if (now === null) return `${name} is gone from the standby. ${UNLESS_WRITER} Otherwise seed it anew.`
  if (!now.enabled) return whyDisabled(name, now)
  const last = before?.target?.subscription ?? null
  // at its line its worker fails and begins anew: that is what holds it there. Of what it failed with meanwhile the look after that knows nothing
  if (last === null || look.waits !== undefined || before?.waits !== undefined) return null
  // Fewer than before: the statistics were reset, and those that there are have come since.
  const risen = (kind: 'applyErrors' | 'syncErrors'): boolean => now[kind] > (now[kind] < last[kind] ? 0 : last[kind])
  if (risen('applyErrors'))
    return `${name} could not apply a change and tries it over and over (${now.applyErrors} times so far): the server's log on the standby says why.`
  if (risen('syncErrors'))
    return `${name} could not copy a table and tries it over and over (${now.syncErrors} times so far): the server's log on the standby says why.`
  if (!now.working && !last.working && !hasArrived(before, look))
    return `${name} has no worker: it does not come to the source or is refused there, or the standby has no worker left. Its server's log says why.`
  return null
}

function whyDisabled(name: string, { disablesOnError, applyErrors, syncErrors }: SubscriptionLook): string {
  const errors = applyErrors + syncErrors
  if (disablesOnError && errors > 0)
    return `${name} has disabled itself after an error (disable_on_error; ${errors} so far): the server's log on the standby says which. Mend it, then ALTER SUBSCRIPTION … ENABLE.`
  return `${name} was disabled, and by no operation: find out who did it and why. ${UNLESS_WRITER} Otherwise capstan standby resume.`
}

/** Between two errors of a worker that tries over and over nothing is seen but that it runs: so it counts that something has come through. */
function isMended(before: StandbyLook | null, look: StandbyLook): boolean {
  const [then, now] = [before?.target?.subscription ?? null, look.target?.subscription ?? null]
  if (now === null) return false
  const isCopying = now.tables.ready < now.tables.tables
  if (isCopying && now.syncErrors > 0) return then !== null && now.tables.ready > then.tables.ready
  return hasArrived(before, look)
}

/** Another beat than at the look before. */
function hasArrived(before: StandbyLook | null, { beatAt }: StandbyLook): boolean {
  return before !== null && beatAt !== null && beatAt !== before.beatAt
}

function followed({ state, reason, declared: { lagMsMax } }: StandbyRecord, { target, lagMs }: StandbyLook): Verdict {
  const tables = target?.subscription?.tables
  if (tables !== undefined && tables.ready < tables.tables) return { state: 'copying', reason: null }
  // The source does not tell the time, or no beat has come yet.
  if (lagMs === null) return state === 'broken' || state === 'copying' ? { state: 'following', reason: null } : { state, reason }
  if (lagMs <= lagMsMax) return { state: 'following', reason: null }
  return { state: 'late', reason: `It is later than the ${seconds(lagMsMax)} that maxLag allows.` }
}

const seconds = (ms: number): string => `${(ms / 1_000).toLocaleString('en-US', { maximumFractionDigits: 1 })} s`
