/** Asks a source and a standby whether the one can follow the other, before anything is made. Changes nothing and reads no row of any table of
 *  their users (of pg_cron's jobs it counts those that it may see). What could not be seen is told: that nothing was found is worth as much as
 *  what was looked at. */
import type { PreflightCheckId, PreflightFinding, PreflightReport, PreflightUnknown } from '../../../contracts/preflight'
import { DEFAULT_HISTORY } from '../../migrate/history'
import { ask, lookBy, type Sides } from './ask'
import type { Asked, Check, Look, PreflightLimits, PreflightSide, SideLook } from './check'
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

/** In the order in which they are told. */
export const CHECKS: readonly Check[] = [
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

type Defaults = 'bytesFreeLater' | 'names' | 'migrator' | 'history' | 'limits'

/** Sessions are of each side's admin, in the very databases; nobody else uses them meanwhile. */
export interface PreflightInput extends Sides, Omit<Asked, Defaults>, Partial<Pick<Asked, Defaults>> {}

export function withDefaults(input: PreflightInput): Asked {
  return { bytesFreeLater: null, names: null, migrator: null, history: DEFAULT_HISTORY, limits: PREFLIGHT_LIMITS, ...input }
}

/** Throws CONNECTION_LOST, or the signal's reason. */
export async function preflight(input: PreflightInput): Promise<PreflightReport> {
  const asked = withDefaults(input)
  const found: PreflightFinding[] = []
  const notKnown: PreflightUnknown[] = []
  const sql: [PreflightCheckId, readonly string[]][] = []
  for (const check of CHECKS) {
    const answer = await ask(check, input, asked)
    found.push(...answer.findings)
    notKnown.push(...answer.notKnown)
    sql.push([check.id, answer.sql])
  }
  const { findings, over } = withinLimit(inOrder(found), asked.limits.findingsMax)
  for (const [check, side] of over)
    notKnown.push({ check, side, why: `More than ${asked.limits.findingsMax} were found; the rest is not told.` })
  const look = lookBy(input, asked)
  return {
    findings,
    notKnown,
    asked: Object.fromEntries(sql) as PreflightReport['asked'],
    ...(await aboutSource(look)),
    versions: { source: await versionOf(look.source), standby: await versionOf(look.standby) },
    noWayBack: await noWayBack(look),
  }
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
