/** Copies that nobody cares for any more are found and removed, whoever dies meanwhile, and no other one is. */
import { join } from 'node:path'
import {
  AddTagsToResourceCommand,
  DescribeDBInstancesCommand,
  DescribeDBParameterGroupsCommand,
  RDSClient,
  RestoreDBInstanceFromDBSnapshotCommand,
} from '@aws-sdk/client-rds'
import { temporaryName } from '../../contracts/operation'
import type { Orphans } from '../../contracts/orphans'
import { retirementOf } from '../../contracts/restore'
import { capstan } from '../client/recorded-io'
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
async function forsake(): Promise<void> {
  await it.capstan.temporal.workflow.getHandle(retirementOf(COPY)).terminate('lost')
  const expiresAt = '2026-01-31T12:00:00.000Z'
  const [resource] = await it.capstan.ledger.listResources({ operation: 'lost-copy' })
  if (resource === undefined) throw new Error('the ledger does not know the copy')
  await it.capstan.ledger.recordResource({ ...resource, expiresAt })
  const { DBInstances = [] } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: COPY }))
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
