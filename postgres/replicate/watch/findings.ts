/** What of a look somebody has to know, whatever the state is. Rules are stable: scripts depend on them. Pure. */
import type { Finding, IsoInstant } from '../../../contracts/operation'
import type { SourceLook, StandbyDisk, StandbyLook, StandbyRecord, StandbyState, WaitsAtLine } from '../../../contracts/standby'
import { bytes } from '../../health/words'
import { toldSkew } from './skew'

/** Of what a slot may hold back. */
const RETENTION_WARNING_PERCENT = 80
const DIFFERENCES_SHOWN = 5
/** Of a disk. */
const FULL = 0.9

/** It is asked about once an hour. */
const DISK_OLD_MS = 6 * 3_600_000
/** While an operation has it in hand. */
const NOT_ASKED: readonly StandbyState[] = ['building', 'switching']

type Judged = Pick<StandbyRecord, 'source' | 'target' | 'state' | 'names' | 'declared' | 'disk'>

/** `state`: as it is judged. */
export function findingsOf(judged: Judged, look: StandbyLook): Finding[] {
  const { state, names } = judged
  if (state === 'gone') return []
  const { source, target, beatAt, schemaDiffers } = look
  const findings: Finding[] = look.unreached.map((message) => ({ rule: 'unreached', message }))
  if (source !== null) findings.push(...onSource(judged, source))
  if (state === 'paused' && target?.subscription?.enabled)
    findings.push({
      rule: 'enabled-while-paused',
      message: `The standby is paused, and somebody has enabled its subscription ${names.subscription}: capstan standby resume ${judged.source} --to ${judged.target}, or ALTER SUBSCRIPTION … DISABLE.`,
    })
  if ((state === 'following' || state === 'late') && source !== null && target !== null && beatAt === null)
    findings.push({
      rule: 'no-beat',
      message:
        'No beat of the source has ever arrived, so that nobody can tell how late it is: look whether capstan.standby_beat is published.',
    })
  const skewed = toldSkew(judged.source, look.skew)
  if (skewed !== null) findings.push({ rule: 'clock-skew', message: skewed })
  if (look.waits !== undefined) findings.push(waiting(judged, look.waits))
  findings.push(...ofDisk(judged, look.at))
  if (schemaDiffers !== null && schemaDiffers.length > 0)
    findings.push({ rule: 'schema-differs', message: differing(schemaDiffers), measured: schemaDiffers.length, allowed: 0 })
  return findings
}

/** Nobody makes it larger from here: that takes a lock, and a cloud lets hours pass between two changes. */
function ofDisk({ state, disk }: Judged, now: IsoInstant): Finding[] {
  if (disk === undefined || state === 'to-be-seeded') return []
  if (Date.parse(now) - Date.parse(disk.at) > DISK_OLD_MS) return NOT_ASKED.includes(state) ? [] : [notKnown(disk)]
  const { sizeGib, bytesUsed, growsToGib = sizeGib } = disk
  if (growsToGib === 0) return []
  const largest = Math.max(sizeGib, growsToGib)
  const allowed = Math.floor(largest * 1024 ** 3 * FULL)
  if (bytesUsed <= allowed) return []
  const [grown, mended] =
    largest > sizeGib
      ? [', as far as its cloud makes it grow,', 'have its cloud make it grow further']
      : ['', 'make it larger, or have its cloud make it grow by itself (RDS does that once in six hours at most)']
  const message = `The disk of the standby is nearly full: an estimated ${bytes(bytesUsed)} of ${largest} GiB${grown} are used. Once it is full it gets nothing any more: ${mended}.`
  return [{ rule: 'standby-disk', message, measured: bytesUsed, allowed }]
}

/** What it was then says nothing of now, for either word. */
function notKnown({ at }: StandbyDisk): Finding {
  const message = `How full the disk of the standby is, nobody knows since ${at}: its cloud, or the standby, does not say. Look there.`
  return { rule: 'disk-not-known', message }
}

function onSource({ state, names, declared: { retainedBytesMax } }: Judged, { slot, publishedTables }: SourceLook): Finding[] {
  const findings: Finding[] = []
  if (publishedTables === 0 && state !== 'building' && state !== 'switching' && state !== 'to-be-seeded')
    findings.push({
      rule: 'nothing-published',
      message: `The publication ${names.publication} is gone from the source, or without tables.`,
    })
  if (slot === null) return findings
  const { retainedBytes, walStatus, safeBytes } = slot
  if (isNearlyFull(retainedBytes, retainedBytesMax))
    findings.push({
      rule: 'slot-retention',
      message: `The slot ${names.slot} holds back ${bytes(retainedBytes ?? 0)} of log on the source: above ${bytes(retainedBytesMax)} it is dropped, and the standby has to be seeded anew.`,
      measured: retainedBytes ?? 0,
      allowed: retainedBytesMax,
    })
  if (walStatus === 'unreserved')
    findings.push({
      rule: 'slot-unreserved',
      message: `The source may remove log that the slot ${names.slot} still needs at its next checkpoint (wal_status unreserved${safeBytes === null ? '' : `, ${bytes(safeBytes)} left`}): max_slot_wal_keep_size is too small.`,
    })
  return findings
}

/** Of one that is paused, or to be seeded anew, it is said what brings it on anyway. */
function waiting({ source, target, state }: Judged, { script, files, deferred }: WaitsAtLine): Finding {
  const more = files > 1 ? ` and ${files - 1} more` : ''
  const next = state === 'to-be-seeded' ? 'reseed' : 'resume'
  const empty = deferred === undefined ? '' : `, and ${deferred} of its tables are empty until its last line`
  const message = `${target} waits at its line for ${script}${more}, which ${source} has applied, and gets nothing behind it${empty}: unless a migration is under way, "capstan standby ${next} ${source} --to ${target}".`
  return { rule: 'waits-for-migration', message, measured: files, allowed: 0 }
}

function isNearlyFull(retainedBytes: number | null, retainedBytesMax: number): boolean {
  return retainedBytes !== null && retainedBytes * 100 > retainedBytesMax * RETENTION_WARNING_PERCENT
}

function differing(ids: readonly string[]): string {
  const more = ids.length - DIFFERENCES_SHOWN
  const shown = ids.slice(0, DIFFERENCES_SHOWN).join(', ')
  return `The schemas differ: ${shown}${more > 0 ? ` and ${more} more` : ''}. No file explains it: somebody has changed one of both by hand.`
}
