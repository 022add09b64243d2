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

/** Of a fleet file that says nothing. */
export const COPIES_AT_ONCE = 1

export interface FleetCandidate {
  readonly entry: DatabaseEntry
  /** When its newest verification was begun, whatever it came to; null: there was none. */
  readonly lastAt: IsoInstant | null
  /** The one that somebody is at work on now; null: there is none. */
  readonly running: OperationId | null
}

export interface FleetChoice {
  /** In the order in which they are verified. */
  readonly chosen: readonly DatabaseEntry[]
  readonly left: readonly { readonly database: string; readonly why: string }[]
}

/** By when it was tried, and not by when it was proven: one that fails night after night must not keep the others from their turn. A record that
 *  nobody is at work on keeps its database from no night: whoever verifies it takes the lock from the dead one. */
export async function fleetCandidates(
  ledger: Ledger,
  entries: readonly DatabaseEntry[],
  isAtWork: (operation: OperationId) => Promise<boolean>,
): Promise<FleetCandidate[]> {
  const candidates: FleetCandidate[] = []
  for (const entry of entries) {
    const runs = await ledger.listOperations({ database: entry.name, kind: 'verify-backup', limit: RUNS_LOOKED_AT_MAX })
    const applied = runs.filter(({ status }) => status !== 'planned')
    const open = applied.filter(({ status }) => !FINAL_STATUSES.includes(status)).map(({ id }) => id)
    candidates.push({ entry, lastAt: applied[0]?.startedAt ?? null, running: await firstAtWork(open, isAtWork) })
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

/** Pure. */
export function chooseForTheNight(
  candidates: readonly FleetCandidate[],
  { restoresPerRun }: Pick<FleetVerification, 'restoresPerRun'>,
): FleetChoice {
  const age = ({ lastAt }: FleetCandidate): number => (lastAt === null ? Number.NEGATIVE_INFINITY : Date.parse(lastAt))
  const byName = (a: FleetCandidate, b: FleetCandidate): number => (a.entry.name < b.entry.name ? -1 : 1)
  const idle = candidates
    .filter(({ running }) => running === null)
    .sort((a, b) => (age(a) === age(b) ? byName(a, b) : age(a) - age(b)))
  const most = restoresPerRun ?? idle.length
  const over = idle
    .slice(most)
    .map(({ entry }) => ({ database: entry.name, why: `beyond ${most} restores a run; its turn comes` }))
  const busy = candidates.flatMap(({ entry, running }) =>
    running === null ? [] : [{ database: entry.name, why: `${running} goes on` }],
  )
  return { chosen: idle.slice(0, most).map(({ entry }) => entry), left: [...over, ...busy] }
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

export interface FleetRunOptions {
  readonly copiesAtOnce: number
  /** Verifies one database to the operation's end. Resolves to its document; rejects where it could not be started or followed. */
  readonly verify: (entry: DatabaseEntry) => Promise<OperationDocument>
  readonly onRun: (run: FleetRun) => void
  /** Nothing more is started; what was goes on. */
  readonly signal: AbortSignal
}

/** In each region `copiesAtOnce` at a time, and one of an instance: a second would be refused by its lock. */
export async function verifyInTurns(chosen: readonly DatabaseEntry[], options: FleetRunOptions): Promise<FleetRun[]> {
  const runs: FleetRun[] = []
  const region = ({ cloud, account, region: name }: DatabaseEntry): string => `${cloud}/${account}/${name}`
  const regions = [...new Set(chosen.map(region))]
  const verifyOne = async (entry: DatabaseEntry): Promise<void> => {
    const run = await runOf(entry, options)
    runs.push(run)
    options.onRun(run)
  }
  await Promise.all(
    regions.map(async (one) => {
      const waiting = chosen.filter((entry) => region(entry) === one)
      const busy = new Set<string>()
      const lane = async (): Promise<void> => {
        for (let next = takeNext(waiting, busy); next !== null && !options.signal.aborted; next = takeNext(waiting, busy)) {
          const scope = lockScope(next)
          busy.add(scope)
          await verifyOne(next)
          busy.delete(scope)
        }
      }
      // One that finds only instances at work ends: the lane that frees one takes what waits for it.
      await Promise.all(Array.from({ length: options.copiesAtOnce }, lane))
    }),
  )
  return runs
}

/** Null: none is left whose instance is free. */
function takeNext(waiting: DatabaseEntry[], busy: ReadonlySet<string>): DatabaseEntry | null {
  const at = waiting.findIndex((entry) => !busy.has(lockScope(entry)))
  return at < 0 ? null : (waiting.splice(at, 1)[0] ?? null)
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
