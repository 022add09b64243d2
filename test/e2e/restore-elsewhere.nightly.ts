/** A copy of a snapshot is restored, looked at, verified and removed in its own region, and none of that asks the first one, which may be gone. */
import {
  AddTagsToResourceCommand,
  CreateDBSubnetGroupCommand,
  type DBInstance,
  DescribeDBInstancesCommand,
  DescribeDBParameterGroupsCommand,
  RDSClient,
  RestoreDBInstanceFromDBSnapshotCommand,
} from '@aws-sdk/client-rds'
import type { VerificationStanding } from '../../client/verification-report'
import { temporaryName } from '../../contracts/operation'
import type { Orphans } from '../../contracts/orphans'
import { RESTORE_STEPS, RETIRE_COPY_WORKFLOW, retirementOf } from '../../contracts/restore'
import { copyStepOf, type SnapshotList } from '../../contracts/snapshot'
import { type LabDoor, labDoor } from '../support/lab'
import { migrating } from '../support/migrating'
import { fillItems, RestoreDesk } from '../support/restores'
import { SnapshotDesk } from '../support/snapshots'
import { ELSEWHERE, FIRST, ROWS } from '../support/target'
import { expectLadder, verificationOf } from '../support/verifying'

// Several restores in one test: a busy machine takes longer than the usual minute.
jest.setTimeout(300_000)
/** A worker's death is noticed soon. */
const SOON = { CAPSTAN_HEARTBEAT_TIMEOUT_MS: '2000', CAPSTAN_WORKFLOW_TASK_TIMEOUT_MS: '3000' }
const [EU, AP] = ELSEWHERE
const HOME = 'us-east-1'
const CANARY = 'canary: { securityGroups: [sg-canary], instanceClass: db.t4g.small, subnetGroup: vault }'
const COPIES = `      snapshotCopies: [{ region: ${EU}, ${CANARY} }, { region: ${AP} }]\n`

const it = migrating(() => ({ env: { CAPSTAN_LAB_PROFILE: 'instant' } }))
let fleet: string
let door: LabDoor
let desk: RestoreDesk
let rds: Readonly<Record<string, RDSClient>>
let snapshots: Readonly<Record<string, SnapshotDesk>>
beforeAll(async () => {
  door = labDoor(it.capstan)
  desk = new RestoreDesk(it.capstan, () => fleet, SOON)
  const { stack } = it.capstan
  const clientIn = (region: string) => new RDSClient({ region, endpoint: stack.endpoints.labApi, credentials: stack.lab.aws })
  rds = Object.fromEntries([HOME, EU].map((region) => [region, clientIn(region)]))
  snapshots = Object.fromEntries([HOME, EU].map((region) => [region, new SnapshotDesk(it.capstan, region)]))
  const [SubnetIds, DBSubnetGroupName] = [['subnet-lab-a', 'subnet-lab-b'], 'vault']
  await rds[EU]!.send(new CreateDBSubnetGroupCommand({ DBSubnetGroupName, DBSubnetGroupDescription: 'closed', SubnetIds }))
})
beforeEach(() => {
  fleet = it.target.fleet(FIRST, COPIES)
})
afterEach(() => door.withdrawAll())

const copyOf = (operation: string, region: string = EU) => temporaryName(operation, copyStepOf(region))
const elsewhere = (operation = 'nightly') => ['--snapshot', copyOf(operation), '--region', EU]
const items = 'SELECT count(*)::int AS n FROM public.items'

async function instancesIn(region: string): Promise<DBInstance[]> {
  return (await rds[region]!.send(new DescribeDBInstancesCommand({}))).DBInstances ?? []
}

const namesIn = async (region: string): Promise<string[]> =>
  (await instancesIn(region)).map(({ DBInstanceIdentifier = '' }) => DBInstanceIdentifier).sort()

/** What copies leave behind there: parameter groups are theirs, too. */
async function leftIn(region: string): Promise<string[]> {
  const { DBParameterGroups = [] } = await rds[region]!.send(new DescribeDBParameterGroupsCommand({}))
  const groups = DBParameterGroups.map(({ DBParameterGroupName = '' }) => DBParameterGroupName)
  return [...(await namesIn(region)), ...groups].filter((name) => name.startsWith('cap-'))
}

