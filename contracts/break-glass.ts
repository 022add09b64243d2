/** What goes on without the control plane: the papers of an operation that stops writes, the steps by which a person finishes it or takes it back, and the
 *  journal of what was done. `capstan break-glass`, docs/decisions/0031-going-on-by-hand.md. */
import type { Endpoint, HostPort } from './endpoint'
import type { IsoInstant, OperationId, Sha256, StepName } from './operation'
import type { StandbyId, StandbyNames } from './standby'

/** Whole, and enough for who has nothing else: every name is filled in, no password is in it. In the ledger, in the keyhole of both instances, and in a file of the
 *  worker's. Plain JSON. */
export interface BreakGlassPapers {
  readonly version: 2
  readonly operation: OperationId
  readonly writtenAt: IsoInstant
  readonly id: StandbyId
  readonly sides: { readonly source: PaperSide; readonly standby: PaperSide }
  readonly names: { readonly forward: StandbyNames; readonly back: StandbyNames }
  /** There can be no way back: the old writer stays closed. Absent: there is one. */
  readonly oneWay?: true
  /** Of the source's database, as it was read: what is put back. -1: none. */
  readonly connectionLimit: number
  /** What the standby may take, once nobody can write any more, until it has all. */
  readonly drainMsMax: number
  /** What applications connect to. `at` null: nobody could be asked. */
  readonly endpoint: { readonly kind: Endpoint['kind']; readonly at: HostPort | null }
  /** That stood when they were written; a person raises what stands, whatever it is. */
  readonly epochs: { readonly source: number; readonly standby: number; readonly keyhole: number }
  readonly forward: readonly PaperStep[]
  readonly back: readonly PaperStep[]
  /** What to do in Capstan once it is there again. */
  readonly afterwards: readonly string[]
}

export interface PaperSide {
  /** In the fleet file. */
  readonly name: string
  readonly instance: string
  readonly instanceId: string
  /** As the cloud gave it, and no name that may lead elsewhere. */
  readonly host: string
  readonly port: number
  readonly database: string
  /** May connect while it follows: its own roles, and as whom the other side follows it. */
  readonly keeps: readonly string[]
}

export interface PaperStep {
  readonly id: string
  readonly title: string
  /** As `source: shop on shop-1 (10.0.0.1:5432), database shop`; where it is to be said. */
  readonly where: string
  /** What no statement does; absent: nothing besides. */
  readonly note?: string
  readonly sql: readonly string[]
  /** One boolean: it is done already. Absent: nobody can be asked. */
  readonly done?: string
}

/** What `capstan break-glass finish` does; docs/runbooks/break-glass.md has the same headings. */
export const FINISH_STEPS = {
  raise: { id: 'raise', title: 'Keep every worker off' },
  keepOut: { id: 'keep-out', title: 'Keep applications out of the source' },
  again: { id: 'again', title: 'Begin again before the fence' },
  cross: { id: 'cross', title: 'Close the source and drain it' },
  open: { id: 'open', title: 'Open the standby by hand' },
  endpoint: { id: 'endpoint', title: 'Lead applications to whoever writes' },
  follow: { id: 'follow', title: 'Let the old writer follow by hand' },
  remove: { id: 'remove', title: 'Remove the way there' },
  /** In the place of both, where there can be no way back. */
  leave: { id: 'leave', title: 'Leave the old writer closed by hand' },
} as const satisfies Record<string, StepName>

/** What `capstan break-glass revert` does. */
export const REVERT_STEPS = {
  raise: FINISH_STEPS.raise,
  unwritten: { id: 'unwritten', title: 'Make sure that nothing was written on the standby' },
  reopen: { id: 'reopen', title: 'Open the source' },
  endpoint: FINISH_STEPS.endpoint,
  followAgain: { id: 'follow-again', title: 'Let the standby follow again' },
  removeBack: { id: 'remove-back', title: 'Remove the way back' },
} as const satisfies Record<string, StepName>

/** How far writing has moved, as the databases say. `open`: nothing is closed. `kept`: the source is open to its own roles alone, and so is the standby. `closed`:
 *  nobody comes in, on either side. `workers-only`: the way back carries. `opened`: applications may come into the standby, and not into the source. `follows`: and
 *  the old writer is open to its own roles. `turned`: and the way there is gone. `both-open`: applications may come into both. `unknown`: a side did not answer. */
export type BreakGlassStage =
  | 'open'
  | 'kept'
  | 'closed'
  | 'workers-only'
  | 'opened'
  | 'follows'
  | 'turned'
  | 'both-open'
  | 'unknown'

export type BreakGlassDeed = 'finish' | 'revert'

/** What became of the endpoint by a deed. `moved`: applications are led to whoever writes, and nobody waits any more; else a person is the one to do it. */
export interface LedByHand {
  readonly moved: boolean
  /** One line for people. */
  readonly said: string
}

/** For the program that moves it: of whose fleet file, and which way. `from`, `to`: as of the switchover, whichever deed it is. */
export interface LeadingByHand {
  readonly operation: OperationId
  readonly deed: BreakGlassDeed
  readonly database: { readonly name: string; readonly endpoint: Endpoint }
  readonly from: HostPort
  readonly to: HostPort
}

/** What that program and who started it tell each other. It asks right before each change whether nobody has begun since. */
export type LeadingSaid = { readonly ask: number } | { readonly led: LedByHand }
export interface LeadingAnswer {
  readonly answer: number
  readonly current: boolean
}

/** How it ended: what the ledger is told. */
export const BY_HAND = { finish: 'succeeded-by-hand', revert: 'reverted-by-hand' } as const satisfies Record<
  BreakGlassDeed,
  string
>

/** One line of the journal. Each has the digest of the one before, so that none can be altered or left out between two. */
export interface JournalEntry {
  readonly version: 1
  /** From 1. */
  readonly sequence: number
  readonly at: IsoInstant
  readonly operation: OperationId
  /** `begin`, `end`: of one run of the command. `before`, `after`, `failed`: of a step. */
  readonly event: 'begin' | 'before' | 'after' | 'failed' | 'end'
  readonly deed: BreakGlassDeed
  readonly by: string
  readonly step: string | null
  /** One line for people; no row and no password. */
  readonly said: string
  /** Of the line before; of the first: of nothing, all zeros. */
  readonly previous: Sha256
}

/** A line as it is in the file. */
export interface SealedEntry extends JournalEntry {
  readonly digest: Sha256
  /** HMAC-SHA-256 of the digest under CAPSTAN_JOURNAL_KEY, in hexadecimal digits; null: nobody gave a key. */
  readonly seal: string | null
}

/** Names of documents that a reconciled journal leaves in the ledger. */
export const BREAK_GLASS_DOCUMENTS = { journal: 'break-glass-journal' } as const

export interface ReconciledJournal {
  readonly version: 1
  readonly deed: BreakGlassDeed
  readonly outcome: (typeof BY_HAND)[BreakGlassDeed]
  readonly endedAt: IsoInstant
  readonly by: string
  /** Whether each line had its seal under the key that the reader has; null: there was no key. */
  readonly sealed: boolean | null
  readonly entries: readonly SealedEntry[]
}
