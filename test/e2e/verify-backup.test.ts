import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { VerificationStanding } from '../../client/verification-report'
import type { OperationDocument } from '../../contracts/operation'
import { VERIFY_BACKUP_DOCUMENTS, VERIFY_BACKUP_STEPS, type Verification } from '../../contracts/verify-backup'
import { type CliRun, capstan } from '../client/recorded-io'
import { recordHistory } from '../support/histories'
import { labDoor } from '../support/lab'
import { migrating } from '../support/migrating'
import { FIRST, ROWS } from '../support/target'
import { expectLadder, giveRows, verificationOf, verifying } from '../support/verifying'

const it = migrating(() => ({ env: { CAPSTAN_LAB_PROFILE: 'instant', SHOP_APP_PASSWORD: 'app-password' } }))
// A restore and its removal in a test: a busy machine takes longer than the usual minute.
const OBJECTIVES = (yaml: string) => `${yaml}    objectives: { rpo: 1h, rto: 10m, verifyEvery: 1d }\n`
/** The application's own role, and what it must be able to read. */
const LOGIN = (yaml: string) =>
  `${yaml}    verification: { logins: [{ user: stock_app, secret: "env:SHOP_APP_PASSWORD", sql: SELECT name FROM items }] }\n`
const fleetOf = (edit = OBJECTIVES) => it.target.fleet(FIRST, '', edit)

/** In this process: a program of its own for each command would take most of the time. */
function typed(args: readonly string[]): Promise<CliRun> {
  const { stack, dir } = it.capstan
  const { temporal, ledgerUrl, labApi } = stack.endpoints
  return capstan(args, {
    env: {
      CAPSTAN_STATE_DIR: join(dir, 'state'),
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: temporal.namespace,
      CAPSTAN_LEDGER_URL: ledgerUrl,
      CAPSTAN_LAB_API: labApi,
    },
  })
}

async function verify(
  operation: string,
  more: readonly string[],
  fleet = fleetOf(),
): Promise<{ code: number; operation: OperationDocument; plan?: unknown }> {
  const args = ['verify-backup', 'stock', '--fleet', fleet, '--json', '--operation', operation, ...more]
  const { exit, json } = await typed(args)
  const document = json as OperationDocument & { plan?: unknown }
  return { code: exit, operation: document, plan: document.plan }
}

async function takeSnapshot(operation: string): Promise<string> {
  const { exit, err } = await typed(['snapshot', 'stock', '--fleet', fleetOf(), '--json', '--operation', operation])
  expect([exit, err]).toEqual([0, ''])
  return `cap-${operation}-take`
}

/** Whatever became of it. */
async function expectTidy(): Promise<void> {
  expect(await it.target.leftovers()).toEqual([])
  expect(await verifying(it.capstan, it.target)).toBe(false)
}

function states({ steps }: OperationDocument): string[] {
  return steps.map(({ id, state }) => `${id} ${state}`)
}

test('without a snapshot there is nothing to verify, and the plan says what to do', async () => {
  const { code, operation } = await verify('none', [])
  expect(operation).toMatchObject({ status: 'failed', failure: { code: 'SNAPSHOT_NOT_FOUND' } })
  expect(operation.failure?.message).toContain('take one with "capstan snapshot"')
  expect(code).toBe(3)
  await expectTidy()
})

test('the newest snapshot is restored, proven rung by rung, and its copy removed', async () => {
  await giveRows(it.target)
  const snapshot = await takeSnapshot('backed-up')
  const { code, operation } = await verify(
    'proves',
    [],
    fleetOf((yaml) => LOGIN(OBJECTIVES(yaml))),
  )
  const verification = await verificationOf(it.capstan, 'proves')
  expectLadder(verification, ['exists pass', 'answers pass', 'reached not-proven', 'intact pass', 'content pass', 'use pass'])
  expect(verification).toMatchObject({ verdict: 'pass', proven: true, point: { kind: 'snapshot', snapshot } })
  expect(verification.controls).toEqual([
    { rung: 'content', outcome: 'noticed', summary: 'L4: a row of public.items deleted in the copy: noticed' },
  ])
  const use = verification.ladder.find(({ id }) => id === 'use')
  expect(use?.summary).toContain('stock_app logs in and may do what is declared')
  expect(operation).toMatchObject({ kind: 'verify-backup', status: 'succeeded', verdict: 'pass', failure: null })
  expect(code).toBe(0)
  const steps = Object.values(VERIFY_BACKUP_STEPS).filter(({ id }) => id !== 'beat' && id !== 'reached')
  expect(states(operation)).toEqual(steps.map(({ id }) => `${id} done`))
  const { rto, rpoMs } = verification
  expect(rto).toMatchObject({ totalMs: (rto?.provisionMs ?? 0) + (rto?.verifyMs ?? 0) })
  expect(rpoMs).toBeGreaterThanOrEqual(0)
  await expectTidy()
  await recordHistory(it.capstan.temporal, 'proves', 'verify-backup')

  const html = join(it.capstan.dir, 'evidence.html')
  expect((await typed(['ops', 'evidence', 'proves', '--html', html])).exit).toBe(0)
  const page = readFileSync(html, 'utf8')
  for (const part of ['The proof ladder', 'L4: a row of public.items deleted in the copy: noticed', 'proves, this run']) {
    expect(page.replace(/<[^>]*>/g, '')).toContain(part)
  }
})