async function take(operation: string): Promise<void> {
  const { code, stderr } = await desk.cli('snapshot', 'stock', '--fleet', fleet, '--json', '--operation', operation)
  expect([code, stderr]).toEqual([0, ''])
}

/** Whoever asks the first region anything hangs. */
const silenceHome = (): Promise<string> => door.order({ kind: 'hang', region: HOME, times: 100_000 })

test('a copy is restored in its region, checked and logged into, while the first one answers nobody and is asked nothing', async () => {
  await fillItems(it.target)
  await take('nightly')
  const silence = await silenceHome()
  const { code, operation } = await desk.restore('away', ...elsewhere(), '--keep', '2h')
  expect([code, operation.status, operation.verdict, operation.failure]).toEqual([0, 'succeeded', 'pass', null])
  expect(operation.steps.map(({ id, state }) => [id, state])).toEqual(Object.values(RESTORE_STEPS).map(({ id }) => [id, 'done']))
  expect(operation.steps.find(({ id }) => id === 'check')?.detail.summary).toContain('the instance could not be asked')
  expect(await desk.ask('away', items)).toEqual([{ n: ROWS }])
  expect(await desk.list()).toEqual([
    expect.objectContaining({ operation: 'away', point: expect.objectContaining({ snapshot: copyOf('nightly'), region: EU }) }),
  ])
  const { stdout } = await desk.cli('restore', 'list')
  expect(stdout).toContain(`snapshot ${copyOf('nightly')} in ${EU}`)
  expect(await door.struck(silence)).toBe(0)
})

test('it has what the fleet file names for that region, and its tags and its plan say whose it is', async () => {
  const [copy] = await instancesIn(EU)
  expect(copy).toMatchObject({
    ...{ DBInstanceIdentifier: 'cap-away-copy', DBInstanceClass: 'db.t4g.small', PubliclyAccessible: false },
    DBSubnetGroup: { DBSubnetGroupName: 'vault' },
    VpcSecurityGroups: [{ VpcSecurityGroupId: 'sg-canary' }],
  })
  const tags = Object.fromEntries((copy?.TagList ?? []).map(({ Key = '', Value = '' }) => [Key, Value]))
  expect(tags).toMatchObject({ 'capstan-operation': 'away', 'capstan-step': 'copy' })
  expect(await namesIn(HOME)).toEqual(['stock'])
  const { stdout } = await desk.cli('ops', 'evidence', 'away', '--json')
  const { document } = JSON.parse(stdout) as { document: { documents: Record<string, unknown> } }
  expect(document.documents['restore-plan']).toMatchObject({
    ...{ copy: 'cap-away-copy', instance: 'stock', networkRules: ['sg-canary'], subnetGroup: 'vault' },
    point: { kind: 'snapshot', snapshot: copyOf('nightly'), region: EU },
  })
})

test('it is kept longer, and removed there by its retirement, without a word from the first region', async () => {
  const silence = await silenceHome()
  const kept = await desk.cli('restore', 'keep', 'away', '--for', '7d', '--json')
  expect([kept.code, (await desk.list())[0]?.until]).toEqual([0, JSON.parse(kept.stdout).until])
  await desk.remove('away')
  await it.capstan.temporal.workflow.getHandle(retirementOf('cap-away-copy')).result()
  expect([await leftIn(EU), await desk.list(), await door.struck(silence)]).toEqual([[], [], 0])
})

test('the worker killed amid it: one copy, there, which its retirement removes when its time is over', async () => {
  const since = await door.mark()
  const boundaries = ['planRestore#1:after', 'startCopy#1:after', 'awaitInstance#1:result', 'startTakeover#1:after']
  for (const boundary of boundaries) it.capstan.arm(boundary)
  const { operation } = await desk.restore('killed', ...elsewhere())
  expect(boundaries.filter((boundary) => it.capstan.disarm(boundary))).toEqual([])
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  const restores = (await door.calls(since)).filter(
    ({ operation: call, effect }) => effect && call === 'RestoreDBInstanceFromDBSnapshot',
  )
  expect([restores.length, await namesIn(EU)]).toEqual([1, ['cap-killed-copy']])

  const { bundle } = await it.capstan.ledger.getOrigin('killed')
  const input = { operation: 'killed', cloud: 'aws', bundle, copy: 'cap-killed-copy', keepHours: 0, heartbeatTimeoutMs: 5000 }
  it.capstan.arm('awaitCanaryRemoval#1:after')
  const late = { taskQueue: 'control', workflowId: 'retire-now', args: [input] }
  await it.capstan.temporal.workflow.execute(RETIRE_COPY_WORKFLOW, late)
  expect([it.capstan.disarm('awaitCanaryRemoval#1:after'), await leftIn(EU)]).toEqual([false, []])
})

