/** What would hurt a database first: what PostgreSQL itself tells, and what the ledger knows of its backups. Asks neither Temporal nor a
 *  cloud, changes nothing, and says what it could not learn. */
import { Failure, failure } from '../contracts/failures'
import type { DatabaseEntry } from '../contracts/fleet'
import type { Ledger } from '../ledger/ledger'
import type { ConnectOptions } from '../postgres/connect/connect-options'
import { connect } from '../postgres/connect/session'
import { type ExamineOptions, examine, type HealthReport } from '../postgres/health/examine'
import { CHECKS, type CheckId, type HealthFinding, type NotKnown, type Severity } from '../postgres/health/finding'
import { duration } from './quantities'
import { lastProvenRestore, type ProvenRestore } from './restore-record'

/** What only others than PostgreSQL know. */
const CHECKS_OUTSIDE = {
  'proven-restore': 'whether its backups can be restored',
  'public-endpoint': 'who on the internet may reach it',
} as const

export type ScoutCheck = CheckId | keyof typeof CHECKS_OUTSIDE
export const SCOUT_CHECKS: Readonly<Record<ScoutCheck, string>> = { ...CHECKS_OUTSIDE, ...CHECKS }

export interface ScoutFinding extends Omit<HealthFinding, 'check'> {
  readonly check: ScoutCheck
}

export interface ScoutUnknown extends Omit<NotKnown, 'check'> {
  readonly check: ScoutCheck
}

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

/** How to reach a database of the fleet, as its `admin`. Fails with OPTION_INVALID when the fleet file does not say where it is, or as
 *  `resolveSecret` does. */
export async function fleetTarget(
  { name, database, connections: { admin } }: DatabaseEntry,
  resolveSecret: (ref: string) => Promise<string>,
): Promise<ScoutTarget> {
  if (admin.host === null) {
    const message = `The fleet file gives no host for ${name}, and scout asks no cloud: add connections.admin.host, or use --url.`
    throw failure('OPTION_INVALID', message, { database: name })
  }
  const options = {
    host: admin.host,
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
  const open: ExamineOptions['connect'] = (database) => connect({ ...options, database: database ?? options.database })
  const { findings, notKnown, ...report } = await examine({ connect: open, everyDatabase, signal })
  const restore = await restoreOf(name, ledger, Date.parse(report.at))
  const all = [...restore.findings, ...findings]
  return {
    name,
    host: options.host,
    port: options.port,
    database: options.database,
    ...report,
    provenRestore: restore.proven,
    // stable: what the ledger says stands before whatever else is as severe
    findings: all.sort((a, b) => RANK[a.severity] - RANK[b.severity]),
    notKnown: [...restore.notKnown, PUBLIC_ENDPOINT, ...notKnown],
  }
}

const RANK = { critical: 0, warning: 1, note: 2 } as const satisfies Record<Severity, number>

const PUBLIC_ENDPOINT: ScoutUnknown = {
  check: 'public-endpoint',
  database: null,
  why: 'Its cloud was not asked: look at its network rules for 0.0.0.0/0, and whether it has a public address.',
}

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
    command: `capstan ops list --database ${name} # then restore its newest backup beside it, and check what came back`,
  } as const
  if (ageMs === null) return [{ ...finding, message: `The ledger knows of no restore of ${name} that was checked.` }]
  return [{ ...finding, message: `The last restore of ${name} that was checked is ${duration(ageMs)} old.` }]
}
