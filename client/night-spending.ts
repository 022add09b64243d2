/** What of a night's money is gone, and what is bound: reckoned from the ledger's records each time, so that it holds over repeated calls and whoever
 *  dies meanwhile. */
import { type CopyRate, copyRate, costOf, costOfCopies } from '../contracts/copy-cost'
import type { DatabaseEntry } from '../contracts/fleet'
import type { Micros } from '../contracts/money'
import { FINAL_STATUSES, type OperationDocument, type OperationId, type OperationStatus } from '../contracts/operation'
import type { PointKind, VerificationPlan } from '../contracts/verify-backup'
import type { Ledger } from '../ledger/ledger'
import { regionOfRun } from '../ledger/verifications'
import { planOf, quoteFromLedger } from './night-quote'

export interface Spending {
  /** Of what is over, by its copies' times. */
  readonly settledMicros: Micros
  /** What those that go on cost at most. */
  readonly bound: ReadonlyMap<OperationId, Micros>
  /** Of which nobody can say yet what they cost. */
  readonly unknown: readonly Uncounted[]
  /** Of which nobody will: neither today's prices nor those of their own plan have one. They are no part of the sum. */
  readonly unpriced: readonly Uncounted[]
}

export interface Uncounted {
  readonly operation: OperationId
  readonly database: string
  readonly why: string
}

/** A verification may take seven days, and a plan before it some minutes. */
const TAKES_MS_MAX = 8 * 24 * 3_600_000
const RUNS_COUNTED_MAX = 5_000
const OPEN = ['running', 'awaiting-approval', 'needs-operator'] as const satisfies readonly OperationStatus[]

export interface Night {
  /** In milliseconds, as `now`. */
  readonly since: number
  readonly now: number
  readonly currency: string
}

/** All verifications of these databases, whoever asked for them, that are not over, or were not at `since`. Reckoned by today's prices, so that one
 *  budget has one currency; what has none today, by those that its own plan was reckoned by. */
export async function spentSince(ledger: Ledger, entries: readonly DatabaseEntry[], night: Night): Promise<Spending> {
  const { since } = night
  let settledMicros = 0
  const bound = new Map<OperationId, Micros>()
  const unknown: Uncounted[] = []
  const unpriced: Uncounted[] = []
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
    const cost = entry === undefined ? null : await costOfRun(ledger, entry, { run, night })
    if (entry === undefined || cost === null) continue
    const { id: operation } = run
    const lacks = (why: string): Uncounted => ({
      operation,
      database: entry.name,
      why: `what ${operation} costs nobody knows: ${why}`,
    })
    if ('unpriced' in cost) unpriced.push(lacks(cost.unpriced))
    else if ('unknown' in cost) unknown.push(lacks(cost.unknown))
    else if (cost.isOver) settledMicros += cost.micros
    else bound.set(operation, cost.micros)
  }
  return { settledMicros, bound, unknown, unpriced }
}

interface LookedAt {
  readonly run: OperationDocument
  readonly night: Night
}

type Cost = { readonly micros: Micros; readonly isOver: boolean } | { readonly unpriced: string } | { readonly unknown: string }

/** Null: it costs nothing of this night. */
async function costOfRun(ledger: Ledger, entry: DatabaseEntry, { run, night }: LookedAt): Promise<Cost | null> {
  const { since, now, currency } = night
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
    const there = pricedIn(entry, await regionOfRun(ledger, run.id))
    const quote = await quoteFromLedger(ledger, there)
    if (quote !== null) return 'lacking' in quote ? { unpriced: quote.lacking } : { micros: quote.atMostMicros, isOver }
    if (there.prices === undefined) return { unpriced: `the fleet file has no prices for ${there.cloud} ${there.region}` }
    return { unknown: 'neither it nor its database has a plan yet; ask again once it has one' }
  }
  const { region }: PointKind = plan.point
  const today = copyRate(pricedIn(entry, region ?? null), plan.copy)
  const rate = 'lacking' in today ? (rateOfPlan(plan, currency) ?? today) : today
  if ('lacking' in rate) return { unpriced: rate.lacking }
  return { micros: costSoFar(rate, { isOver, copies, now, withinMs: plan.withinMs }), isOver }
}

/** The entry, with what the fleet file says today that copies cost in the region that they are in. `region` null: beside the instance. */
function pricedIn(entry: DatabaseEntry, region: string | null): DatabaseEntry {
  if (region === null) return entry
  const { prices: _atHome, ...rest } = entry
  const prices = entry.policy.snapshotCopies?.find((copy) => copy.region === region)?.prices
  return { ...rest, region, ...(prices && { prices }) }
}

/** Null: it had none either, or in another currency. */
function rateOfPlan({ cost }: VerificationPlan, currency: string): CopyRate | null {
  return cost === undefined || 'lacking' in cost || cost.rate.currency !== currency ? null : cost.rate
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
