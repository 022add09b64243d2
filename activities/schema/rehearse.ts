/** Rehearses on the canary: the same engine, the same files, the same role; only the traffic is missing. */
import { failure } from '../../contracts/failures'
import type { RehearsalSummary } from '../../contracts/migrate'
import type { Finding, OperationId } from '../../contracts/operation'
import type { Session } from '../../postgres/connect/session'
import { describeSchema, type SchemaDescription } from '../../postgres/inspect/fingerprint'
import { serverFacts } from '../../postgres/inspect/server'
import { resolveMigrations } from '../../postgres/migrate/resolve'
import type { StatementRecord } from '../../postgres/observe/statement-observer'
import { createStatementRecorder, readStatementLog } from '../../postgres/observe/statement-recorder'
import { type TableWriteCounters, tableWriteCounters } from '../../postgres/observe/table-writes'
import { countRows } from '../../postgres/verify/checks'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { rememberOnce } from '../remember'
import { applyBehindFence } from './apply-behind-fence'
import type { SchemaActivities } from './contract'
import { type SessionRequest, withSession } from './open-session'
import { readPlan } from './plan'
import { broughtByFiles, standbyBlocks } from './standby-blocks'

/** Everything the judge and the evidence need. */
export interface RehearsalDocument {
  readonly version: 1
  readonly canary: string
  readonly records: readonly StatementRecord[]
  readonly durationMs: number
  readonly walBytes: number
  readonly writesPerSecond: Readonly<Record<string, number>>
  /** Of log that the target wrote while the canary rehearsed; absent: nobody follows it. */
  readonly logBytesPerSecond?: number
  /** What the files bring that would keep the target from being followed; absent: nobody follows it. */
  readonly standbyFindings?: readonly Finding[]
  /** The migrated canary's, object by object, so that a target that differs can say where. */
  readonly schema: SchemaDescription
}

type Input = Parameters<SchemaActivities['rehearse']>[0]

/** One session on each side for what is read before and after; the engine has its own two on the canary. */
export async function rehearse(deps: ActivityDeps, input: Input): Promise<RehearsalSummary> {
  const { operation, step, bundle, target, canary, epoch, planDigest } = input
  const { database: entry, migrations } = await deps.ledger.getBundle(bundle)
  const planned = await readPlan(deps.ledger, operation, planDigest)
  const { signal } = currentAct()
  const onTarget: SessionRequest = { entry, role: 'migrator', operation, step, address: target, canary: false }
  const onCanary: SessionRequest = { ...onTarget, address: canary, canary: true }
  const document = await withSession(deps, onTarget, (there) =>
    withSession(deps, onCanary, async (here): Promise<RehearsalDocument> => {
      const before = await tableWriteCounters(there, { signal })
      const followed = planned.standbys === undefined ? null : await beforeFollowers(deps, operation, there, here)
      await assertSameDatabase(onTarget, there, here)
      await rememberOnce(deps.ledger, { operation, name: 'rows-canary' }, () =>
        countRows(here, entry.checks.rowCounts, { signal }),
      )
      await applyBehindFence(deps, onCanary, here, {
        resolved: resolveMigrations(migrations),
        planned,
        epoch,
        name: `capstan ${operation} rehearse`,
        observer: createStatementRecorder(),
      })
      const writes = rates(before, await tableWriteCounters(there, { signal }))
      const read = await readRehearsal(canary.instance, here, writes)
      if (followed === null) return read
      const logBytesPerSecond = perSecond(followed.log, await logEnd(there))
      return { ...read, logBytesPerSecond, standbyFindings: broughtByFiles(followed.blocks, await standbyBlocks(here)) }
    }),
  )
  assertMayAct()
  await deps.ledger.putDocument({ operation, name: 'rehearsal', document })
  const { records, schema, durationMs, walBytes } = document
  return { statementCount: records.length, fingerprint: schema.fingerprint, durationMs, walBytes }
}

/** The canary is a copy of this very target: a host in the fleet file that names another server would be migrated unrehearsed. */
async function assertSameDatabase({ entry, address }: SessionRequest, target: Session, canary: Session): Promise<void> {
  const [there, here] = [await serverFacts(target), await serverFacts(canary)]
  if (there.systemIdentifier === null || here.systemIdentifier === null) return
  if (there.systemIdentifier === here.systemIdentifier) return
  const host = entry.connections.migrator.host ?? address.host
  throw failure(
    'TARGET_MISMATCH',
    `The database at ${host} is not instance ${entry.instance}, of which the canary is a copy: correct the fleet file's \`host\`.`,
    { instance: entry.instance, host },
  )
}

async function readRehearsal(
  canary: string,
  session: Session,
  writesPerSecond: Readonly<Record<string, number>>,
): Promise<RehearsalDocument> {
  const records = await readStatementLog(session)
  return {
    version: 1,
    canary,
    records,
    durationMs: Math.round(records.reduce((sum, { durationMs }) => sum + durationMs, 0)),
    walBytes: records.reduce((sum, { walBytes }) => sum + walBytes, 0),
    writesPerSecond,
    schema: await describeSchema(session, { signal: currentAct().signal }),
  }
}

/** Rows written per second on the target while the canary rehearsed. */
function rates(before: TableWriteCounters, after: TableWriteCounters): Record<string, number> {
  const seconds = (Date.parse(after.at) - Date.parse(before.at)) / 1000
  if (!(seconds > 0)) return {}
  const entries = Object.entries(after.tables).flatMap(([relation, { writes }]) => {
    const since = writes - (before.tables[relation]?.writes ?? writes)
    return since > 0 ? [[relation, Math.round((since / seconds) * 10) / 10] as const] : []
  })
  return Object.fromEntries(entries)
}

async function beforeFollowers({ ledger }: ActivityDeps, operation: OperationId, target: Session, canary: Session) {
  // a repeat finds files applied
  const blocks = await rememberOnce(ledger, { operation, name: 'standby-blocks' }, () => standbyBlocks(canary))
  return { log: await logEnd(target), blocks }
}

interface LogEnd {
  readonly bytes: number
  /** Seconds since 1970, by the server's clock. */
  readonly at: number
}

async function logEnd(target: Session): Promise<LogEnd> {
  const [row] = await target.query<LogEnd>(
    `SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')::float8 AS bytes, extract(epoch FROM pg_catalog.clock_timestamp())::float8 AS at`,
  )
  if (row === undefined) throw new Error('the target does not say where its log ends')
  return row
}

function perSecond(before: LogEnd, after: LogEnd): number {
  const seconds = after.at - before.at
  return seconds > 0 ? Math.max(0, after.bytes - before.bytes) / seconds : 0
}
