/** verify-backup disturbed: whatever happens, no copy is left, the lock is free, and the verdict is right. */
import { readFileSync, writeFileSync } from 'node:fs'
import type { FleetRun } from '../../client/verify-fleet'
import { recordHistory } from '../support/histories'
import { labDoor } from '../support/lab'
import { isAt, migrating } from '../support/migrating'
import { FIRST, ROWS } from '../support/target'
import { addressOfCopy, giveRows, killedAt, leftBy, onCopy, outcomeOf, verificationOf, verifyWith } from '../support/verifying'

const it = migrating(() => ({
  env: { CAPSTAN_LAB_PROFILE: 'instant', SHOP_APP_PASSWORD: 'app-password', SHOP_OLD_PASSWORD: 'of-old' },
}))

// A program for each command: a busy machine takes minutes.

let fleet: string
beforeAll(async () => {
  await giveRows(it.target)
  fleet = it.target.fleet(FIRST)
  const { code, stderr } = await it.capstan.capstan(['snapshot', 'stock', '--fleet', fleet, '--json', '--operation', 'backed-up'])
  expect([code, stderr]).toEqual([0, ''])
})

// One that a test before has edited lies in the same place.
beforeEach(() => {
  fleet = it.target.fleet(FIRST)
})

const verify = (operation: string, ...more: string[]) => verifyWith(it, { fleet, operation, more })

async function expectTidy(operation: string): Promise<void> {
  expect(await leftBy(it, operation)).toEqual([])
}

test('a backup that cannot be restored fails, and leaves nothing', async () => {
  await labDoor(it.capstan).order({ kind: 'fail-operation', operation: 'RestoreDBInstanceFromDBSnapshot', times: 1 })
  const { code, operation } = await verify('broken')
  expect(operation).toMatchObject({ status: 'failed', verdict: 'fail', failure: null })
  const verification = await verificationOf(it.capstan, 'broken')
  expect([outcomeOf(verification, 'exists'), outcomeOf(verification, 'answers')]).toEqual(['pass', 'fail'])
  expect(code).toBe(1)
  await expectTidy('broken')
})

/** The application's role, with the password of that variable. */
const withLogin = (variable: string): string =>
  it.target.fleet(FIRST, '', (yaml) => `${yaml}    verification: { logins: [{ user: stock_app, secret: "env:${variable}" }] }\n`)

test('rows deleted in the copy and a password changed since: the verdict is fail', async () => {
  await giveRows(it.target)
  const deaths = it.capstan.deaths()
  // the worker dies right before the rungs that read rows, and somebody is at the copy meanwhile
  it.capstan.arm('checkContent#1:before')
  fleet = withLogin('SHOP_OLD_PASSWORD')
  const ended = verify('control')
  await it.until('the death', async () => it.capstan.deaths() > deaths)
  const session = await onCopy(it.capstan, 'control', await addressOfCopy(it.capstan, 'control'))
  await session.execute('DELETE FROM public.items')
  await session.close()
  const { code, operation } = await ended
  expect(operation).toMatchObject({ status: 'failed', verdict: 'fail', failure: null })
  const verification = await verificationOf(it.capstan, 'control')
  expect([outcomeOf(verification, 'content'), outcomeOf(verification, 'use')]).toEqual(['fail', 'fail'])
  const use = verification.ladder.find(({ id }) => id === 'use')
  expect(use?.findings).toContainEqual({ rule: 'login:stock_app', message: expect.stringContaining('cannot log in on the copy') })
  // What found damage by itself is shown none.
  expect(verification.controls).toEqual([])
  expect(await it.rows('SELECT count(*) AS n FROM public.items')).toEqual([{ n: ROWS }])
  expect(code).toBe(1)
  await expectTidy('control')
})

// every boundary: test/crash/verify-backup.nightly.ts
test.each([
  'startCopy#1:after',
  'challengeContent#1:after',
  'recordVerification#1:after',
  'startCanaryRemoval#1:after',
  'releaseLock#1:before',
])('the worker dies at %s: one copy was made, proven and removed', async (failpoint) => {
  expect(await killedAt(it, { fleet, failpoint })).toEqual([])
})