test('an abort while the copy is being made takes it back there', async () => {
  const silence = await silenceHome()
  await door.order({ kind: 'throttle', operation: 'ModifyDBInstance', region: EU, times: 100_000 })
  const ended = desk.begin('aborted', ...elsewhere())
  await it.until('the copy', async () => (await namesIn(EU)).length > 0)
  expect((await desk.cli('ops', 'abort', 'aborted', '--by', 'bob')).code).toBe(0)
  expect((await ended).code).toBe(7)
  const { steps } = await it.operation('aborted')
  expect(steps.find(({ id }) => id === 'copy')?.state).toBe('undone')
  expect([await leftIn(EU), await desk.list(), await door.struck(silence)]).toEqual([[], [], 0])
  expect(await it.locked()).toBe(false)
})

test('a plan says what is restored where, and changes nothing', async () => {
  const silence = await silenceHome()
  const { code, stdout } = await desk.cli('restore', 'stock', '--fleet', fleet, ...elsewhere(), '--plan')
  expect(code).toBe(0)
  expect(stdout).toContain(`restores snapshot ${copyOf('nightly')} in ${EU}, of `)
  expect(stdout).toContain('lets in sg-canary, and nobody else; in subnet group vault')
  expect([await leftIn(EU), await door.struck(silence)]).toEqual([[], 0])
})

test('a snapshot that is not there is refused with the names of those that are', async () => {
  const { code, operation } = await desk.restore('no-such', '--snapshot', 'cap-other-copy', '--region', EU)
  const message = `There is no snapshot cap-other-copy in ${EU}; of stock there are ${copyOf('nightly')}.`
  expect([code, operation.failure]).toEqual([3, { code: 'SNAPSHOT_NOT_FOUND', message }])
})

test('one of an instance that was never this database’s is refused, and one of another account than the fleet file’s', async () => {
  await snapshots[HOME]!.createInstance('foreign')
  await snapshots[HOME]!.take('foreign', 'of-foreign')
  await snapshots[EU]!.copyHere('of-foreign', HOME)
  await it.until('the copy', async () => (await snapshots[EU]!.all()).every(({ Status }) => Status === 'available'))
  const foreign = await desk.restore('foreign', '--snapshot', 'of-foreign', '--region', EU)
  expect([foreign.code, foreign.operation.failure?.code]).toEqual([3, 'TARGET_MISMATCH'])
  await snapshots[HOME]!.deleteInstance('foreign')

  fleet = it.target.fleet(FIRST, COPIES, (yaml) => yaml.replace('"000000000000"', '"000000000001"'))
  const account = await desk.restore('account', ...elsewhere())
  expect([account.code, account.operation.failure?.code]).toEqual([3, 'ACCOUNT_MISMATCH'])
  expect(await leftIn(EU)).toEqual([])
})

test('the region’s own refusal is told in its words, and the first one is not tried instead', async () => {
  await door.order({ kind: 'fail', operation: 'DescribeDBSnapshots', region: EU, code: 'AccessDenied', times: 100 })
  const silence = await silenceHome()
  const { code, operation } = await desk.restore('shut', ...elsewhere())
  expect([code, operation.failure?.message]).toEqual([3, expect.stringContaining('AccessDenied')])
  expect(await door.struck(silence)).toBe(0)
})

interface Found {
  readonly code: number
  readonly json: Orphans
}

async function orphans(...more: string[]): Promise<Found> {
  const { code, stdout } = await desk.cli('ops', 'orphans', '--fleet', fleet, '--json', ...more)
  return { code, json: JSON.parse(stdout) as Orphans }
}

/** As if Temporal had been lost, and the time that it is kept for had passed since. */
async function forsake(operation: string): Promise<void> {
  const copy = temporaryName(operation, 'copy')
  await it.capstan.temporal.workflow.getHandle(retirementOf(copy)).terminate('lost')
  const expiresAt = '2026-01-31T12:00:00.000Z'
  const [resource] = await it.capstan.ledger.listResources({ operation })
  await it.capstan.ledger.recordResource({ ...resource!, expiresAt })
  const found = (await instancesIn(EU)).find(({ DBInstanceIdentifier }) => DBInstanceIdentifier === copy)
  const Tags = [{ Key: 'capstan-expires', Value: expiresAt }]
  await rds[EU]!.send(new AddTagsToResourceCommand({ ResourceName: found?.DBInstanceArn, Tags }))
}