test('a copy in which the database is not is a verdict on the backup, and no failure of the operation', async () => {
  const fleet = fleetOf((yaml) => yaml.replace('database: stock\n', 'database: depot\n'))
  const { code, operation } = await verify('without', [], fleet)
  expect(operation).toMatchObject({ status: 'failed', verdict: 'fail', failure: null })
  const { ladder } = await verificationOf(it.capstan, 'without')
  expect(ladder.find(({ id }) => id === 'answers')).toMatchObject({
    outcome: 'fail',
    findings: [{ rule: 'answers:no-database', message: expect.stringContaining('There is no database depot') }],
  })
  expect(code).toBe(1)
  await expectTidy()
})

test('a moment between two heartbeats is reached: what was committed after it is not there', async () => {
  await giveRows(it.target)
  const { code, operation } = await verify('moment', ['--at', 'now'])
  const verification = await verificationOf(it.capstan, 'moment')
  expectLadder(verification, ['exists pass', 'answers pass', 'reached pass', 'intact pass', 'content pass', 'use pass'])
  expect(verification.controls?.map(({ rung, outcome }) => `${rung} ${outcome}`)).toEqual(['reached noticed', 'content noticed'])
  // The damage was done to the copy alone.
  expect(await it.rows('SELECT count(*) AS n FROM public.items')).toEqual([{ n: ROWS }])
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  expect(code).toBe(0)
  await expectTidy()
  await recordHistory(it.capstan.temporal, 'moment', 'verify-backup-moment')
})

/** Of the database `swapped`, as an operation leaves it. */
async function recordVerification(
  operation: string,
  at: string,
  came: Pick<Verification, 'instanceId' | 'proven' | 'verdict'>,
): Promise<void> {
  const { ledger } = it.capstan
  const { bundle } = await ledger.getOrigin('moment')
  const about = { kind: 'verify-backup', databases: ['swapped'], cloud: 'aws', environment: 'test', mode: 'apply' } as const
  await ledger.openOperation({ id: operation, ...about, requestedBy: 'ada', startedAt: at, bundle })
  const like = await verificationOf(it.capstan, 'moment')
  const document: Verification = { ...like, operation, database: 'swapped', judgedAt: at, ...came }
  await ledger.putDocument({ operation, name: VERIFY_BACKUP_DOCUMENTS.verification, document })
}

test('the report tells of the whole fleet, and a proof that is too old is exit 1', async () => {
  const report = async (fleet: string): Promise<{ code: number; databases: VerificationStanding[] }> => {
    const { exit, json } = await typed(['verify-backup', '--all', '--report', '--json', '--fleet', fleet])
    return { code: exit, databases: (json as { databases: VerificationStanding[] }).databases }
  }
  const fresh = await report(fleetOf())
  // The snapshot in which the database was not is still the newest that was verified.
  const alerts = [{ code: 'verdict-fail', message: 'without found its backup wanting.' }]
  expect(fresh).toMatchObject({
    code: 1,
    databases: [{ database: 'stock', stale: false, last: { operation: 'moment', verdict: 'pass' }, alerts }],
  })
  const never = await report(fleetOf((yaml) => OBJECTIVES(yaml.replace('name: stock\n', 'name: stick\n'))))
  expect(never).toMatchObject({ code: 1, databases: [{ database: 'stick', stale: true, last: null, provenAt: null }] })
  // Of an instance that was replaced since, by another of that name.
  await recordVerification('proves-old', '2026-11-27T03:00:00.000Z', { instanceId: 'db-OLD', proven: true, verdict: 'pass' })
  const swapped = fleetOf((yaml) => OBJECTIVES(yaml.replace('name: stock\n', 'name: swapped\n')))
  expect((await report(swapped)).databases).toMatchObject([{ provenAt: expect.any(String), provenPoint: { kind: 'moment' } }])
  await recordVerification('proves-new', '2026-11-28T03:00:00.000Z', {
    instanceId: 'db-NEW',
    proven: false,
    verdict: 'inconclusive',
  })
  expect((await report(swapped)).databases).toMatchObject([{ provenAt: null, stale: true, last: { operation: 'proves-new' } }])
  expect(never.databases[0]?.alerts.map(({ code }) => code)).toEqual(['never-proven'])
  const metrics = await typed(['verify-backup', '--all', '--report', '--prometheus', '--fleet', fleetOf()])
  expect(metrics.out).toMatch(/^capstan_backup_verdict\{database="stock",environment="[a-z]+",verdict="pass"\} 1$/m)
  const page = await typed(['verify-backup', '--all', '--report', '--fleet', fleetOf()])
  expect(page.out).toMatch(/stock +[\d.]+ \w+.* ago +every 24 h +\S+ +\S+ +pass/)
})

