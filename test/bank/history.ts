/** What clients of the bank saw, and what both databases hold at the end: all that the checker is given. Times are milliseconds of the machine's monotonic
 *  clock, which all processes share. A server is named by its system identifier. */

export type Server = string

/** One transaction that a writer tried. */
export interface Attempt {
  /** Of this attempt alone; the row that it inserts has it. */
  readonly key: string
  readonly writer: string
  /** The writer's own count: the next transaction of a writer commits only upon the one before. */
  readonly seq: number
  /** `unknown`: COMMIT was sent, and no answer came. `failed`: it was never sent, or refused. */
  readonly outcome: 'acknowledged' | 'unknown' | 'failed'
  /** Null for one that failed. */
  readonly sent: Sent | null
}

export interface Sent {
  /** Before COMMIT was sent. */
  readonly from: number
  /** When its answer was there; null: none came. */
  readonly to: number | null
  readonly id: number
  readonly ticket: number
  readonly server: Server
}

/** What a writer found of itself when it had connected anew. */
export interface Resumed {
  readonly writer: string
  readonly last: number
  /** The highest that was acknowledged to it before. */
  readonly acknowledged: number
  readonly server: Server
}

/** A probe's write that was acknowledged. */
export interface Accepted {
  readonly endpoint: string
  readonly id: number
  readonly server: Server
  readonly from: number
  readonly to: number
}

export type Ring = readonly (readonly [node: number, next: number])[]

/** Of one statement, while others write. */
export interface Snapshot {
  readonly server: Server
  readonly sum: number
  readonly ring: Ring
}

export interface Row {
  readonly key: string
  readonly writer: string
  readonly seq: number
  readonly id: number
  readonly ticket: number
  readonly server: Server
}

export interface Side extends Snapshot {
  readonly rows: readonly Row[]
  readonly clients: readonly { readonly writer: string; readonly last: number }[]
  readonly probes: readonly { readonly id: number; readonly server: Server }[]
}

export interface Seen {
  readonly attempts: readonly Attempt[]
  readonly resumed: readonly Resumed[]
  readonly accepted: readonly Accepted[]
  readonly snapshots: readonly Snapshot[]
}

export interface History extends Seen {
  /** What all accounts hold together. */
  readonly sum: number
  readonly nodes: number
  /** Who was the writer, one after the other. */
  readonly turns: readonly Server[]
  readonly sides: readonly Side[]
  /** Null: nothing was given up, and all sides have to hold the same. */
  readonly givenUp: GivenUp | null
  /** A server may have crashed. What a sequence gave to somebody who never committed may be given again then: PostgreSQL's "Sequence Manipulation Functions". */
  readonly crashes: boolean
}

/** By a failover: what of the old writer did not come over, as those who looked say, and when that may have been written at most. */
export interface GivenUp {
  readonly server: Server
  /** What it has alone, or otherwise than the new one: each as `namesOf` calls it. */
  readonly told: readonly string[]
  /** From the last moment of which the new writer has all, to the proof that the old one takes no more. */
  readonly from: number
  readonly to: number
}

/** What is told apart of a side, with what it holds of it. */
export function namesOf({
  rows,
  probes,
  clients,
  ring,
}: Pick<Side, 'rows' | 'probes' | 'clients' | 'ring'>): Map<string, string> {
  return new Map([
    ...rows.map(({ key }) => [`transfer ${key}`, ''] as const),
    ...probes.map(({ id }) => [`probe ${id}`, ''] as const),
    ...clients.map(({ writer, last }) => [`writer ${writer}`, String(last)] as const),
    ...ring.map(([node, next]) => [`node ${node}`, String(next)] as const),
  ])
}

/** A line of a client's journal. `intent` is on disk before COMMIT is sent. */
export type Line =
  | { readonly is: 'intent'; readonly key: string; readonly writer: string; readonly seq: number; readonly sent: Sent }
  | { readonly is: 'acknowledged' | 'unknown'; readonly key: string; readonly to: number }
  | { readonly is: 'failed'; readonly key: string; readonly writer: string; readonly seq: number }
  | ({ readonly is: 'resumed' } & Resumed)
  | ({ readonly is: 'accepted' } & Accepted)
  | ({ readonly is: 'snapshot' } & Snapshot)

/** An intent without an outcome is of a client that died: unknown. */
export function seenIn(lines: readonly Line[]): Seen {
  const attempts = new Map<string, Attempt>()
  const resumed: Resumed[] = []
  const accepted: Accepted[] = []
  const snapshots: Snapshot[] = []
  for (const line of lines) {
    if (line.is === 'resumed') resumed.push(line)
    else if (line.is === 'accepted') accepted.push(line)
    else if (line.is === 'snapshot') snapshots.push(line)
    else if (line.is === 'intent') attempts.set(line.key, { ...line, outcome: 'unknown' })
    else if (line.is === 'failed') attempts.set(line.key, { ...line, outcome: 'failed', sent: null })
    else {
      const intent = attempts.get(line.key)
      if (intent?.sent == null) throw new Error(`the journal has the outcome of ${line.key} and no intent`)
      const to = line.is === 'acknowledged' ? line.to : null
      attempts.set(line.key, { ...intent, outcome: line.is, sent: { ...intent.sent, to } })
    }
  }
  return { attempts: [...attempts.values()], resumed, accepted, snapshots }
}