test('one that nobody cares for any more is found and removed there; what bears its name in the first region is nobody’s', async () => {
  expect(await desk.restore('lost', ...elsewhere())).toMatchObject({ code: 0 })
  await forsake('lost')
  const name = 'cap-lost-copy'
  const Tags = [
    { Key: 'capstan-operation', Value: 'lost' },
    { Key: 'capstan-step', Value: 'copy' },
  ]
  const DBSnapshotIdentifier = temporaryName('nightly', 'take')
  await rds[HOME]!.send(new RestoreDBInstanceFromDBSnapshotCommand({ DBInstanceIdentifier: name, DBSnapshotIdentifier, Tags }))
  const all = await orphans()
  expect(all.json.instances.map((one) => [one.region, one.name, one.standing])).toEqual([
    [HOME, name, 'unknown-operation'],
    [EU, name, 'orphan'],
  ])
  await door.order({ kind: 'fail', operation: 'DescribeDBInstances', region: HOME, code: 'AccessDenied', times: 100_000 })
  const { code, json } = await orphans('--remove', '--yes')
  expect(json.removals).toEqual([{ name, removed: true, standing: 'being-removed', failure: null }])
  expect(json.unreached).toEqual([expect.objectContaining({ region: HOME, why: expect.stringContaining('AccessDenied') })])
  expect([code, await leftIn(EU)]).toEqual([1, []])
  await door.withdrawAll()
  expect(await namesIn(HOME)).toEqual([name, 'stock'])
  await snapshots[HOME]!.deleteInstance(name)
})

async function verify(operation: string, ...more: string[]) {
  return desk.cli('verify-backup', 'stock', '--fleet', fleet, '--json', '--operation', operation, ...more)
}

test('a copy is verified in its region while the first one answers nobody, and nothing of it stays', async () => {
  const silence = await silenceHome()
  const { code, stdout } = await verify('proves', ...elsewhere())
  const verification = await verificationOf(it.capstan, 'proves')
  expectLadder(verification, ['exists pass', 'answers pass', 'reached not-proven', 'intact pass', 'content pass', 'use pass'])
  expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ status: 'succeeded', verdict: 'pass' })])
  expect(verification).toMatchObject({
    ...{ proven: true, rpoMs: null, controls: [{ rung: 'content', outcome: 'noticed' }] },
    point: { kind: 'snapshot', snapshot: copyOf('nightly'), region: EU },
  })
  expect([await leftIn(EU), await door.struck(silence)]).toEqual([[], 0])
})

test('its proof keeps it there past its retention, says nothing of its source, and is none of the report’s', async () => {
  await fillItems(it.target)
  await take('newer')
  await snapshots[EU]!.expire(copyOf('nightly'))
  await snapshots[HOME]!.expire(temporaryName('nightly', 'take'))
  const { stdout } = await desk.cli('snapshot', 'list', 'stock', '--fleet', fleet, '--json')
  const listed = (JSON.parse(stdout) as SnapshotList).snapshots
  const standing = (wanted: string) => listed.find(({ name }) => name === wanted)?.standing
  expect([standing(copyOf('nightly')), standing(temporaryName('nightly', 'take'))]).toEqual(['last-proven', 'expired'])
  const report = await desk.cli('verify-backup', '--all', '--report', '--fleet', fleet, '--json')
  const { databases } = JSON.parse(report.stdout) as { databases: readonly VerificationStanding[] }
  expect(databases).toEqual([expect.objectContaining({ database: 'stock', last: null, provenAt: null })])
})

test('a verification that is aborted leaves no copy there', async () => {
  await door.order({ kind: 'throttle', operation: 'ModifyDBInstance', region: EU, times: 100_000 })
  const ended = verify('stopped', ...elsewhere())
  await it.until('the copy', async () => (await namesIn(EU)).length > 0)
  expect((await desk.cli('ops', 'abort', 'stopped', '--by', 'bob')).code).toBe(0)
  expect([(await ended).code, await leftIn(EU)]).toEqual([7, []])
})
