/** The report and the night's choice, out of a real ledger. */
import { reportVerifications } from '../../client/verification-report'
import { fleetCandidates } from '../../client/verify-fleet'
import type { FailureRecord, OperationStatus } from '../../contracts/operation'
import { type PlannedPoint, VERIFY_BACKUP_DOCUMENTS, type Verification } from '../../contracts/verify-backup'
import { fleetEntry } from './fleet-entry'
import { withLedger } from './with-ledger'

const it = withLedger()
const HOUR_MS = 3_600_000
const NOW = Date.parse('2026-11-29T06:00:00.000Z')
const hoursAgo = (hours: number): string => new Date(NOW - hours * HOUR_MS).toISOString()

async function begun(id: string, database: string, { hours, status }: { hours: number; status: OperationStatus }) {
  const bundle = await it.ledger.putBundle({ version: 1, database: fleetEntry(database), migrations: [] })
  const about = { kind: 'verify-backup', databases: [database], cloud: 'aws', environment: 'test', mode: 'apply' } as const
  const startedAt = hoursAgo(hours)
  await it.ledger.openOperation({ id, ...about, requestedBy: 'ada', startedAt, bundle })
  await it.ledger.setStatus({ operation: id, status })
}

type Came = Pick<Verification, 'verdict'> & { readonly hours: number; readonly point: PlannedPoint; readonly instanceId?: string }

async function verified(id: string, database: string, { hours, point, verdict, instanceId = 'db-1' }: Came) {
  await begun(id, database, { hours, status: 'running' })
  const outcome = verdict === 'pass' ? 'pass' : 'fail'
  const rung = { id: 'content', outcome, findings: [], summary: '', durationMs: 1, promised: true } as const
  const verification: Verification = {
    ...{ version: 1, operation: id, database, instance: 'i', instanceId, point, ladder: [rung], rpoMs: null, rto: null },
    ...{ objectives: { rpoMs: null, rtoMs: null }, proven: verdict === 'pass', verdict, judgedAt: hoursAgo(hours) },
  }
  await it.ledger.putDocument({ operation: id, name: VERIFY_BACKUP_DOCUMENTS.verification, document: verification })
  await it.ledger.setStatus({ operation: id, status: verdict === 'pass' ? 'succeeded' : 'failed', finishedAt: hoursAgo(hours) })
}

const SNAPSHOT = { kind: 'snapshot', snapshot: 's', createdAt: null } as const
const MOMENT = { kind: 'moment', at: hoursAgo(1) } as const

async function alertsFor(database: string) {
  const [standing] = await reportVerifications(it.ledger, { databases: [fleetEntry(database)] }, NOW)
  return standing?.alerts ?? []
}

test('what is broken for one kind of point stays told in the nights of the other one', async () => {
  await verified('snapshot-fails', 'turns', { hours: 48, point: SNAPSHOT, verdict: 'fail' })
  await verified('moment-passes', 'turns', { hours: 24, point: MOMENT, verdict: 'pass' })
  expect(await alertsFor('turns')).toEqual([{ code: 'verdict-fail', message: 'snapshot-fails found its backup wanting.' }])
  await verified('snapshot-passes', 'turns', { hours: 1, point: SNAPSHOT, verdict: 'pass' })
  expect(await alertsFor('turns')).toEqual([])
})

test('what another instance of that name held is not told any more', async () => {
  await verified('of-the-old-one', 'replaced', { hours: 48, point: SNAPSHOT, verdict: 'fail', instanceId: 'db-0' })
  await verified('of-the-new-one', 'replaced', { hours: 24, point: { kind: 'now' }, verdict: 'pass' })
  expect(await alertsFor('replaced')).toEqual([])
})

test('one that goes on for longer than it and the one before it may is told', async () => {
  await begun('still-in-time', 'slow', { hours: 11, status: 'running' })
  expect(await alertsFor('slow')).toEqual([])
  await begun('dead', 'stuck', { hours: 13, status: 'running' })
  await verified('since-then', 'stuck', { hours: 1, point: SNAPSHOT, verdict: 'pass' })
  expect(await alertsFor('stuck')).toEqual([{ code: 'run-failed', message: expect.stringContaining('dead') }])
})

test('plans push no run out of sight, and one of a night that failed is told until something newer is', async () => {
  await verified('proves', 'planned', { hours: 90, point: SNAPSHOT, verdict: 'pass' })
  const bundle = await it.ledger.putBundle({
    ...{ version: 1, database: fleetEntry('planned'), migrations: [], verify: { kind: 'by-turns' } },
  })
  const plan = async (id: string, hours: number, failure: FailureRecord | null) => {
    const about = { kind: 'verify-backup', databases: ['planned'], cloud: 'aws', environment: 'test', mode: 'plan' } as const
    await it.ledger.openOperation({ id, ...about, requestedBy: 'ada', startedAt: hoursAgo(hours), bundle })
    const [startedAt, finishedAt] = [hoursAgo(hours), hoursAgo(hours)]
    const step = { id: 'plan', title: 'Plan', state: 'failed', attempts: 1, startedAt, finishedAt, detail: {} } as const
    await it.ledger.recordStep({ operation: id, sequence: 1, step })
    await it.ledger.setStatus({ operation: id, status: failure === null ? 'planned' : 'failed', failure, finishedAt })
  }
  for (let at = 0; at < 200; at += 1) await plan(`plan-${at}`, 80 - at / 10, null)
  const seen = async () => {
    const [standing] = await reportVerifications(it.ledger, { databases: [fleetEntry('planned')] }, NOW)
    const [candidate] = await fleetCandidates(it.ledger, [fleetEntry('planned')], async () => true)
    return [standing?.last?.operation, candidate?.lastAt, standing?.alerts.map(({ message }) => message)]
  }
  expect(await seen()).toEqual(['proves', hoursAgo(90), []])
  await plan('plan-fails', 20, { code: 'COST_TOO_HIGH', message: 'too dear' })
  expect(await seen()).toEqual(['proves', hoursAgo(90), ['plan-fails did not come to a good end: COST_TOO_HIGH.']])
  await plan('plan-again', 10, null)
  expect(await seen()).toEqual(['proves', hoursAgo(90), []])
})

test('a record that nobody is at work on keeps its database from no night', async () => {
  await begun('gone', 'left', { hours: 13, status: 'running' })
  await begun('goes-on', 'busy', { hours: 1, status: 'running' })
  const candidates = await fleetCandidates(it.ledger, [fleetEntry('left'), fleetEntry('busy')], async (id) => id === 'goes-on')
  expect(candidates.map(({ lastAt, running }) => [lastAt, running])).toEqual([
    [hoursAgo(13), null],
    [hoursAgo(1), 'goes-on'],
  ])
})
