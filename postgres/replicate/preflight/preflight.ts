/** Asks a source and a standby whether the one can follow the other, before anything is made. Changes nothing and reads no row of any table of
 *  their users (of pg_cron's jobs it counts those that it may see). What could not be seen is told: that nothing was found is worth as much as
 *  what was looked at. */
import type { Cloud } from '../../../contracts/fleet'
import {
  PREFLIGHT_CHECKS,
  type PreflightCheckId,
  type PreflightFinding,
  type PreflightReport,
} from '../../../contracts/preflight'
import { ServerError } from '../../connect/errors'
import type { Session } from '../../connect/session'
import { readOnly, whyNot } from '../../health/read-only'
import { DEFAULT_HISTORY } from '../../migrate/history'
import { printableJson } from '../../printable'
import type { Asked, Check, Look, PreflightLimits, PreflightSide, SideLook, Told } from './check'
import { COLLATIONS } from './checks/collations'
import { DISK_ROOM } from './checks/disk-room'
import { EVENT_TRIGGERS } from './checks/event-triggers'
import { EXTENSIONS } from './checks/extensions'
import { FOREIGN_SLOTS } from './checks/foreign-slots'
import { FOREIGN_TABLES } from './checks/foreign-tables'
import { GENERATED_COLUMNS } from './checks/generated-columns'
import { LARGE_OBJECTS } from './checks/large-objects'
import { MATERIALIZED_VIEWS } from './checks/materialized-views'
import { PARTITIONS } from './checks/partitions'
import { PREPARED_TRANSACTIONS } from './checks/prepared-transactions'
import { PUBLISHER } from './checks/publisher'
import { REPLICA_IDENTITY } from './checks/replica-identity'
import { ROLES } from './checks/roles'
import { SAME_DATABASE } from './checks/same-database'
import { SCHEDULED_JOBS } from './checks/scheduled-jobs'
import { SEQUENCES } from './checks/sequences'
import { SOURCE_ROOM } from './checks/source-room'
import { STANDBY_EMPTY } from './checks/standby-empty'
import { STANDBY_ROOM } from './checks/standby-room'
import { SUBSCRIBER } from './checks/subscriber'
import { TRIGGERS } from './checks/triggers'
import { UNLOGGED_TABLES } from './checks/unlogged-tables'
import { VERSIONS } from './checks/versions'
import { WAL_LEVEL } from './checks/wal-level'
import { inOrder } from './in-order'
import { historyValues, PUBLISHED_TABLES } from './relations'
import { noWayBack } from './way-back'

const ALL: readonly Check[] = [
  SAME_DATABASE,
  VERSIONS,
  STANDBY_EMPTY,
  WAL_LEVEL,
  SOURCE_ROOM,
  STANDBY_ROOM,
  PUBLISHER,
  SUBSCRIBER,
  REPLICA_IDENTITY,
  UNLOGGED_TABLES,
  LARGE_OBJECTS,
  FOREIGN_TABLES,
  PARTITIONS,
  GENERATED_COLUMNS,
  SEQUENCES,
  MATERIALIZED_VIEWS,
  TRIGGERS,
  EXTENSIONS,
  COLLATIONS,
  ROLES,
  PREPARED_TRANSACTIONS,
  FOREIGN_SLOTS,
  SCHEDULED_JOBS,
  EVENT_TRIGGERS,
  DISK_ROOM,
]

const PREFLIGHT_LIMITS: PreflightLimits = { preparedMs: 60_000, findingsMax: 100 }

export interface PreflightInput
  extends Omit<Asked, 'names' | 'migrator' | 'history' | 'limits'>,
    Partial<Pick<Asked, 'names' | 'migrator' | 'history' | 'limits'>> {
  /** Both as their admin, in the very databases. Nobody else uses them meanwhile. */
  readonly source: Session
  readonly standby: Session
  readonly clouds: Readonly<Record<PreflightSide, Cloud | null>>
  readonly signal?: AbortSignal
}