test('a fleet is verified in turns, within its budget, and a run that was told to end with the report does', async () => {
  fleet = withLogin('SHOP_APP_PASSWORD')
  const another = readFileSync(fleet, 'utf8').replace(/^ {2}- name: stock\n[\s\S]*/m, (entry) =>
    [entry, entry.replace('name: stock\n', 'name: another\n')].join(''),
  )
  writeFileSync(fleet, `${another}verification: { restoresPerRun: 1 }\n`)
  const night = async () => {
    const { code, stdout, stderr } = await it.capstan.capstan(['verify-backup', '--all', '--json', '--fleet', fleet])
    if (!stdout.includes('"runs"')) throw new Error(`exit ${code}: ${stdout}${stderr}`)
    return { code, ...(JSON.parse(stdout) as { runs: FleetRun[]; left: { database: string }[] }) }
  }
  // Never verified under this name, it comes before one that was; where neither was, the names decide.
  const first = await night()
  expect(first.runs).toMatchObject([{ database: 'another', status: 'succeeded', verdict: 'pass' }])
  expect(first.left).toMatchObject([{ database: 'stock' }])
  const second = await night()
  expect(second.runs).toMatchObject([{ database: 'stock', verdict: expect.any(String) }])
  for (const { operation } of [...first.runs, ...second.runs]) await expectTidy(operation ?? '')
})

test('an abort while the copy is taken over leaves none', async () => {
  const door = labDoor(it.capstan)
  const fault = await door.order({ kind: 'throttle', operation: 'ModifyDBInstance', times: 1_000 })
  const ended = verify('aborted')
  await it.until('the copy', async () => (await it.target.tagged('aborted')).length > 0)
  await it.until('the step', async () => isAt(await it.capstan.ledger.getOperation('aborted'), 'copy', 'running'))
  const workflow = it.capstan.temporal.workflow.getHandle('aborted')
  await workflow.executeUpdate('abort', { args: [{ by: 'bob', reason: 'too dear' }] })
  await door.withdraw(fault)
  const { code, operation } = await ended
  expect(operation).toMatchObject({ status: 'aborted', verdict: null })
  expect(operation.steps.find(({ id }) => id === 'copy')?.state).toBe('undone')
  expect(code).toBe(7)
  await expectTidy('aborted')
  await recordHistory(it.capstan.temporal, 'aborted', 'verify-backup-aborted')
})

test('one that takes longer than it may ends, and its copy is removed', async () => {
  const door = labDoor(it.capstan)
  const fault = await door.order({ kind: 'throttle', operation: 'ModifyDBInstance', times: 1_000 })
  const ended = verify('too-long', '--within', '10s')
  await it.until(
    'the time-out',
    async () =>
      isAt(await it.capstan.ledger.getOperation('too-long'), 'copy', 'undoing') ||
      isAt(await it.capstan.ledger.getOperation('too-long'), 'copy', 'undone'),
  )
  await door.withdraw(fault)
  const { code, operation } = await ended
  expect(operation).toMatchObject({ status: 'failed', verdict: null, failure: { code: 'VERIFICATION_TIMED_OUT' } })
  expect(code).toBe(3)
  await expectTidy('too-long')
})

test('a second verification at the same time is refused, and a migration is not', async () => {
  const door = labDoor(it.capstan)
  const fault = await door.order({ kind: 'throttle', operation: 'ModifyDBInstance', times: 1_000 })
  const ended = verify('first-one')
  await it.until('the lock', async () => isAt(await it.capstan.ledger.getOperation('first-one'), 'copy', 'running'))
  const second = await verify('second-one')
  expect(second).toMatchObject({ code: 3, operation: { failure: { code: 'INSTANCE_LOCKED' } } })
  expect(second.operation.failure?.message).toContain('first-one')
  expect(await it.locked()).toBe(false)
  await door.withdraw(fault)
  expect((await ended).operation).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  await expectTidy('first-one')
})
