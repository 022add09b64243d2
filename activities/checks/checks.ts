/** Checks on the canary, on a restored copy and on the target. What they find is returned: the workflow decides. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { CheckSummary } from '../../contracts/migrate'
import type { Finding, OperationId } from '../../contracts/operation'
import { RESTORE_DOCUMENTS } from '../../contracts/restore'
import type { Session } from '../../postgres/connect/session'
import { describeSchema, diffFingerprints } from '../../postgres/inspect/fingerprint'
import { type CheckResult, runChecks } from '../../postgres/verify/checks'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { reachedAs, withSession } from '../schema/open-session'
import type { RehearsalDocument } from '../schema/rehearse'
import type { CheckActivities } from './contract'
import { rowsSince } from './rows-since'

const BAKE_EVERY_MS = 1000
const DIFFERENCES_MAX = 5

export function createCheckActivities(deps: ActivityDeps): CheckActivities {
  return {
    async checkCanary({ operation, step, bundle, canary }) {
      const { database: entry } = await deps.ledger.getBundle(bundle)
      const before = await rowsBefore(deps, operation, 'rows-canary')
      const request = { entry, role: 'migrator', operation, step, address: canary, canary: true } as const
      const results = await withSession(deps, request, (session) => declaredChecks(session, entry, before))
      return record(deps, operation, 'checks-canary', results)
    },
    checkCopy: (input) => checkCopy(deps, input),
    rowsSince: (input) => rowsSince(deps, input),
    async verifyTarget({ operation, step, bundle, target }) {
      const { database: entry } = await deps.ledger.getBundle(bundle)
      const before = await rowsBefore(deps, operation, 'rows-target')
      const rehearsal = (await deps.ledger.getDocument({ operation, name: 'rehearsal' })) as RehearsalDocument | null
      if (rehearsal === null) throw failure('DEFECT', `Operation ${operation} has no rehearsal to compare with.`)
      const request = { entry, role: 'migrator', operation, step, address: target, canary: false } as const
      const results = await withSession(deps, request, async (session) => [
        await fingerprintCheck(session, rehearsal),
        ...(await declaredChecks(session, entry, before)),
      ])
      return record(deps, operation, 'checks-target', results)
    },
    async bake({ operation, step, bundle, target, seconds }) {
      const { database: entry } = await deps.ledger.getBundle(bundle)
      const before = await rowsBefore(deps, operation, 'rows-target')
      const request = { entry, role: 'migrator', operation, step, address: target, canary: false } as const
      return withSession(deps, request, (session) => bake(deps, session, { operation, entry, before, seconds }))
    },
  }
}

/** Passwords in a copy are those of the moment that it was restored to. */
async function checkCopy(
  deps: ActivityDeps,
  { operation, step, bundle, copy, inPlace }: Parameters<CheckActivities['checkCopy']>[0],
): Promise<CheckSummary> {
  const { database: entry } = await deps.ledger.getBundle(bundle)
  const checked = (role: 'admin' | 'migrator'): Promise<CheckResult[]> =>
    withSession(deps, { entry, role, operation, step, address: copy, ...reachedAs({ inPlace }) }, (session) =>
      declaredChecks(session, entry, {}),
    )
  try {
    return await record(deps, operation, RESTORE_DOCUMENTS.checks, await checked('migrator'))
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'CREDENTIALS_REJECTED') throw error
  }
  const results = await record(deps, operation, RESTORE_DOCUMENTS.checks, await checked('admin'))
  const { admin, migrator } = entry.connections
  return { ...results, summary: `${results.summary}; as ${admin.user}, since ${migrator.user} had another password then` }
}

interface Baking {
  readonly operation: OperationId
  readonly entry: DatabaseEntry
  readonly before: Readonly<Record<string, number>>
  readonly seconds: number
}

/** A repeat after a kill bakes the whole time again: half a bake proves nothing. */
async function bake(deps: ActivityDeps, session: Session, { operation, entry, before, seconds }: Baking): Promise<CheckSummary> {
  const { signal } = currentAct()
  const until = performance.now() + seconds * 1000
  let rounds = 0
  for (;;) {
    const startedAt = performance.now()
    const results = await declaredChecks(session, entry, before)
    rounds += 1
    const over = performance.now() >= until
    if (over || results.some(({ ok }) => !ok)) {
      const summary = await record(deps, operation, 'bake', results)
      return { ...summary, summary: `${summary.summary}, ${rounds} rounds in ${seconds} s` }
    }
    const restMs = Math.min(BAKE_EVERY_MS, until - startedAt) - (performance.now() - startedAt)
    await sleep(Math.max(0, restMs), undefined, { signal })
  }
}

async function rowsBefore(deps: ActivityDeps, operation: OperationId, name: string): Promise<Record<string, number>> {
  const rows = (await deps.ledger.getDocument({ operation, name })) as Record<string, number> | null
  if (rows === null)
    throw failure('DEFECT', `Operation ${operation} has no ${name}: the rows before the migration were not counted.`)
  return rows
}

function declaredChecks(
  session: Session,
  { checks }: DatabaseEntry,
  before: Readonly<Record<string, number>>,
): Promise<CheckResult[]> {
  const rowCounts = checks.rowCounts.map((table) => ({ table, atLeast: before[table] ?? 0 }))
  const { invariants, smoke } = checks
  return runChecks(session, { rowCounts, invariants, smoke }, { signal: currentAct().signal })
}

async function fingerprintCheck(session: Session, rehearsal: RehearsalDocument): Promise<CheckResult> {
  const found = await describeSchema(session, { signal: currentAct().signal })
  const ok = found.fingerprint === rehearsal.schema.fingerprint
  const differences = ok
    ? []
    : diffFingerprints(rehearsal.schema, found, { names: ['the canary', 'the target'], limit: DIFFERENCES_MAX })
  return {
    id: 'fingerprint',
    kind: 'fingerprint',
    title: "The target's schema equals the canary's",
    ok,
    measured: null,
    allowed: 'no difference',
    message: ok ? 'The schemas are equal.' : `The target's schema differs from the canary's: ${differences.join('; ')}.`,
    durationMs: 0,
  }
}

async function record(
  deps: ActivityDeps,
  operation: OperationId,
  name: string,
  results: readonly CheckResult[],
): Promise<CheckSummary> {
  assertMayAct()
  await deps.ledger.putDocument({ operation, name, document: { version: 1, results } })
  const findings = results.filter(({ ok }) => !ok).map(({ id, kind, message }): Finding => ({ rule: `${kind}:${id}`, message }))
  return { findings, checkCount: results.length, summary: summaryOf(results) }
}

const NOUNS: readonly [CheckResult['kind'], (n: number) => string][] = [
  ['fingerprint', () => 'fingerprint'],
  ['invariant', (n) => (n === 1 ? '1 invariant' : `${n} invariants`)],
  ['row-count', (n) => (n === 1 ? '1 row count' : `${n} row counts`)],
  ['smoke', (n) => (n === 1 ? '1 smoke query' : `${n} smoke queries`)],
]

/** `fingerprint, 4 invariants, 6 row counts`. */
function summaryOf(results: readonly CheckResult[]): string {
  const parts = NOUNS.flatMap(([kind, noun]) => {
    const n = results.filter((result) => result.kind === kind).length
    return n === 0 ? [] : [noun(n)]
  })
  return parts.length === 0 ? 'no checks declared' : parts.join(', ')
}
