/** The report and the night's choice, out of a real ledger. */
import { reportVerifications } from '../../client/verification-report'
import { fleetCandidates } from '../../client/verify-fleet'
import type { FailureRecord, OperationStatus } from '../../contracts/operation'
import { type PlannedPoint, VERIFY_BACKUP_DOCUMENTS, VERIFY_BACKUP_STEPS, type Verification } from '../../contracts/verify-backup'
import { fleetEntry } from './fleet-entry'
import { withLedger } from './with-ledger'

const it = withLedger()
const HOUR_MS = 3_600_000
const NOW = Date.parse('2026-11-29T06:00:00.000Z')
const hoursAgo = (hours: number): string => new Date(NOW - hours * HOUR_MS).toISOString()

interface Begun {
  readonly hours: number
  readonly status: OperationStatus
  readonly point?: PlannedPoint
}

async function begun(id: string, database: string, { hours, status, point }: Begun) {
  const verify = point?.kind === 'snapshot' ? point : undefined
  const bundle = await it.ledger.putBundle({
    version: 1,
    database: fleetEntry(database),
    migrations: [],
    ...(verify && { verify }),
  })
  const about = { kind: 'verify-backup', databases: [database], cloud: 'aws', environment: 'test', mode: 'apply' } as const
  const startedAt = hoursAgo(hours)
  await it.ledger.openOperation({ id, ...about, requestedBy: 'ada', startedAt, bundle })
  await it.ledger.setStatus({ operation: id, status })
}

interface Came extends Pick<Verification, 'verdict'> {
  readonly hours: number
  readonly point: PlannedPoint
  readonly instanceId?: string
  /** Left out: it is over. */
  readonly status?: 'needs-operator' | 'running'
}

async function verified(id: string, database: string, { hours, point, verdict, instanceId = 'db-1', status }: Came) {
  await begun(id, database, { hours, status: 'running', point })
  const outcome = verdict === 'pass' ? 'pass' : 'fail'
  const rung = { id: 'content', outcome, findings: [], summary: '', durationMs: 1, promised: true } as const
  const verification: Verification = {
    ...{ version: 1, operation: id, database, instance: 'i', instanceId, point, ladder: [rung], rpoMs: null, rto: null },
    ...{ objectives: { rpoMs: null, rtoMs: null }, proven: verdict === 'pass', verdict, judgedAt: hoursAgo(hours) },
  }
  await it.ledger.putDocument({ operation: id, name: VERIFY_BACKUP_DOCUMENTS.verification, document: verification })
  const over = { status: verdict === 'pass' ? 'succeeded' : 'failed', finishedAt: hoursAgo(hours) } as const
  await it.ledger.setStatus({ operation: id, ...(status === undefined ? over : { status }) })
}

/** Without a verdict, once it had its lock. */
async function failed(id: string, database: string, { hours, point }: { hours: number; point: PlannedPoint }) {
  await begun(id, database, { hours, status: 'running', point })
  const { id: lock, title } = VERIFY_BACKUP_STEPS.lock
  const [startedAt, finishedAt] = [hoursAgo(hours), hoursAgo(hours)]
  const step = { id: lock, title, state: 'done', attempts: 1, startedAt, finishedAt, detail: {} } as const
  await it.ledger.recordStep({ operation: id, sequence: 1, step })
  const failure = { code: 'VERIFICATION_TIMED_OUT', message: 'too slow' } as const
  await it.ledger.setStatus({ operation: id, status: 'failed', failure, finishedAt })
}

const SNAPSHOT = { kind: 'snapshot', snapshot: 's', createdAt: null } as const
const THERE = { kind: 'snapshot', snapshot: 's', createdAt: null, region: 'eu-west-1' } as const
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

test('of a copy in another region is told what costs, and not what is over', async () => {
  await verified('at-home', 'copied', { hours: 30, point: SNAPSHOT, verdict: 'pass' })
  await failed('fails-there', 'copied', { hours: 20, point: THERE })
  await verified('wanting-there', 'copied', { hours: 19, point: THERE, verdict: 'fail' })
  expect(await alertsFor('copied')).toEqual([])
  await failed('fails-before', 'copied', { hours: 25, point: SNAPSHOT })
  const told = (start: string) => [{ code: 'run-failed', message: expect.stringMatching(`^${start} did not come to a good end`) }]
  expect(await alertsFor('copied')).toEqual(told('fails-before'))
  await verified('stays-there', 'copied-too', { hours: 2, point: THERE, verdict: 'pass', status: 'needs-operator' })
  expect(await alertsFor('copied-too')).toEqual(told('stays-there'))
  await verified('hangs-there', 'copied-thrice', { hours: 13, point: THERE, verdict: 'pass', status: 'running' })
  expect(await alertsFor('copied-thrice')).toEqual(told('hangs-there'))
})

test('a copy in another region that is verified takes no turn from what is at home, and keeps it waiting while it goes on', async () => {
  await verified('proven-at-home', 'nightly', { hours: 40, point: SNAPSHOT, verdict: 'pass' })
  await verified('proven-there', 'nightly', { hours: 20, point: THERE, verdict: 'pass' })
  await begun('is-proven-there', 'nightly', { hours: 1, status: 'running', point: THERE })
  await verified('only-there', 'never-at-home', { hours: 20, point: THERE, verdict: 'pass' })
  const candidates = await fleetCandidates(it.ledger, [fleetEntry('nightly'), fleetEntry('never-at-home')], async () => true)
  expect(candidates.map(({ lastAt, running }) => [lastAt, running])).toEqual([
    [hoursAgo(40), 'is-proven-there'],
    [null, null],
  ])
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
  await verified('proves-there', 'planned', { hours: 15, point: THERE, verdict: 'pass' })
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
