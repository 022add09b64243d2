/** What replacing the instance by its copy would lose: row by row, by key, for the declared database; counted for the others. Read from both sides, each
 *  under a snapshot of its own; nothing is changed. What could not be looked at is named, never left out. */
import { Failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { InstanceAddress } from '../../contracts/migrate'
import type { IsoInstant } from '../../contracts/operation'
import type { DeltaReport, DeltaSummary, TableDelta, WrittenRows } from '../../contracts/replace'
import type { StepRef } from '../../contracts/step-ref'
import { sha256Of } from '../../ledger/digest'
import { ServerError } from '../../postgres/connect/errors'
import type { Session } from '../../postgres/connect/session'
import { describeRoles, differingRoles } from '../../postgres/inspect/roles'
import type { ProvenSoFar } from '../../postgres/verify/carry-on'
import { compareDatabases } from '../../postgres/verify/compare'
import type { Comparison, RowDifference, TableResult } from '../../postgres/verify/compared'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { openSession } from '../schema/open-session'
import { caveatsOf } from './caveats'
import { type BothDatabases, countBoth, databasesOfBoth, tablesOf } from './counts'

/** Connections that read at a time, on each side. */
const JOBS = 2

export interface AskedDelta extends StepRef {
  readonly copy: InstanceAddress
  readonly live: InstanceAddress | null
  readonly from: IsoInstant | null
  readonly compareMs: number
}

type Side = (database: string) => Promise<Session>

export function sidesOf(
  deps: ActivityDeps,
  entry: DatabaseEntry,
  { operation, step, live, copy }: AskedDelta & { live: InstanceAddress },
): { readonly live: Side; readonly copy: Side } {
  const open = (address: InstanceAddress, canary: boolean) => (database: string) =>
    openSession(deps, { entry: { ...entry, database }, role: 'admin', operation, step, address, canary, ownAddress: true })
  return { live: open(live, false), copy: open(copy, true) }
}

export async function measureDelta(deps: ActivityDeps, entry: DatabaseEntry, asked: AskedDelta): Promise<DeltaReport> {
  const { live, from } = asked
  const asOf = new Date().toISOString()
  if (live === null) return sealed({ ...NOTHING, asOf, from, unasked: 'the instance is gone' })
  const sides = sidesOf(deps, entry, { ...asked, live })
  const [before, caveats] = await Promise.all([standing(sides.live, entry.database), caveatsOf(sides, entry.database)])
  // before all else: what comes to be while it is compared is in the report or by chance not
  const listed = await tablesOf(sides.live, entry.database)
  const compared = await compareWithin(sides, entry.database, asked.compareMs)
  const roles = await rolesOfBoth(sides, entry.database)
  const databases = await databasesOfBoth(sides, entry.database)
  const uncounted: BothDatabases = { database: entry.database, only: compared.notCompared.map(({ table }) => table) }
  const counted = [uncounted, ...databases.both.map((database) => ({ database, only: null }))]
  const counts = []
  for (const one of counted) if (one.only === null || one.only.length > 0) counts.push(await countBoth(sides, one))
  return sealed({
    ...NOTHING,
    asOf,
    from,
    ...before,
    ...compared,
    roles,
    counted: counts,
    listed,
    missingDatabases: databases.missing,
    caveats,
  })
}

const NOTHING = {
  version: 1,
  unasked: null,
  lsn: null,
  written: { sameServer: null, databases: {} },
  tables: [],
  equalTables: [],
  notCompared: [],
  structure: [],
  roles: [],
  counted: [],
  listed: {},
  relations: null,
  missingDatabases: [],
  caveats: [],
} as const

/** The digest tells reports apart, so that an approval is of one of them. */
function sealed(report: Omit<DeltaReport, 'digest'>): DeltaReport {
  return { ...report, digest: sha256Of(report) }
}

export function withRelations({ digest: _digest, ...report }: DeltaReport, relations: DeltaReport['relations']): DeltaReport {
  return sealed({ ...report, relations })
}

/** Before anything is read: what is written from here on is not in the report, or by chance. */
async function standing(live: Side, database: string): Promise<Pick<DeltaReport, 'lsn' | 'written'>> {
  const session = await live(database)
  try {
    const written = await writtenRows(session)
    return { lsn: await insertLsn(session), written }
  } finally {
    await session.close()
  }
}

/** Null where a server does not tell, as Aurora. */
async function insertLsn(session: Session): Promise<string | null> {
  try {
    const [row] = await session.query<{ lsn: string }>('SELECT pg_catalog.pg_current_wal_insert_lsn()::text AS lsn')
    return row?.lsn ?? null
  } catch (error) {
    if (error instanceof ServerError) return null
    throw error
  }
}

/** Rows that were written in each database since its statistics began, by whatever transaction; a session tells its own at its end at the latest. */
export async function writtenRows(session: Session): Promise<WrittenRows> {
  // numbers, since each database may show times otherwise; a crash loses the counters of databases without a word there, and within one postmaster: the archiver's then begin anew, with the time
  const [server] = await session.query<{ same: string }>(
    `SELECT concat_ws(' ', extract(epoch FROM pg_catalog.pg_postmaster_start_time()),
            (SELECT extract(epoch FROM stats_reset) FROM pg_catalog.pg_stat_archiver)) AS same`,
  )
  // another database under the same name has other counters
  const rows = await session.query<{ name: string; rows: number; since: string }>(
    `SELECT datname::text AS name, (tup_inserted + tup_updated + tup_deleted)::int8 AS rows, concat_ws(' ', datid, extract(epoch FROM stats_reset)) AS since
       FROM pg_catalog.pg_stat_database WHERE datname IS NOT NULL`,
  )
  const databases = rows.map(({ name, rows: count, since }) => [name, { rows: Number(count), since }] as const)
  return { sameServer: server?.same ?? null, databases: Object.fromEntries(databases) }
}

type Compared = Pick<DeltaReport, 'tables' | 'equalTables' | 'notCompared' | 'structure'>

async function compareWithin(sides: { live: Side; copy: Side }, database: string, compareMs: number): Promise<Compared> {
  const { signal, kept, keep } = currentAct()
  const late = AbortSignal.timeout(compareMs)
  try {
    const comparison = await compareDatabases({
      source: () => sides.live(database),
      target: () => sides.copy(database),
      mode: 'static',
      jobs: JOBS,
      signal: AbortSignal.any([signal, late]),
      carriedOn: kept as ProvenSoFar | undefined,
      onProven: keep,
    })
    return toldOf(comparison)
  } catch (error) {
    if (signal.aborted || !late.aborted) throw error
    const why = `the comparison of all tables took longer than the ${Math.round(compareMs / 1000)} s that it was given`
    return { tables: [], equalTables: [], structure: [], notCompared: [{ table: '*', why }] }
  }
}

function toldOf({ tables, structure }: Comparison): Compared {
  const rows = tables.filter(({ table }) => !table.startsWith('capstan.'))
  return {
    tables: rows.filter(({ verdict, method }) => verdict === 'different' && method !== null).map(deltaOf),
    equalTables: rows.filter(({ verdict }) => verdict === 'equal').map(({ table }) => table),
    notCompared: [
      ...rows
        .filter(({ verdict, method }) => verdict === 'inconclusive' || (verdict !== 'equal' && method === null))
        .map(({ table, note }) => ({ table, why: note ?? 'unknown why' })),
      ...structure
        .filter(({ kind, table }) => kind === 'table-missing' && !table.startsWith('capstan.'))
        .map(({ table, side }) => ({ table, why: side === 'target' ? 'only the instance has it' : 'only the copy has it' })),
    ],
    structure: structure
      .filter(({ table }) => !table.startsWith('capstan.'))
      .map(({ table, column, side }) => {
        const where = side === 'target' ? 'the copy' : 'the instance'
        return column === null ? `${table}: not in ${where}` : `${table}: no column ${column} in ${where}`
      }),
  }
}

function deltaOf({ table, differences, key, sample }: TableResult): TableDelta {
  const { onlyInSource, onlyInTarget, changed, exact } = differences
  return {
    table,
    onlyInLive: onlyInSource,
    onlyInCopy: onlyInTarget,
    changed,
    exact,
    key,
    rows: sample.map((row) => shownRow(row, key)),
  }
}

const KINDS = {
  'only-in-source': 'only in the instance',
  'only-in-target': 'only in the copy',
  changed: 'different',
} as const satisfies Record<RowDifference['kind'], string>

function shownRow({ kind, key, count, columns }: RowDifference, names: readonly string[] | null): string {
  const who = key === null ? `${count} without a key` : `${names?.join(', ') ?? ''} = ${key.join(', ')}`
  const which = columns.map(({ column }) => column).join(', ')
  return `${KINDS[kind]}: ${who}${which === '' ? '' : ` (${which})`}`
}

async function rolesOfBoth(sides: { live: Side; copy: Side }, database: string): Promise<string[]> {
  const { signal } = currentAct()
  const described = async (side: Side) => {
    const session = await side(database)
    return describeRoles(session, { signal }).finally(() => session.close())
  }
  const [live, copy] = await Promise.all([described(sides.live), described(sides.copy)])
  return differingRoles(copy, live)
}

/** In one line, and in numbers. */
export function summaryOf(report: DeltaReport): DeltaSummary {
  const { digest, unasked, tables, notCompared, counted, missingDatabases } = report
  const byKey = tables.reduce((sum, { onlyInLive, changed }) => sum + onlyInLive + changed, 0)
  const all = counted.flatMap((one) => one.tables)
  const byCount = all.reduce((sum, { live, copy }) => sum + Math.max(0, (live ?? 0) - (copy ?? 0)), 0)
  const lostRows = byKey + byCount
  const unread = counted.filter(({ why }) => why !== null).map(({ database }) => database)
  const exact =
    tables.every((one) => one.exact) && [all, unread, missingDatabases, notCompared].every(({ length }) => length === 0)
  const where =
    tables.length === 0
      ? ''
      : ` in ${tables
          .map(({ table }) => table)
          .slice(0, 3)
          .join(', ')}${tables.length > 3 ? ' and others' : ''}`
  const missing = missingDatabases.length === 0 ? '' : `, and ${namedDatabases(missingDatabases)}, which the copy does not have`
  const unknown = [
    ...(notCompared.length === 0 ? [] : [`; ${notCompared.length} tables not compared by row`]),
    ...(unread.length === 0 ? [] : [`; ${namedDatabases(unread)} could not be counted`]),
  ].join('')
  const summary =
    unasked === null
      ? `${exact ? '' : 'at least '}${lostRows.toLocaleString('en-US')} rows would be lost${where}${missing}${unknown}`
      : `nobody can say: ${unasked}`
  return { digest, asked: unasked === null, lostRows, exact, summary }
}

function namedDatabases(names: readonly string[]): string {
  return `${names.length === 1 ? 'database' : 'databases'} ${names.join(', ')}`
}

/** Whether a failure says that the server is not there. One that is full, starting or closed says so itself, with a state of SQL. */
export function isUnreachable(error: unknown): error is Failure {
  return error instanceof Failure && error.code === 'DATABASE_UNREACHABLE' && error.facts.sqlState === undefined
}
