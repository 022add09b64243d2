/** A night's verifications of a whole fleet: whichever was verified longest ago comes first, under the fleet file's budget. Each is an operation of
 *  its own, which goes on whatever becomes of whoever started it. */
import { type DatabaseEntry, type FleetVerification, lockScope } from '../contracts/fleet'
import {
  FINAL_STATUSES,
  type IsoInstant,
  type OperationDocument,
  type OperationId,
  type OperationStatus,
  type Verdict,
} from '../contracts/operation'
import type { Ledger } from '../ledger/ledger'
import { firstAtHome } from '../ledger/verifications'

/** Of a fleet file that says nothing. */
export const COPIES_AT_ONCE = 1

export interface FleetCandidate {
  readonly entry: DatabaseEntry
  /** When the newest verification of what is at home was begun, whatever it came to; null: there was none. */
  readonly lastAt: IsoInstant | null
  /** The one that somebody is at work on now, of a copy in another region too; null: there is none. */
  readonly running: OperationId | null
}

export interface FleetChoice {
  /** In the order in which they are verified. */
  readonly chosen: readonly DatabaseEntry[]
  readonly left: readonly LeftOut[]
}

export interface LeftOut {
  readonly database: string
  readonly why: string
  /** Its turn does not come by itself. */
  readonly needsSomebody: boolean
}

/** By when it was tried, and not by when it was proven: one that fails night after night must not keep the others from their turn. A copy in another
 *  region that is verified takes no turn from what is at home. A record that nobody is at work on keeps its database from no night: whoever verifies
 *  it takes the lock from the dead one. */
export async function fleetCandidates(
  ledger: Ledger,
  entries: readonly DatabaseEntry[],
  isAtWork: (operation: OperationId) => Promise<boolean>,
): Promise<FleetCandidate[]> {
  const candidates: FleetCandidate[] = []
  for (const entry of entries) {
    const runs = await ledger.listOperations({
      ...{ database: entry.name, kind: 'verify-backup', mode: 'apply', limit: RUNS_LOOKED_AT_MAX },
    })
    const open = runs.filter(({ status }) => !FINAL_STATUSES.includes(status)).map(({ id }) => id)
    const last = await firstAtHome(ledger, runs)
    candidates.push({ entry, lastAt: last?.startedAt ?? null, running: await firstAtWork(open, isAtWork) })
  }
  return candidates
}

const RUNS_LOOKED_AT_MAX = 50

async function firstAtWork(
  operations: readonly OperationId[],
  isAtWork: (operation: OperationId) => Promise<boolean>,
): Promise<OperationId | null> {
  for (const operation of operations) if (await isAtWork(operation)) return operation
  return null
}

/** In the order in which they have their turn. Pure. */
export function byAge(candidates: readonly FleetCandidate[]): FleetCandidate[] {
  const age = ({ lastAt }: FleetCandidate): number => (lastAt === null ? Number.NEGATIVE_INFINITY : Date.parse(lastAt))
  const byName = (a: FleetCandidate, b: FleetCandidate): number => (a.entry.name < b.entry.name ? -1 : 1)
  return [...candidates].sort((a, b) => (age(a) === age(b) ? byName(a, b) : age(a) - age(b)))
}

/** Pure. */
export function chooseForTheNight(
  candidates: readonly FleetCandidate[],
  { restoresPerRun }: Pick<FleetVerification, 'restoresPerRun'>,
): FleetChoice {
  const idle = byAge(candidates.filter(({ running }) => running === null)).map(({ entry }) => entry)
  const most = restoresPerRun ?? idle.length
  const over = idle.slice(most).map(({ name }) => beyond(name, most))
  const busy = candidates.flatMap(({ entry, running }) =>
    running === null ? [] : [{ database: entry.name, why: `${running} goes on`, needsSomebody: false }],
  )
  return { chosen: idle.slice(0, most), left: [...over, ...busy] }
}

export function beyond(database: string, restoresPerRun: number): LeftOut {
  return { database, why: `beyond ${restoresPerRun} restores a run; its turn comes`, needsSomebody: false }
}

