/** What of a night's money is gone, and what is bound: reckoned from the ledger's records each time, so that it holds over repeated calls and whoever
 *  dies meanwhile. */
import { type CopyRate, copyRate, costOf, costOfCopies, type NoRate } from '../contracts/copy-cost'
import type { DatabaseEntry } from '../contracts/fleet'
import type { Micros } from '../contracts/money'
import { FINAL_STATUSES, type OperationDocument, type OperationStatus } from '../contracts/operation'
import type { Ledger } from '../ledger/ledger'
import { planOf, quoteFromLedger } from './night-quote'

export interface Spending {
  /** Of what is over, by its copies' times. */
  readonly settledMicros: Micros
  /** By the name of a database: what its verifications that go on cost at most. */
  readonly bound: ReadonlyMap<string, Micros>
  /** Of which nobody can say what they cost. */
  readonly unknown: readonly { readonly database: string; readonly why: string }[]
}

/** A verification may take seven days, and a plan before it some minutes. */
const TAKES_MS_MAX = 8 * 24 * 3_600_000
const RUNS_COUNTED_MAX = 5_000
const OPEN = ['running', 'awaiting-approval', 'needs-operator'] as const satisfies readonly OperationStatus[]

/** All verifications of these databases, whoever asked for them, that are not over, or were not at `since` (in milliseconds, as `now`). Reckoned by
 *  today's prices, so that one budget has one currency. */
export async function spentSince(
  ledger: Ledger,
  entries: readonly DatabaseEntry[],
  { since, now }: { since: number; now: number },
): Promise<Spending> {
  let settledMicros = 0
  const bound = new Map<string, Micros>()
  const unknown: { database: string; why: string }[] = []
  const kind = 'verify-backup'
  const open = await ledger.listOperations({ kind, statuses: OPEN, limit: RUNS_COUNTED_MAX })
  // One that ends between the two questions is in both, as over.
  const ended = await ledger.listOperations({
    kind,
    since: new Date(since - TAKES_MS_MAX).toISOString(),
    statuses: FINAL_STATUSES.filter((status) => status !== 'planned'),
    limit: RUNS_COUNTED_MAX,
  })
  const runs = new Map([...open, ...ended].map((run) => [run.id, run]))
  for (const run of runs.values()) {
    const entry = entries.find(({ name }) => run.databases.includes(name))
    const cost = entry === undefined ? null : await costOfRun(ledger, entry, { run, since, now })
    if (entry === undefined || cost === null) continue
    const { name: database } = entry
    if ('lacking' in cost) unknown.push({ database, why: `what ${run.id} costs nobody knows: ${cost.lacking}` })
    else if (cost.isOver) settledMicros += cost.micros
    else bound.set(database, (bound.get(database) ?? 0) + cost.micros)
  }
  return { settledMicros, bound, unknown }
}

interface LookedAt {
  readonly run: OperationDocument
  readonly since: number
  readonly now: number
}

/** Null: it costs nothing of this night. */
async function costOfRun(
  ledger: Ledger,
  entry: DatabaseEntry,
  { run, since, now }: LookedAt,
): Promise<{ readonly micros: Micros; readonly isOver: boolean } | NoRate | null> {
  const isOver = FINAL_STATUSES.includes(run.status)
  if (isOver && run.finishedAt !== null && Date.parse(run.finishedAt) < since) return null
  const copies = (await ledger.listResources({ operation: run.id })).filter(({ kind }) => kind === 'instance')
  if (isOver && copies.length === 0) return null
  if (!isOver && (await ledger.getOrigin(run.id)).mode === 'plan') return null
  const plan = await planOf(ledger, run.id)
  if (plan === null) {
    // A plan comes before every copy: one that has none since before the night is a record that was left behind.
    if (copies.length === 0 && Date.parse(run.startedAt) < since) return null
    // It plans, or waits for its lock: it is taken for as dear as the database was by its newest plan.
    const quote = await quoteFromLedger(ledger, entry)
    if (quote !== null) return 'lacking' in quote ? quote : { micros: quote.atMostMicros, isOver }
    return { lacking: 'neither it nor its database has a plan yet; ask again once it has one' }
  }
  const rate = copyRate(entry, plan.copy)
  if ('lacking' in rate) return rate
  return { micros: costSoFar(rate, { isOver, copies, now, withinMs: plan.withinMs }), isOver }
}

interface Life {
  readonly isOver: boolean
  readonly copies: Parameters<typeof costOfCopies>[1]
  readonly now: number
  readonly withinMs: number
}

function costSoFar(rate: CopyRate, { isOver, copies, now, withinMs }: Life): Micros {
  const reckoned = costOfCopies(rate, copies, now)
  return isOver ? reckoned : Math.max(reckoned, costOf(rate, withinMs))
}

export function boundIn({ bound }: Pick<Spending, 'bound'>): Micros {
  return [...bound.values()].reduce((sum, micros) => sum + micros, 0)
}
