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
  const findings = rehearsal.records.flatMap((record) => judgeStatement(record, rehearsal, limits))
  const wal = judgeWal(rehearsal.walBytes, limits)
  return {
    findings: wal === null ? findings : [...findings, wal],
    longestWriteBlockMs: Math.round(Math.max(0, ...blocking.map(({ heldMs }) => heldMs))),
  }
}

function judgeStatement(record: StatementRecord, rehearsal: JudgedRehearsal, limits: Limits): Finding[] {
  const at = { script: record.script, line: record.line, sql: record.sql }
  const findings: Finding[] = []
  const said = new Set<string>()
  for (const { relation, rows } of record.rewrites) {
    if (limits.rewriteRowsMax === null || rows <= limits.rewriteRowsMax) continue
    const lock = record.locks.find((held) => held.relation === relation && blocksWrites(held.mode))
    const blocked = lock === undefined ? '' : `, ${blockage(lock, rehearsal)}`
    const message = `rewrites ${number(rows)} rows of ${relation}${blocked}; the policy allows ${number(limits.rewriteRowsMax)} rows`
    findings.push({ rule: 'rewrite', message, ...at, measured: rows, allowed: limits.rewriteRowsMax })
    said.add(relation)
  }
  for (const lock of record.locks) {
    if (limits.writeBlockMsMax === null || !blocksWrites(lock.mode) || lock.heldMs <= limits.writeBlockMsMax) continue
    // The rewrite that was just reported already says how long it blocks.
    if (said.has(lock.relation)) continue
    const message = `holds ${lock.relation} in ${blockage(lock, rehearsal)}; the policy allows ${duration(limits.writeBlockMsMax)}`
    findings.push({ rule: 'write-block', message, ...at, measured: Math.round(lock.heldMs), allowed: limits.writeBlockMsMax })
  }
  if (limits.statementMsMax !== null && record.durationMs > limits.statementMsMax) {
    const message = `runs for ${duration(record.durationMs)}; the policy allows ${duration(limits.statementMsMax)}`
    findings.push({
      rule: 'statement-time',
      message,
      ...at,
      measured: Math.round(record.durationMs),
      allowed: limits.statementMsMax,
    })
  }
  return findings
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
