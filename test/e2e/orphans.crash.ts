/** Copies that nobody cares for any more are found and removed, by hand and by the clock, whoever dies meanwhile, and no other one is. */
import { join } from 'node:path'
import {
  AddTagsToResourceCommand,
  DescribeDBInstancesCommand,
  DescribeDBParameterGroupsCommand,
  RDSClient,
  RestoreDBInstanceFromDBSnapshotCommand,
} from '@aws-sdk/client-rds'
import { temporaryName } from '../../contracts/operation'
import type { Orphans, Sweep } from '../../contracts/orphans'
import { retirementOf } from '../../contracts/restore'
import { capstan } from '../client/recorded-io'
import { recordHistory } from '../support/histories'
import { labDoor } from '../support/lab'
import { migrating } from '../support/migrating'
import { FIRST } from '../support/target'
import { giveRows } from '../support/verifying'

const it = migrating(() => ({ env: { CAPSTAN_LAB_PROFILE: 'instant' } }))
jest.setTimeout(300_000)
/** A worker's death is noticed soon. */
const SOON = { CAPSTAN_HEARTBEAT_TIMEOUT_MS: '3000' }
const COPY = temporaryName('lost-copy', 'copy')

let rds: RDSClient
let fleet: string
beforeAll(() => {
  const { stack } = it.capstan
  rds = new RDSClient({ region: 'us-east-1', endpoint: stack.endpoints.labApi, credentials: stack.lab.aws })
  fleet = it.target.fleet(FIRST)
})

/** In this process: a program of its own for each command would take most of the time. */
async function run(...words: string[]): Promise<{ code: number; json: unknown; err: string }> {
  const env = { CAPSTAN_STATE_DIR: join(it.capstan.dir, 'state'), ...SOON }
  const { exit, json, err } = await capstan([...words, '--fleet', fleet, '--json'], { env })
  return { code: exit, json, err }
}

async function orphans(...more: string[]): Promise<{ code: number; standings: Record<string, string>; found: Orphans }> {
  const { code, json, err } = await run('ops', 'orphans', ...more)
  expect(err).toBe('')
  const found = json as Orphans
  return { code, found, standings: Object.fromEntries(found.instances.map(({ name, standing }) => [name, standing])) }
}

async function isReady(id: string): Promise<boolean> {
  const { DBInstances = [] } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: id }))
  return DBInstances[0]?.DBInstanceStatus === 'available'
}

/** As somebody else may have made it: under a name like ours. */
async function madeByOthers(id: string, tags: Readonly<Record<string, string>>): Promise<void> {
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
  const DBSnapshotIdentifier = temporaryName('backed-up', 'take')
  await rds.send(new RestoreDBInstanceFromDBSnapshotCommand({ DBInstanceIdentifier: id, DBSnapshotIdentifier, Tags }))
  await it.until(`${id} to be ready`, () => isReady(id))
}

/** As if Temporal had been lost, and the time that it is kept for had passed since. */
async function forsake(operation = 'lost-copy'): Promise<void> {
  const copy = temporaryName(operation, 'copy')
  await it.capstan.temporal.workflow.getHandle(retirementOf(copy)).terminate('lost')
  const expiresAt = '2026-01-31T12:00:00.000Z'
  const [resource] = await it.capstan.ledger.listResources({ operation })
  if (resource === undefined) throw new Error('the ledger does not know the copy')
  await it.capstan.ledger.recordResource({ ...resource, expiresAt })
  const { DBInstances = [] } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: copy }))
  const Tags = [{ Key: 'capstan-expires', Value: expiresAt }]
  await rds.send(new AddTagsToResourceCommand({ ResourceName: DBInstances[0]?.DBInstanceArn, Tags }))
}

test('a copy whose time is over and whose retirement was lost is removed; what is kept, and what others made, stays', async () => {
  await giveRows(it.target)
  expect(await run('snapshot', 'stock', '--operation', 'backed-up')).toMatchObject({ code: 0 })
  const restored = await run('restore', 'stock', '--snapshot', temporaryName('backed-up', 'take'), '--operation', 'lost-copy')
  expect(restored).toMatchObject({ code: 0, json: { status: 'succeeded' } })
  expect(await orphans()).toMatchObject({ code: 0, standings: { [COPY]: 'kept' } })

  await madeByOthers('cap-nobody-copy', { 'capstan-operation': 'nobody', 'capstan-step': 'copy' })
  await madeByOthers('cap-lost-copy-other', {})
  await forsake()
  const others = { 'cap-nobody-copy': 'unknown-operation', 'cap-lost-copy-other': 'not-ours' }
  expect(await orphans()).toMatchObject({ code: 1, standings: { ...others, [COPY]: 'orphan' } })
  expect(await run('ops', 'orphans', '--remove')).toMatchObject({ code: 2, json: { error: { code: 'OPTION_INVALID' } } })

  const deaths = it.capstan.deaths()
  it.capstan.arm('removeOrphan#1:after')
  const { code, found } = await orphans('--remove', '--yes')
  expect([it.capstan.disarm('removeOrphan#1:after'), it.capstan.deaths() - deaths]).toEqual([false, 1])
  expect(found.removals).toEqual([{ name: COPY, removed: true, standing: 'being-removed', failure: null }])
  expect(code).toBe(0)
  expect((await it.target.leftovers()).sort()).toEqual(Object.keys(others).sort())
  const { DBParameterGroups = [] } = await rds.send(new DescribeDBParameterGroupsCommand({}))
  expect(DBParameterGroups.map(({ DBParameterGroupName: name = '' }) => name).filter((name) => name.startsWith('cap-'))).toEqual(
    [],
  )
  const [resource] = await it.capstan.ledger.listResources({ operation: 'lost-copy' })
  expect(resource?.removedAt).not.toBeNull()
  expect(await orphans('--remove', '--yes')).toMatchObject({ code: 0, standings: others, found: { removals: [] } })
})

