/** Restores that are disturbed: under writers, by deaths of the worker, by aborts, by a cloud that has no room or somebody else's resource, and of a
 *  subscriber whose original is down. One stack for all. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateDBInstanceCommand, DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds'
import { RESTORE_STEPS } from '../../contracts/restore'
import { audit } from '../support/auditor'
import { labDoor } from '../support/lab'
import { isAt, migrating } from '../support/migrating'
import { fillItems, moment, RestoreDesk } from '../support/restores'
import { FIRST, ROWS } from '../support/target'

/** A worker's death is noticed soon. */
const SOON = { CAPSTAN_HEARTBEAT_TIMEOUT_MS: '2000', CAPSTAN_WORKFLOW_TASK_TIMEOUT_MS: '3000' }

const it = migrating(() => ({ env: { CAPSTAN_LAB_PROFILE: 'instant' } }))
let desk: RestoreDesk
let fleet: string
let rds: RDSClient
beforeAll(() => {
  desk = new RestoreDesk(it.capstan, () => fleet, SOON)
  const { stack } = it.capstan
  rds = new RDSClient({ region: 'us-east-1', endpoint: stack.endpoints.labApi, credentials: stack.lab.aws })
})
beforeEach(async () => {
  fleet = it.target.fleet(FIRST)
  await fillItems(it.target)
})

const steps = Object.values(RESTORE_STEPS).map(({ id }) => [id, 'done'])
const items = 'SELECT count(*)::int AS n FROM public.items'
const removed = async (operation: string): Promise<void> => {
  await desk.remove(operation)
  await it.until('the copy to be gone', async () => (await it.target.tagged(operation)).length === 0)
}

interface Written {
  readonly id: number
  readonly sentMs: number
  readonly ackedMs: number
}

/** Two applications that write without a pause and remember when each commit was sent, and when they were told of it. */
function startJournals(): { readonly written: readonly Written[]; stop(): Promise<void> } {
  const written: Written[] = []
  let stopped = false
  const loop = async (): Promise<void> => {
    const session = await it.target.app()
    while (!stopped) {
      const sentMs = Date.now()
      const [row] = await session.query<{ id: number }>(`INSERT INTO public.items (name) VALUES ('written') RETURNING id`)
      if (row !== undefined) written.push({ id: row.id, sentMs, ackedMs: Date.now() })
      await sleep(1)
    }
    await session.close()
  }
  const loops = [loop(), loop()]
  return {
    written,
    async stop() {
      stopped = true
      await Promise.all(loops)
    },
  }
}

test('under writers, exactly the commits acknowledged before the moment are in the copy, and none that was sent after it', async () => {
  const journals = startJournals()
  const targets: number[] = []
  await it.until('commits', async () => journals.written.length > 10)
  for (const pauseMs of [173, 41, 307]) {
    await sleep(pauseMs)
    targets.push(Date.now())
  }
  const sofar = journals.written.length
  await it.until('more commits', async () => journals.written.length > sofar + 10)
  for (const [n, atMs] of targets.entries()) {
    const operation = `moment-${n}`
    const { operation: ended } = await desk.restoreTo(operation, new Date(atMs).toISOString(), '--keep', '1h')
    expect(ended).toMatchObject({ status: 'succeeded', verdict: 'pass' })
    const rows = await desk.ask<{ id: number }>(operation, `SELECT id FROM public.items WHERE name = 'written'`)
    const found = new Set(rows.map(({ id }) => id))
    const before = journals.written.filter(({ ackedMs }) => ackedMs < atMs)
    expect(before.length).toBeGreaterThan(0)
    expect(before.filter(({ id }) => !found.has(id))).toEqual([])
    const after = journals.written.filter(({ sentMs }) => sentMs > atMs)
    expect(after.length).toBeGreaterThan(0)
    expect(after.filter(({ id }) => found.has(id))).toEqual([])
    await removed(operation)
  }
  await journals.stop()
})

test('the worker killed at one boundary after another: one copy, and the record of an undisturbed run', async () => {
  const at = await moment()
  await desk.reach('killed', at)
  const since = await labDoor(it.capstan).mark()
  const boundaries = [
    'planRestore#1:after',
    'startCopy#1:before',
    'startCopy#1:after',
    'awaitInstance#1:result',
    'startTakeover#1:after',
    'proveInert#1:before',
    'checkCopy#1:after',
    'writeEvidence#1:after',
  ]
  const deaths = it.capstan.deaths()
  for (const boundary of boundaries) it.capstan.arm(boundary)
  const { operation } = await desk.restore('killed', '--to', at, '--keep', '1h')
  expect(boundaries.filter((boundary) => it.capstan.disarm(boundary))).toEqual([])
  expect(it.capstan.deaths()).toBe(deaths + boundaries.length)
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(operation.steps.map(({ id, state }) => [id, state])).toEqual(steps)
  expect(await desk.ask('killed', items)).toEqual([{ n: ROWS }])
  const wrong = await audit(it, { operation: 'killed', acknowledged: [1], since })
  expect(wrong).toEqual([])

  it.capstan.arm('awaitCanaryRemoval#1:after')
  await removed('killed')
  await it.until('the list to be empty', async () => (await desk.list()).length === 0)
})

