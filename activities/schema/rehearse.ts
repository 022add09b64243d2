/** Rehearses on the canary: the same engine, the same files, the same role; only the traffic is missing. */
import { failure } from '../../contracts/failures'
import type { InstanceAddress, RehearsalSummary } from '../../contracts/migrate'
import type { OperationId } from '../../contracts/operation'
import { describeSchema, type SchemaDescription } from '../../postgres/inspect/fingerprint'
import { serverFacts } from '../../postgres/inspect/server'
import { applyMigrations } from '../../postgres/migrate/apply'
import { fencedName, raiseFence } from '../../postgres/migrate/fence'
import { resolveMigrations } from '../../postgres/migrate/resolve'
import type { StatementRecord } from '../../postgres/observe/statement-observer'
import { createStatementRecorder, readStatementLog } from '../../postgres/observe/statement-recorder'
import { type TableWriteCounters, tableWriteCounters } from '../../postgres/observe/table-writes'
import { countRows } from '../../postgres/verify/checks'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { rememberOnce } from '../remember'
import type { SchemaActivities } from './contract'
import { openSession, type SessionRequest, withSession } from './open-session'
import { readPlan } from './plan'
import { historyDrift } from './plan-document'

/** Everything the judge and the evidence need. */
export interface RehearsalDocument {
  readonly version: 1
  readonly canary: string
  readonly records: readonly StatementRecord[]
  readonly durationMs: number
  readonly walBytes: number
  readonly writesPerSecond: Readonly<Record<string, number>>
  /** The migrated canary's, object by object, so that a target that differs can say where. */
  readonly schema: SchemaDescription
}

type Input = Parameters<SchemaActivities['rehearse']>[0]

export async function rehearse(deps: ActivityDeps, input: Input): Promise<RehearsalSummary> {
  const { operation, step, bundle, target, canary } = input
  const { database: entry, migrations } = await deps.ledger.getBundle(bundle)
  const { signal } = currentAct()
  const on = (address: InstanceAddress, isCanary: boolean): SessionRequest => ({
    entry,
    role: 'migrator',
    operation,
    step,
    address,
    canary: isCanary,
  })
  const before = await withSession(deps, on(target, false), (session) => tableWriteCounters(session, { signal }))
  await assertSameDatabase(deps, on(target, false), on(canary, true))
  await rememberOnce(deps.ledger, { operation, name: 'rows-canary' }, () =>
    withSession(deps, on(canary, true), (session) => countRows(session, entry.checks.rowCounts, { signal })),
  )
  await runOnCanary(deps, input, on(canary, true), resolveMigrations(migrations))
  const after = await withSession(deps, on(target, false), (session) => tableWriteCounters(session, { signal }))
  const document = await withSession(deps, on(canary, true), async (session): Promise<RehearsalDocument> => {
    const records = await readStatementLog(session)
    return {
      version: 1,
      canary: canary.instance,
      records,
      durationMs: Math.round(records.reduce((sum, { durationMs }) => sum + durationMs, 0)),
      walBytes: records.reduce((sum, { walBytes }) => sum + walBytes, 0),
      writesPerSecond: rates(before, after),
      schema: await describeSchema(session, { signal }),
    }
  })
  assertMayAct()
  await deps.ledger.putDocument({ operation, name: 'rehearsal', document })
  const { records, schema, durationMs, walBytes } = document
  return { statementCount: records.length, fingerprint: schema.fingerprint, durationMs, walBytes }
}

/** The canary is a copy of this very target: a host in the fleet file that names another server would be migrated unrehearsed. */
async function assertSameDatabase(deps: ActivityDeps, target: SessionRequest, canary: SessionRequest): Promise<void> {
  const [here, there] = [await withSession(deps, target, serverFacts), await withSession(deps, canary, serverFacts)]
  if (here.systemIdentifier === null || there.systemIdentifier === null) return
  if (here.systemIdentifier === there.systemIdentifier) return
  const { entry, address } = target
  const host = entry.connections.migrator.host ?? address.host
  throw failure(
    'TARGET_MISMATCH',
    `The database at ${host} is not instance ${entry.instance}, of which the canary is a copy: correct the fleet file's \`host\`.`,
    { instance: entry.instance, host },
  )
}

async function runOnCanary(
  deps: ActivityDeps,
  { operation, planDigest, epoch }: Input & { operation: OperationId },
  on: SessionRequest,
  resolved: ReturnType<typeof resolveMigrations>,
): Promise<void> {
  const planned = await readPlan(deps.ledger, operation, planDigest)
  const { signal } = assertMayAct()
  const fence = await withSession(deps, on, async (session) => {
    const { attempt } = assertMayAct()
    return (await raiseFence(session, { epoch, attempt, operation, signal })).token
  })
  await applyMigrations({
    connect: () => openSession(deps, { ...on, applicationName: fencedName(fence, `capstan ${operation} rehearse`) }),
    resolved,
    fence,
    signal,
    observer: createStatementRecorder(),
    onPlan: (_plan, history) => {
      const drift = historyDrift(planned, history)
      if (drift !== null) throw drift
    },
  })
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