export interface FleetRun {
  readonly database: string
  /** Null: it could not be started. */
  readonly operation: OperationId | null
  readonly status: OperationStatus | null
  readonly verdict: Verdict | null
  /** Why it was not started; null: it was. */
  readonly failure: string | null
}

/** The night's money. Whoever is admitted has what it costs at most bound for it, until it is over. */
export interface Purse {
  /** `wait`: what is bound for others may come back. */
  admit(entry: DatabaseEntry): Promise<'admitted' | 'wait' | LeftOut>
  /** It is over, or nobody follows it any more: what the ledger says of it counts. */
  settle(entry: DatabaseEntry): void
}

export interface FleetRunOptions {
  readonly copiesAtOnce: number
  /** Verifies one database to the operation's end. Resolves to its document; rejects where it could not be started or followed. */
  readonly verify: (entry: DatabaseEntry) => Promise<OperationDocument>
  readonly onRun: (run: FleetRun) => void
  /** Nothing more is started; what was goes on. */
  readonly signal: AbortSignal
  /** Null: money is not limited. */
  readonly purse: Purse | null
  readonly onLeft: (left: LeftOut) => void
}

/** In each region `copiesAtOnce` at a time, and one of an instance: a second would be refused by its lock. Money is given in the order of `chosen`: while
 *  the first waits for what others may give back, nobody after it is given any. */
export async function verifyInTurns(chosen: readonly DatabaseEntry[], options: FleetRunOptions): Promise<FleetRun[]> {
  const runs: FleetRun[] = []
  const waiting = [...chosen]
  const admitted: DatabaseEntry[] = []
  const running = new Map<DatabaseEntry, Promise<void>>()
  const verifyOne = async (entry: DatabaseEntry): Promise<void> => {
    const run = await runOf(entry, options)
    running.delete(entry)
    options.purse?.settle(entry)
    runs.push(run)
    options.onRun(run)
  }
  for (;;) {
    if (options.purse === null) admitted.push(...waiting.splice(0))
    else await admitInOrder({ waiting, admitted, running, purse: options.purse }, options)
    while (!options.signal.aborted) {
      const next = takeNext(admitted, [...running.keys()], options.copiesAtOnce)
      if (next === null) break
      running.set(next, verifyOne(next))
    }
    if (running.size === 0) return runs
    await Promise.race(running.values())
  }
}

interface Admitting {
  readonly waiting: DatabaseEntry[]
  readonly admitted: DatabaseEntry[]
  readonly running: ReadonlyMap<DatabaseEntry, unknown>
  readonly purse: Purse
}

async function admitInOrder(
  { waiting, admitted, running, purse }: Admitting,
  { signal, onLeft }: Pick<FleetRunOptions, 'signal' | 'onLeft'>,
): Promise<void> {
  for (let [first] = waiting; first !== undefined && !signal.aborted; [first] = waiting) {
    const answer = await purse.admit(first)
    const { name: database } = first
    if (signal.aborted) return
    if (answer === 'wait' && admitted.length + running.size > 0) return
    waiting.shift()
    if (answer === 'admitted') admitted.push(first)
    // What is bound is bound for runs of others, which nobody here waits for.
    else if (answer === 'wait')
      onLeft({ database, why: 'the rest of the money is bound for runs that go on', needsSomebody: false })
    else onLeft(answer)
  }
}

/** Null: there is none whose region and instance have room. */
function takeNext(admitted: DatabaseEntry[], running: readonly DatabaseEntry[], copiesAtOnce: number): DatabaseEntry | null {
  const region = ({ cloud, account, region: name }: DatabaseEntry): string => `${cloud}/${account}/${name}`
  const at = admitted.findIndex(
    (entry) =>
      running.filter((other) => region(other) === region(entry)).length < copiesAtOnce &&
      running.every((other) => lockScope(other) !== lockScope(entry)),
  )
  return at < 0 ? null : (admitted.splice(at, 1)[0] ?? null)
}

async function runOf(entry: DatabaseEntry, { verify }: FleetRunOptions): Promise<FleetRun> {
  const { name: database } = entry
  try {
    const { id, status, verdict } = await verify(entry)
    return { database, operation: id, status, verdict, failure: null }
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error)
    return { database, operation: null, status: null, verdict: null, failure }
  }
}