/** Throws CONNECTION_LOST, or the signal's reason. */
export async function preflight(input: PreflightInput): Promise<PreflightReport> {
  const asked: Asked = { names: null, migrator: null, history: DEFAULT_HISTORY, limits: PREFLIGHT_LIMITS, ...input }
  const questions = new Map<PreflightCheckId, string[]>()
  const found: PreflightFinding[] = []
  const notKnown: PreflightReport['notKnown'][number][] = []
  for (const check of ALL) {
    const sql: string[] = []
    questions.set(check.id, sql)
    const look = lookBy(input, asked, sql)
    for (const question of check.questions) {
      const told = await answered(question, look, check.id, input)
      found.push(...told.findings.map((one) => ({ check: check.id, ...one })))
      notKnown.push(...(told.notKnown ?? []).map((one) => ({ check: check.id, ...one })))
    }
  }
  const { findings, over } = withinLimit(inOrder(found), asked.limits.findingsMax)
  for (const [check, side] of over)
    notKnown.push({ check, side, why: `More than ${asked.limits.findingsMax} were found; the rest is not told.` })
  const look = lookBy(input, asked, [])
  return {
    findings,
    notKnown,
    asked: Object.fromEntries(questions) as Record<PreflightCheckId, string[]>,
    ...(await aboutSource(look)),
    versions: { source: await versionOf(look.source), standby: await versionOf(look.standby) },
    noWayBack: await noWayBack(look),
  }
}

/** What a side refused is an answer too, and never a failure of the whole. */
async function answered(
  question: Check['questions'][number],
  look: Look,
  check: PreflightCheckId,
  sessions: PreflightInput,
): Promise<Told> {
  try {
    return await question(look)
  } catch (error) {
    if (!(error instanceof RefusedBySide)) throw error
    const { side } = error
    const why = whyNot(error, sessions[side].endpoint.user, PREFLIGHT_CHECKS[check])
    return { findings: [], notKnown: [{ side, why }] }
  }
}

class RefusedBySide extends ServerError {
  readonly side: PreflightSide
  constructor(side: PreflightSide, { message, sqlState, position }: ServerError) {
    super(message, sqlState, position)
    this.side = side
  }
}

/** What is asked is written down in `sql`, once each. */
function lookBy(input: PreflightInput, asked: Asked, sql: string[]): Look {
  const one = (side: PreflightSide): SideLook => {
    const session = input[side]
    return {
      cloud: input.clouds[side],
      versionNum: session.serverVersionNum,
      async query(text, values = []) {
        const shown = withValues(text, values)
        if (!sql.includes(shown)) sql.push(shown)
        try {
          return await readOnly(session, () => session.query(text, values, { signal: input.signal }))
        } catch (error) {
          throw error instanceof ServerError ? new RefusedBySide(side, error) : error
        }
      },
    }
  }
  return { source: one('source'), standby: one('standby'), asked }
}

/** So that a person can ask the same. */
function withValues(text: string, values: readonly unknown[]): string {
  const lines = values.map((value, at) => `\n-- $${at + 1}: ${printableJson(JSON.stringify(value))}`)
  return `${text.trim()}${lines.join('')}`
}

function withinLimit(
  findings: readonly PreflightFinding[],
  max: number,
): { findings: PreflightFinding[]; over: ReadonlyMap<PreflightCheckId, PreflightSide> } {
  const counts = new Map<PreflightCheckId, number>()
  const over = new Map<PreflightCheckId, PreflightSide>()
  const kept = findings.filter(({ check, side }) => {
    const count = (counts.get(check) ?? 0) + 1
    counts.set(check, count)
    if (count > max) over.set(check, side)
    return count <= max
  })
  return { findings: kept, over }
}

async function aboutSource({ source, asked }: Look): Promise<Pick<PreflightReport, 'bytes' | 'tables'>> {
  const [size] = await source.query<{ bytes: number }>('SELECT pg_database_size(current_database()) AS bytes')
  const tables = await source.query<{ shown: string }>(PUBLISHED_TABLES, historyValues(asked.history))
  return { bytes: size?.bytes ?? 0, tables: tables.map(({ shown }) => shown) }
}

async function versionOf(side: SideLook): Promise<string> {
  const [row] = await side.query<{ version: string }>(`SELECT split_part(current_setting('server_version'), ' ', 1) AS version`)
  return row?.version ?? ''
}
