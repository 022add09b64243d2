/** The API calls of late, newest last: what was asked of which resource, how it ended, which faults struck it. Written down before the
 *  caller is answered, as one line of `calls.jsonl`, so that they outlive the lab. Holds identifiers and tags, never passwords; each text
 *  is cut to 100 characters, all of them printable. */
import { closeSync, constants, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import type { NamedResource } from './faults/fault'

export interface CallRecord {
  /** Counts all calls that this lab ever had. */
  readonly seq: number
  /** When it came in. */
  readonly at: string
  readonly cloud: string
  readonly account: string
  readonly region: string
  readonly operation: string
  /** As the call names them. */
  readonly resources: readonly NamedResource[]
  /** As the call gives them. */
  readonly tags: Readonly<Record<string, string>>
  /** 'ok', or the code of the error. */
  readonly outcome: string
  /** HTTP status of the answer, whether or not it got through. */
  readonly status: number
  /** False when the connection was cut instead. */
  readonly answered: boolean
  /** Whether it changed something: accepted, and no mere question. */
  readonly effect: boolean
  /** Those that struck it. */
  readonly faults: readonly { readonly id: string; readonly kind: string }[]
  readonly requestId: string
}

const KEPT = 5_000
const TEXT_LENGTH_MAX = 100

export interface CallLog {
  record(call: Omit<CallRecord, 'seq'>): void
  /** Those after a sequence number, or from a time on (ISO); all that are kept without either. */
  since(mark?: number | string): { first: number; last: number; calls: readonly CallRecord[] }
  /** Forgets them; their numbers are not given again. */
  clear(): void
  close(): void
}

export function openCallLog(path: string): CallLog {
  let { calls, last } = read(path)
  let file = rewrite(path, calls, last)
  let lines = calls.length
  const compact = (): void => {
    closeSync(file)
    file = rewrite(path, calls, last)
    lines = calls.length
  }
  return {
    record(call) {
      last += 1
      const record = { seq: last, ...bounded(call) }
      calls.push(record)
      if (calls.length > KEPT) calls = calls.slice(-KEPT)
      writeSync(file, `${JSON.stringify(record)}\n`)
      lines += 1
      if (lines > 2 * KEPT) compact()
    },
    since(mark = 0) {
      const kept = calls.filter(({ seq, at }) => (typeof mark === 'number' ? seq > mark : at >= mark))
      return { first: calls[0]?.seq ?? last + 1, last, calls: kept }
    },
    clear() {
      calls = []
      compact()
    },
    close: () => closeSync(file),
  }
}

function bounded(call: Omit<CallRecord, 'seq'>): Omit<CallRecord, 'seq'> {
  return {
    ...call,
    region: cut(call.region),
    operation: cut(call.operation),
    resources: call.resources.map(({ type, id }) => ({ type, id: cut(id) })),
    tags: Object.fromEntries(Object.entries(call.tags).map(([name, value]) => [cut(name), cut(value)])),
  }
}

/** Whoever reads it sees it in a terminal. */
function cut(text: string): string {
  const start = [...text.slice(0, 2 * TEXT_LENGTH_MAX)].slice(0, TEXT_LENGTH_MAX).join('')
  return start.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')
}

/** A line that a crash cut short is left out; one that has a number alone stands for calls that were forgotten. */
function read(path: string): { calls: CallRecord[]; last: number } {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return { calls: [], last: 0 }
  }
  const calls: CallRecord[] = []
  let last = 0
  for (const line of text.split('\n')) {
    try {
      const record = JSON.parse(line) as CallRecord | { readonly seq: number }
      last = Math.max(last, record.seq)
      if ('operation' in record) calls.push(record)
    } catch {
      // cut short, or the empty last one
    }
  }
  return { calls: calls.slice(-KEPT), last }
}

/** `last` is written down where no call tells it. @returns the file, open for what is added. */
function rewrite(path: string, calls: readonly CallRecord[], last: number): number {
  const lines = calls.length === 0 ? [{ seq: last }] : calls
  writeFileSync(`${path}.next`, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { mode: 0o600 })
  renameSync(`${path}.next`, path)
  return openSync(path, constants.O_WRONLY | constants.O_APPEND)
}
