/** What would hurt a database first: what PostgreSQL itself tells, what its cloud does where workers are asked, and what the ledger knows of its
 *  backups. Changes nothing, and says what it could not learn. */
import { Failure } from '../contracts/failures'
import type { DatabaseEntry } from '../contracts/fleet'
import type { HealthReport, Severity } from '../contracts/health'
import { type CloudAnswer, cloudNotAsked, type ScoutFinding, type ScoutUnknown } from '../contracts/scout'
import type { Ledger } from '../ledger/ledger'
import type { ConnectOptions } from '../postgres/connect/connect-options'
import { connect } from '../postgres/connect/session'
import { type ExamineOptions, examine } from '../postgres/health/examine'
import type { Doors } from './decide'
import { lookByWorkers, type WorkerLook } from './look-by-workers'
import { duration } from './quantities'
import { lastProvenRestore, type ProvenRestore } from './restore-record'

export interface Scouted extends Omit<HealthReport, 'findings' | 'notKnown'> {
  /** In the fleet file; null: it was named by a URL. */
  readonly name: string | null
  readonly host: string
  readonly port: number
  readonly database: string
  /** Null: it is not known whether there is one, or there is none. */
  readonly provenRestore: ProvenRestore | null
  /** What hurts first stands first. */
  readonly findings: readonly ScoutFinding[]
  readonly notKnown: readonly ScoutUnknown[]
}

/** A database that this command connects to by itself. */
export interface ScoutTarget {
  /** In the fleet file; null: it was named by a URL. */
  readonly name: string | null
  readonly options: ConnectOptions
}

export interface ScoutRequest {
  readonly target: ScoutTarget
  readonly everyDatabase: boolean
  /** Null: none is known here. */
  readonly ledger: Ledger | null
  readonly signal: AbortSignal
}

const APPLICATION = 'capstan scout'

/** How to reach a database of the fleet at the host that the fleet file names, as its `admin`. Fails as `resolveSecret` does. */
export async function fleetTarget(
  { name, database, connections: { admin } }: DatabaseEntry,
  host: string,
  resolveSecret: (ref: string) => Promise<string>,
): Promise<ScoutTarget> {
  const options = {
    host,
    port: admin.port ?? 5432,
    database,
    user: admin.user,
    password: await resolveSecret(admin.secret),
    tls: admin.tls,
    applicationName: APPLICATION,
  }
  return { name, options }
}

/** Fails as `examine` does. A ledger that does not answer is told as something that is not known. */
export async function scout({ target, everyDatabase, ledger, signal }: ScoutRequest): Promise<Scouted> {
  const { name, options } = target
  const { host, port, database } = options
  const open: ExamineOptions['connect'] = (other) => connect({ ...options, database: other ?? database })
  const health = await examine({ connect: open, everyDatabase, signal })
  const why =
    name === null ? 'a URL does not say which it is: scout it by its name in the fleet file' : 'have workers ask it: --by-workers'
  return told({ name, host, port, database }, { health, cloud: cloudNotAsked(`Its cloud was not asked; ${why}.`), ledger })
}

/** Fails as `lookByWorkers` does. */
export async function scoutByWorkers(doors: Doors, look: WorkerLook): Promise<Scouted> {
  const { name, database } = look.entry
  const { instance, health } = await lookByWorkers(doors, look)
  const { host, port, ...cloud } = instance
  return told({ name, host, port, database }, { health, cloud, ledger: doors.ledger })
}

interface Seen {
  readonly health: HealthReport
  readonly cloud: CloudAnswer
  readonly ledger: Ledger | null
}

async function told(
  place: Pick<Scouted, 'name' | 'host' | 'port' | 'database'>,
  { health, cloud, ledger }: Seen,
): Promise<Scouted> {
  const { findings, notKnown, ...report } = health
  const restore = await restoreOf(place.name, ledger, Date.parse(report.at))
  const all = [...restore.findings, ...cloud.findings, ...findings]
  return {
    ...place,
    ...report,
    provenRestore: restore.proven,
    // stable: what stands first here stands before whatever else is as severe
    findings: all.sort((a, b) => RANK[a.severity] - RANK[b.severity]),
    notKnown: [...restore.notKnown, ...cloud.notKnown, ...notKnown],
  }
}

const RANK = { critical: 0, warning: 1, note: 2 } as const satisfies Record<Severity, number>

interface RestoreAnswer {
  readonly proven: ProvenRestore | null
  readonly findings: readonly ScoutFinding[]
  readonly notKnown: readonly ScoutUnknown[]
}

const PROOF_AGE_MAX_MS = 30 * 86_400_000

async function restoreOf(name: string | null, ledger: Ledger | null, now: number): Promise<RestoreAnswer> {
  const unknown = (why: string): RestoreAnswer => ({
    proven: null,
    findings: [],
    notKnown: [{ check: 'proven-restore', database: null, why }],
  })
  if (name === null) return unknown('A URL does not say which backups there are: scout it by its name in the fleet file.')
  if (ledger === null) return unknown('No ledger is known here: set CAPSTAN_LEDGER_URL.')
  try {
    const proven = await lastProvenRestore(ledger, name)
    return { proven, findings: restoreFindings(name, proven, now), notKnown: [] }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return unknown(error.message)
  }
}

function restoreFindings(name: string, proven: ProvenRestore | null, now: number): ScoutFinding[] {
  const ageMs = proven === null ? null : now - Date.parse(proven.at)
  if (ageMs !== null && ageMs <= PROOF_AGE_MAX_MS) return []
  const finding = {
    check: 'proven-restore',
    severity: 'warning',
    database: null,
    object: null,
    why: 'A backup that was never restored is a hope: that it is there says nothing about what is in it.',
    command: `capstan verify-backup ${name}`,
  } as const
  if (ageMs === null) return [{ ...finding, message: `The ledger knows of no restore of ${name} that was checked.` }]
  return [{ ...finding, message: `The last restore of ${name} that was checked is ${duration(ageMs)} old.` }]
}