test('an abort while the copy is being made leaves nothing', async () => {
  const door = labDoor(it.capstan)
  const at = await moment()
  await desk.reach('aborted', at)
  await door.order({ kind: 'throttle', operation: 'ModifyDBInstance', times: 1000 })
  const ended = desk.begin('aborted', '--to', at)
  await it.until('the copy', async () => (await it.target.tagged('aborted')).length > 0)
  expect((await desk.cli('ops', 'abort', 'aborted', '--by', 'bob')).code).toBe(0)
  expect((await ended).code).toBe(7)
  await door.withdrawAll()
  const { steps: left } = await it.operation('aborted')
  expect(left.find(({ id }) => id === 'copy')?.state).toBe('undone')
  expect(await it.target.tagged('aborted')).toEqual([])
  expect(await desk.list()).toEqual([])
  expect(await it.locked()).toBe(false)
})

test('a cloud without room is asked again, which whoever watches is told; an abort ends that and leaves nothing', async () => {
  const door = labDoor(it.capstan)
  const at = await moment()
  await desk.reach('no-room', at)
  const code = 'InsufficientDBInstanceCapacity'
  const fault = await door.order({ kind: 'fail', operation: 'RestoreDBInstanceToPointInTime', code, times: 1000 })
  const ended = desk.begin('no-room', '--to', at)
  await it.until('it to be asked again', async () => (await door.struck(fault)) >= 6)
  expect((await desk.cli('ops', 'abort', 'no-room', '--by', 'bob')).code).toBe(0)
  const { code: exit, stderr } = await ended
  expect([exit, stderr]).toEqual([7, expect.stringContaining('of startCopy; the last one: ')])
  await door.withdrawAll()
  expect(await it.target.tagged('no-room')).toEqual([])
})

test('a restore whose workflow somebody terminated leaves a copy that can be told to go', async () => {
  const door = labDoor(it.capstan)
  const at = await moment()
  await desk.reach('ended', at)
  await door.order({ kind: 'throttle', operation: 'ModifyDBInstance', times: 1000 })
  await desk.begin('ended', '--to', at, '--no-wait')
  await it.until('the copy', async () => (await it.target.tagged('ended')).length > 0)
  await it.capstan.temporal.workflow.getHandle('ended').terminate()
  await door.withdrawAll()
  const early = await desk.cli('restore', 'remove', 'ended', '--json')
  expect(JSON.parse(early.stdout)).toMatchObject({
    error: { code: 'NOT_READY_YET', message: expect.stringContaining('ops abort') },
  })
  expect((await desk.cli('ops', 'abort', 'ended', '--close-record')).code).toBe(0)
  expect((await desk.list()).map(({ operation, address }) => [operation, address])).toEqual([['ended', null]])
  await removed('ended')
})

test("a name that is somebody else's is refused, and what bears it is left alone", async () => {
  const name = 'cap-taken-copy'
  await rds.send(
    new CreateDBInstanceCommand({
      ...{ DBInstanceIdentifier: name, DBInstanceClass: 'db.t4g.micro', Engine: 'postgres', AllocatedStorage: 20 },
      ...{ MasterUsername: 'boss', MasterUserPassword: it.capstan.stack.secrets.shopAdmin },
    }),
  )
  const { code, operation } = await desk.restoreTo('taken', await moment())
  expect(code).toBe(3)
  expect(operation.failure).toMatchObject({ code: 'RESOURCE_NOT_OURS', message: expect.stringContaining(name) })
  const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: name }))
  expect(DBInstances).toHaveLength(1)
})

test('a copy that a check says no to is told, and stays to be looked at', async () => {
  await it.rows(`UPDATE public.items SET name = '' WHERE id = 7`)
  const at = await moment()
  const { code, operation } = await desk.restoreTo('says-no', at)
  expect(code).toBe(1)
  expect(operation).toMatchObject({ status: 'failed', verdict: 'fail', failure: null })
  expect(await desk.ask('says-no', `SELECT id FROM public.items WHERE name = ''`)).toEqual([{ id: 7 }])
  await removed('says-no')
})

test('a migrator whose password has changed since then is no hindrance: the master looks instead', async () => {
  const { secrets } = it.capstan.stack
  await it.rows(`ALTER ROLE stock_migrator PASSWORD 'as-it-was-then'`)
  const at = await moment()
  await it.rows(`ALTER ROLE stock_migrator PASSWORD '${secrets.shopMigrator}'`)
  const { operation } = await desk.restoreTo('rotated', at)
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  expect(operation.steps.find(({ id }) => id === 'check')?.detail.summary).toContain('as stock_admin, since stock_migrator had')
  await removed('rotated')
})

test('an instance on which another operation works is not restored meanwhile, and the holder is named', async () => {
  await it.target.reset()
  const { ended } = it.begin(it.target.fleet({ ...FIRST, 'V2__more.sql': 'SELECT 1;' }, '      approval: required'), 'holds-lock')
  await it.until('the lock', async () => isAt(await it.capstan.ledger.getOperation('holds-lock'), 'lock', 'done'))
  const { code, operation } = await desk.restore('second', '--to', '2026-01-01')
  expect(code).toBe(3)
  expect(operation.failure).toMatchObject({ code: 'INSTANCE_LOCKED', message: expect.stringContaining('holds-lock') })
  await desk.cli('ops', 'abort', 'holds-lock', '--by', 'bob')
  await ended
})