const PLACE = 'aws/000000000000/us-east-1'
const SWEPT = temporaryName('swept', 'copy')
const KEPT = temporaryName('kept-on', 'copy')

/** One run of the schedule to its end. */
async function swept(): Promise<Sweep> {
  const { ledger } = it.capstan
  const before = (await ledger.getSweep(PLACE))?.at
  const env = { CAPSTAN_STATE_DIR: join(it.capstan.dir, 'state') }
  // what is written down is so a moment before the run has ended
  await it.until('a run to begin', async () => (await capstan(['schedule', 'run', 'orphans', PLACE], { env })).exit === 0)
  let sweep: Sweep | null = null
  await it.until('the end of the run', async () => {
    sweep = await ledger.getSweep(PLACE)
    return sweep !== null && sweep.at !== before
  })
  if (sweep === null) throw new Error('nothing was written down')
  return sweep
}

const standingsOf = ({ instances }: Sweep) => Object.fromEntries(instances.map(({ name, standing }) => [name, standing]))

async function alerts(): Promise<{ code: number; codes: string[]; json: unknown }> {
  const { code, json } = await run('ops', 'orphans', '--report')
  const { places } = json as { places: { alerts: { code: string }[] }[] }
  return { code, json, codes: places.flatMap((one) => one.alerts.map((alert) => alert.code)) }
}

test('by the clock an orphan is found by one run and removed by the next; what cannot be removed, and what nobody removes, is an alert', async () => {
  fleet = it.target.fleet(FIRST, '', (yaml) => yaml.replace('version: 1\n', 'version: 1\norphans: { every: 6h }\n'))
  await giveRows(it.target)
  for (const operation of ['swept', 'kept-on']) {
    const restored = await run('restore', 'stock', '--snapshot', temporaryName('backed-up', 'take'), '--operation', operation)
    expect(restored).toMatchObject({ code: 0, json: { status: 'succeeded' } })
  }
  await forsake('swept')
  expect(await alerts()).toMatchObject({ code: 1, codes: ['not-swept'] })
  expect(await run('schedule', 'apply')).toMatchObject({ code: 0, json: { counts: { added: 1 } } })

  const others = { 'cap-nobody-copy': 'unknown-operation', 'cap-lost-copy-other': 'not-ours', [KEPT]: 'kept' }
  const first = await swept()
  expect(standingsOf(first)).toEqual({ ...others, [SWEPT]: 'orphan' })
  expect(first.removals).toEqual([])
  expect(await alerts()).toMatchObject({ code: 0, codes: [] })

  const lab = labDoor(it.capstan)
  const refusal = await lab.order({
    cloud: 'aws',
    kind: 'fail',
    operation: 'DeleteDBInstance',
    code: 'InvalidParameterCombination',
  })
  const second = await swept()
  expect(second.removals).toEqual([
    { name: SWEPT, removed: false, standing: 'orphan', failure: expect.stringContaining('CLOUD_REFUSED') },
  ])
  await lab.withdraw(refusal).catch(() => undefined)
  expect(await alerts()).toMatchObject({ code: 1, codes: ['removal-failed'] })
  const env = { CAPSTAN_STATE_DIR: join(it.capstan.dir, 'state') }
  const metrics = await capstan(['ops', 'orphans', '--report', '--prometheus', '--fleet', fleet], { env })
  expect(metrics.out).toContain(`capstan_orphans_alert{place="${PLACE}",code="removal-failed"} 1\n`)
  expect(metrics.out).toContain(`capstan_orphans_instances{place="${PLACE}",standing="orphan"} 1\n`)
  const list = await capstan(['schedule', 'list', '--place', PLACE, '--fleet', fleet], { env })
  expect(list.out).toMatch(/0 removed, 1 orphan left\n +cap-swept-copy is an orphan, costs, and could not be removed/)

  const deaths = it.capstan.deaths()
  it.capstan.arm('removeOrphan#1:after')
  const third = await swept()
  expect([it.capstan.disarm('removeOrphan#1:after'), it.capstan.deaths() - deaths]).toEqual([false, 1])
  expect(third.removals).toEqual([{ name: SWEPT, removed: true, standing: 'being-removed', failure: null }])
  expect(standingsOf(third)).toEqual(others)
  expect((await it.target.leftovers()).sort()).toEqual(Object.keys(others).sort())
  await recordHistory(it.capstan.temporal, third.run, 'sweep-orphans')
  expect(await alerts()).toMatchObject({ code: 0, codes: [] })

  // a day later they are there still
  const since = new Date(Date.now() - 25 * 3_600_000).toISOString()
  await it.capstan.ledger.putSweep({ ...third, instances: third.instances.map((one) => ({ ...one, since })) })
  const fourth = await swept()
  expect(fourth.instances.map((one) => one.since)).toEqual([since, since, since])
  expect(await alerts()).toMatchObject({ code: 1, codes: ['unclaimed', 'unclaimed'] })

  const denial = await lab.order({ cloud: 'aws', kind: 'fail', operation: 'DescribeDBInstances', code: 'AccessDenied' })
  const fifth = await swept()
  await lab.withdraw(denial).catch(() => undefined)
  expect(fifth).toMatchObject({
    failure: { code: 'CREDENTIALS_REJECTED' },
    listedAt: fourth.listedAt,
    instances: fourth.instances,
  })
  expect(await alerts()).toMatchObject({ code: 1, codes: ['sweep-failed', 'unclaimed', 'unclaimed'] })
})
