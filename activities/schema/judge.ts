/** Holds a rehearsal against the policy's limits. Reads nothing but its arguments. What a lock would have blocked is an estimate: the
 *  target's own write rate during the rehearsal times the time the lock was held on the canary. */
import type { Limits } from '../../contracts/fleet'
import type { Judgement } from '../../contracts/migrate'
import type { Finding } from '../../contracts/operation'
import { blocksWrites } from '../../postgres/observe/lock-modes'
import type { HeldLock, StatementRecord } from '../../postgres/observe/statement-observer'

export interface JudgedRehearsal {
  readonly records: readonly StatementRecord[]
  readonly walBytes: number
  /** Rows written per second on the target, by `schema.table`. */
  readonly writesPerSecond: Readonly<Record<string, number>>
}

export function judge(rehearsal: JudgedRehearsal, limits: Limits): Judgement {
  const blocking = rehearsal.records.flatMap((record) => record.locks.filter(({ mode }) => blocksWrites(mode)))
  const findings = judgeScripts(rehearsal, limits)
  const wal = judgeWal(rehearsal.walBytes, limits)
  return {
    findings: wal === null ? findings : [...findings, wal],
    longestWriteBlockMs: Math.round(Math.max(0, ...blocking.map(({ heldMs }) => heldMs))),
  }
}

/** Rewrites first: a lock that is held for long is most often held because of one. */
function judgeScripts(rehearsal: JudgedRehearsal, limits: Limits): Finding[] {
  const rewrites = rehearsal.records.flatMap((record) => judgeRewrites(record, rehearsal, limits))
  const said = new Set(rewrites.map(({ script, relation }) => `${script} ${relation}`))
  const locks = rehearsal.records.flatMap((record) => judgeLocks(record, rehearsal, limits, said))
  const slow = rehearsal.records.flatMap((record) => judgeTime(record, limits))
  return [...rewrites.map(({ relation: _, ...finding }) => finding), ...locks, ...slow]
}

function placeOf({ script, line, sql }: StatementRecord) {
  return { script, line, sql }
}

function judgeRewrites(record: StatementRecord, rehearsal: JudgedRehearsal, limits: Limits): (Finding & { relation: string })[] {
  const { rewriteRowsMax } = limits
  if (rewriteRowsMax === null) return []
  return record.rewrites
    .filter(({ rows }) => rows > rewriteRowsMax)
    .map(({ relation, rows }) => {
      const lock = lockOn(relation, record.script, rehearsal)
      const blocked = lock === null ? '' : `, ${blockage(lock, rehearsal)}`
      const message = `rewrites ${number(rows)} rows of ${relation}${blocked}; the policy allows ${number(rewriteRowsMax)} rows`
      return { rule: 'rewrite', message, ...placeOf(record), measured: rows, allowed: rewriteRowsMax, relation }
    })
}

/** The script's lock on the relation: an earlier statement of the same transaction may have been the first to take it. */
function lockOn(relation: string, script: string, { records }: JudgedRehearsal): HeldLock | null {
  const locks = records.filter((record) => record.script === script).flatMap((record) => record.locks)
  return locks.find((lock) => lock.relation === relation && blocksWrites(lock.mode)) ?? null
}

function judgeLocks(
  record: StatementRecord,
  rehearsal: JudgedRehearsal,
  { writeBlockMsMax }: Limits,
  said: ReadonlySet<string>,
): Finding[] {
  if (writeBlockMsMax === null) return []
  return record.locks
    .filter(
      ({ mode, heldMs, relation }) => blocksWrites(mode) && heldMs > writeBlockMsMax && !said.has(`${record.script} ${relation}`),
    )
    .map((lock) => ({
      rule: 'write-block',
      message: `holds ${lock.relation} in ${blockage(lock, rehearsal)}; the policy allows ${duration(writeBlockMsMax)}`,
      ...placeOf(record),
      measured: Math.round(lock.heldMs),
      allowed: writeBlockMsMax,
    }))
}

function judgeTime(record: StatementRecord, { statementMsMax }: Limits): Finding[] {
  if (statementMsMax === null || record.durationMs <= statementMsMax) return []
  const message = `runs for ${duration(record.durationMs)}; the policy allows ${duration(statementMsMax)}`
  return [
    { rule: 'statement-time', message, ...placeOf(record), measured: Math.round(record.durationMs), allowed: statementMsMax },
  ]
}

function judgeWal(walBytes: number, limits: Limits): Finding | null {
  if (limits.walBytesMax === null || walBytes <= limits.walBytesMax) return null
  const message = `writes ${megabytes(walBytes)} of write-ahead log; the policy allows ${megabytes(limits.walBytesMax)}`
  return { rule: 'wal', message, measured: walBytes, allowed: limits.walBytesMax }
}

function blockage(lock: HeldLock, { writesPerSecond }: JudgedRehearsal): string {
  const rate = writesPerSecond[lock.relation]
  const held = `${lock.mode} for ${duration(lock.heldMs)}`
  if (rate === undefined) return held
  return `${held}, would have blocked about ${number(Math.round((rate * lock.heldMs) / 1000))} writes`
}

function number(n: number): string {
  return n.toLocaleString('en-US')
}

function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
