/** The API calls of late, newest last: what was asked of which resource, how it ended, which faults struck it. Written down before the
 *  caller is answered, as one line of `calls.jsonl`, so that they outlive the lab. Holds identifiers and tags, never passwords. */
import { closeSync, constants, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import type { NamedResource } from './faults/fault'

export interface CallRecord {
  /** Counts all calls that this lab ever had. */
  readonly seq: number
  /** When it came in. */
  readonly at: string
  readonly cloud: string
  readonly account: string
  /** Empty when the caller was not known. */
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

export interface CallLog {
  record(call: Omit<CallRecord, 'seq'>): void
  /** Those after a sequence number, or from a time on (ISO); all that are kept without either. */
  since(mark?: number | string): { first: number; last: number; calls: readonly CallRecord[] }
  /** Forgets them; their numbers are not given again. */
  clear(): void
  close(): void
}

export function openCallLog(path: string): CallLog {
  let calls = read(path)
  let last = calls.at(-1)?.seq ?? 0
  let file = rewrite(path, calls)
  let lines = calls.length
  const compact = (): void => {
    closeSync(file)
    file = rewrite(path, calls)
    lines = calls.length
  }
  return {
    record(call) {
      last += 1
      const record = { seq: last, ...call }
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
      // the newest stays on disk, for its number
      calls = calls.slice(-1)
      compact()
      calls = []
    },
    close: () => closeSync(file),
  }
}

/** A line that a crash cut short is left out. */
function read(path: string): CallRecord[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return []
  }
  const calls: CallRecord[] = []
  for (const line of text.split('\n')) {
    try {
      calls.push(JSON.parse(line) as CallRecord)
    } catch {
      // cut short, or the empty last one
    }
  }
  return calls.slice(-KEPT)
}

/** @returns the file, open for what is added. */
function rewrite(path: string, calls: readonly CallRecord[]): number {
  writeFileSync(`${path}.next`, calls.map((call) => `${JSON.stringify(call)}\n`).join(''), { mode: 0o600 })
  renameSync(`${path}.next`, path)
  return openSync(path, constants.O_WRONLY | constants.O_APPEND)
}