test('a plan shows the point, its cost and its promises, and restores nothing', async () => {
  const mark = await labDoor(it.capstan).mark()
  const { code, operation, plan } = await verify('only-plan', ['--plan', '--random'])
  expect(operation.status).toBe('planned')
  expect(plan).toMatchObject({
    point: { kind: 'moment' },
    copy: { name: 'cap-only-plan-copy', sizeGib: 20 },
    inertCopy: 'before-first-start',
  })
  expect(code).toBe(0)
  expect((await labDoor(it.capstan).calls(mark)).filter(({ effect }) => effect)).toEqual([])
  const page = await typed(['verify-backup', 'stock', '--fleet', fleetOf(), '--plan'])
  expect(page.out).toMatch(/L4 .*against the manifests of backed-up/)
  // Another database of that instance: the snapshot is of it as well, and the manifests are not.
  const depot = fleetOf((yaml) => yaml.replace('database: stock\n', 'database: depot\n'))
  const other = await verify('plan-depot', ['--plan'], depot)
  expect(other.plan).toMatchObject({
    takenBy: null,
    rungs: expect.arrayContaining([expect.objectContaining({ id: 'content', promised: false })]),
  })
})

test.each([
  [
    'a moment before the window',
    ['--at', '2020-01-31T12:00:00Z'],
    'MOMENT_OUT_OF_REACH',
    /the log of stock does not hold 2020\S+ it can be restored to any moment from 20\S+Z to 20\S+Z/i,
  ],
  [
    'a snapshot that is not there',
    ['--snapshot', 'cap-nobody-take'],
    'SNAPSHOT_NOT_FOUND',
    /no snapshot cap-nobody-take; "capstan snapshot list" shows/,
  ],
])('%s is refused, and nothing is made', async (_what, more, code, message) => {
  const id = `bad-${code.slice(0, 4).toLowerCase()}`
  const { code: found, operation } = await verify(id, more)
  expect(operation).toMatchObject({ status: 'failed', failure: { code, message: expect.stringMatching(message) } })
  expect(found).toBe(3)
  await expectTidy()
})

test('by the clock a snapshot and a moment take turns, and each run leaves heartbeats for the next', async () => {
  const schedule = (verb: string, ...more: string[]) => typed(['schedule', verb, 'verify-backup', 'stock', '--json', ...more])
  const run = async (): Promise<string> => {
    const { json } = await schedule('run')
    const { operation } = json as { operation: string }
    await it.until('the end of the run', async () => (await it.operation(operation)).finishedAt !== null)
    return operation
  }
  expect((await schedule('add', '--at', '04:00', '--fleet', fleetOf())).exit).toBe(0)
  // What a fleet's night would take first.
  const night = await typed(['verify-backup', '--all', '--plan', '--json', '--fleet', fleetOf()])
  expect(night).toMatchObject({ exit: 0, json: { chosen: ['stock'], left: [] } })
  const id = await run()
  expect(await it.operation(id)).toMatchObject({
    requestedBy: 'schedule:verify-backup/stock',
    status: 'succeeded',
    verdict: 'pass',
  })
  expect((await verificationOf(it.capstan, id)).point).toMatchObject({ kind: 'snapshot', snapshot: 'cap-backed-up-take' })
  const beats = await it.rows(`SELECT label FROM capstan.heartbeat WHERE operation = '${id}' ORDER BY id`)
  expect(beats).toEqual([{ label: 'before' }, { label: 'after' }])
  // Any moment of the window, also one at which there was no table yet.
  const next = await run()
  const { point, ladder } = await verificationOf(it.capstan, next)
  expect(point.kind).toBe('moment')
  expect(ladder.slice(0, 2).map(({ id: rung, outcome }) => `${rung} ${outcome}`)).toEqual(['exists pass', 'answers pass'])
  const { steps } = await it.operation(next)
  expect(steps.find(({ id: step }) => step === 'plan')?.detail.summary).toContain(
    'a moment’s turn, after a snapshot; drawn at random',
  )
  expect((await schedule('remove', '--yes')).exit).toBe(0)
  await expectTidy()
  await recordHistory(it.capstan.temporal, next, 'verify-backup-by-turns')
})
