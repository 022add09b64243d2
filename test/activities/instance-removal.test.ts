/** What becomes of copies at a cloud that lists what it makes only after a while: undone, taken over, handed over, left behind. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateDBClusterCommand,
  CreateDBParameterGroupCommand,
  DescribeDBParameterGroupsCommand,
  RDSClient,
} from '@aws-sdk/client-rds'
import { Client, Connection } from '@temporalio/client'
import { runAct } from '../../activities/act'
import { createInstanceActivities } from '../../activities/instance/instance'
import { createOrphanActivities } from '../../activities/orphans/orphans'
import { setUpActivities } from '../../activities/replacement/set-up'
import { createAurora } from '../../clouds/aws/aurora/aurora'
import { createRds } from '../../clouds/aws/rds'
import { createCloudSql } from '../../clouds/gcp/cloud-sql'
import type { InstanceRef, ManagedPostgres, Owner } from '../../clouds/port'
import type { Cloud, DatabaseEntry } from '../../contracts/fleet'
import type { OperationKind, StepState } from '../../contracts/operation'
import { retirementOf } from '../../contracts/restore'
import { type Ledger, openLedger } from '../../ledger/ledger'
import { startTestTemporal, type TestTemporal } from '../client/temporal-server'
import { faultsOf } from '../conformance/lab-faults'
import { options, owned, refusal, retried, until } from '../conformance/support'
import { openLab, type TestLab } from '../lab/fixture'
import { startTestServer, type TestServer } from '../postgres/support/server'

let lab: TestLab
let server: TestServer
let ledger: Ledger
let temporal: TestTemporal
let client: Client
beforeAll(async () => {
  ;[lab, temporal] = await Promise.all([openLab(), startTestTemporal()])
  client = new Client({ connection: await Connection.connect({ address: temporal.address }) })
  await lab.call('PUT', '/_lab/profile', { profile: 'instant' })
  server = await startTestServer(17)
  const at = (await server.database()).options
  ledger = openLedger({ url: `postgres://${at.user}:${at.password}@${at.host}:${at.port}/${at.database}` })
  await ledger.migrate()
})
afterEach(() => faultsOf(lab).clear())
afterAll(async () => {
  await ledger?.close()
  await server?.stop()
  await client?.connection.close()
  await temporal?.stop()
  await lab?.remove()
})

function adapter() {
  const { api, credentials, dataPort } = lab.lab
  const { projectId: project, accessToken: token } = credentials.gcp
  return createCloudSql({ project, region: 'us-central1', endpoint: api, port: dataPort, token })
}

async function make(instance: string, owner: Owner): Promise<void> {
  const wanted = { engineVersion: '17', instanceClass: 'db-f1-micro', storageGib: 10, deletionProtected: false }
  const master = { name: 'postgres', password: 'Correct-Horse-7' }
  await adapter().startCreate({ ...wanted, instance, master, owner }, options)
}

/** An operation whose record is open, and that has begun nothing. */
async function undoOf(
  operation: string,
  {
    cloud = 'gcp',
    cloudOf = adapter,
    kind = 'verify-backup',
    account = cloud === 'gcp' ? lab.lab.credentials.gcp.projectId : '000000000000',
  }: { cloud?: Cloud; cloudOf?: () => ManagedPostgres; kind?: OperationKind; account?: string } = {},
) {
  const bundle = await ledger.putBundle({
    version: 1,
    database: { name: 'stock', cloud, account, region: 'us-east-1' } as DatabaseEntry,
    migrations: [],
  })
  const about = { kind, databases: ['stock'], cloud, environment: 'test', mode: 'apply' } as const
  await ledger.openOperation({ id: operation, ...about, requestedBy: 'ada', startedAt: new Date().toISOString(), bundle })
  const activities = createInstanceActivities({ ledger, cloudOf, secretKey: Buffer.alloc(32) })
  const orphans = createOrphanActivities({ ledger, cloudOf })
  const { name, owner } = owned(operation, 'copy')
  const act = (attempt: number, scheduledAtMs = Date.now()) => ({
    ...{ attempt, scheduledAtMs, signal: options.signal, stale: () => false },
    ...{ client, isCurrent: async () => true },
  })
  const ref = { operation, step: 'copy', bundle }
  const inAct = <T>(work: () => Promise<T>) => runAct(act(1), work)
  return {
    name,
    owner,
    /** As the operation's replacement writes it down, before it acts. */
    tookOver: () => ledger.putDocumentOnce({ operation, name: 'took-over', document: { version: 1, instance: name } }),
    restore: () => inAct(() => activities.startCopy({ ...ref, point: { kind: 'snapshot', snapshot: 'kept' }, expiresAt: null })),
    takePassword: () => inAct(() => activities.startTakeover({ ...ref, instance: name })),
    handOver: (copy: InstanceRef, old: InstanceRef, attempt: number) => {
      const { handOver } = setUpActivities({ ledger, cloudOf: adapter, resolveSecret: async () => '' })
      const address = { host: 'elsewhere.invalid', port: 5432, engineVersion: '17' }
      const of = { ...ref, copy: { ...address, instance: copy.name, instanceId: copy.instanceId } }
      return runAct(act(attempt), () => handOver({ ...of, instance: old.name, instanceId: old.instanceId }))
    },
    /** `serversClock`: as Temporal's server has it, in milliseconds. */
    listed: async ({ named = [], serversClock }: { named?: readonly string[]; serversClock?: number } = {}) => {
      const all = await runAct(act(1, serversClock), () => orphans.listTemporary({ bundle, named }))
      return all.find((one) => one.name === name)
    },
    removeOrphan: (instanceId: string, more: { named?: readonly string[]; name?: string } = {}) =>
      inAct(() => orphans.removeOrphan({ bundle, operation, name, instanceId, ...more })),
    began: (more: { name?: string; createdAt?: string; expiresAt?: string } = {}) => {
      const resource = { operation, cloud, kind: 'instance', name, createdAt: new Date().toISOString(), expiresAt: null }
      return ledger.recordResource({ ...resource, removedAt: null, ...more })
    },
    ends: (finishedAt = new Date().toISOString()) => ledger.setStatus({ operation, status: 'succeeded', finishedAt }),
    look: (attempt: number) => runAct(act(attempt), () => activities.awaitCanaryRemoval({ operation, step: 'copy', bundle })),
    left: async () => (await ledger.listResources({ operation })).filter(({ removedAt }) => removedAt === null),
  }
}

test('what was begun and is not listed yet is looked for until it is, and removed', async () => {
  const undo = await undoOf('unlisted')
  await faultsOf(lab).order({ kind: 'stale-reads', operation: 'instances.list', lag: '4s' })
  await undo.began()
  await make(undo.name, undo.owner)
  await expect(undo.look(1)).rejects.toEqual(refusal('NOT_READY_YET', 'not listed'))
  // Attempt after attempt, however many: once it was seen they are all ordinary ones.
  for (;;) {
    await sleep(100)
    const said = await undo.look(2).catch((error: Error) => error)
    if (said === undefined) break
    expect(said).toEqual(refusal('NOT_READY_YET', ''))
  }
  expect(await adapter().describeInstance({ name: undo.name }, options)).toBeNull()
  expect(await undo.left()).toEqual([])
})

test('what was begun and never came is not looked for without end', async () => {
  const undo = await undoOf('never-came')
  await undo.began()
  await expect(undo.look(9)).rejects.toEqual(refusal('NOT_READY_YET', 'not listed'))
  await undo.look(10)
  expect(await undo.left()).toEqual([])
})

test('what took over is no copy any more: its master keeps its password, and it is neither restored nor removed', async () => {
  const undo = await undoOf('took-over')
  await undo.tookOver()
  await expect(undo.takePassword()).rejects.toEqual(refusal('RESOURCE_NOT_OURS', 'its master keeps its password'))
  await expect(undo.restore()).rejects.toEqual(refusal('RESOURCE_NOT_OURS', 'nothing is restored'))
  await expect(undo.look(1)).rejects.toEqual(refusal('RESOURCE_NOT_OURS', 'nothing of it is removed'))
  expect(await undo.left()).toEqual([])
})

test('what took over is no orphan, although it could not be handed over; found to be one before, it is asked about again', async () => {
  const left = await undoOf('not-handed-over')
  await left.began()
  await make(left.name, { ...left.owner, expiresAt: null })
  await ledger.setStatus({ operation: 'not-handed-over', status: 'succeeded', finishedAt: new Date().toISOString() })
  const found = await left.listed()
  expect(found).toMatchObject({ operation: 'not-handed-over', standing: 'orphan' })
  await left.tookOver()
  expect(await left.removeOrphan(found?.instanceId ?? '')).toEqual({ removed: false, standing: 'took-over' })
  expect(await left.listed()).toMatchObject({ standing: 'took-over' })
})

/** A replacement that was lost right behind its point of no return, and whose record somebody closed. */
async function lostOnItsWay(operation: string, state: StepState) {
  const left = await undoOf(operation, { kind: 'replace' })
  await left.began()
  await make(left.name, { ...left.owner, expiresAt: null })
  const detail = { pointOfNoReturn: 'applications are led to the replacement' }
  const step = { id: 'move-endpoint', title: 'Move the endpoint', state, attempts: 1, detail } as const
  await ledger.recordStep({ operation, sequence: 0, step: { ...step, startedAt: ago(0), finishedAt: null } })
  await ledger.setStatus({ operation, status: 'aborted', finishedAt: ago(0) })
  return left
}

test('what a lost replacement was about to lead everybody to is no orphan, although nothing says that it took over', async () => {
  const lost = await lostOnItsWay('lost', 'running')
  const found = await lost.listed()
  expect(found).toMatchObject({ operation: 'lost', standing: 'took-over' })
  expect(await lost.removeOrphan(found?.instanceId ?? '')).toEqual({ removed: false, standing: 'took-over' })
  await expect(lost.look(1)).rejects.toEqual(refusal('RESOURCE_NOT_OURS', 'nothing of it is removed'))
  expect(await adapter().describeInstance({ name: lost.name }, options)).toMatchObject({ instanceId: found?.instanceId })
  // the abort came first: all was taken back
  const aborted = await lostOnItsWay('aborted-in-time', 'cancelled')
  expect(await aborted.listed()).toMatchObject({ standing: 'orphan' })
})

test('an instance that cannot be marked as replaced is no reason to wait without end', async () => {
  const operation = 'unmarkable'
  const { name, owner, handOver } = await undoOf(operation)
  await make(name, owner)
  await make('unmarkable-old', owner)
  const refOf = async (instance: string) => {
    const found = await until(() =>
      adapter()
        .describeInstance({ name: instance }, options)
        .then((one) => (one?.state === 'ready' ? one : undefined)),
    )
    return { name: instance, instanceId: found.instanceId }
  }
  const [copy, old] = [await refOf(name), await refOf('unmarkable-old')]
  const tags = { set: { 'capstan-took-over': operation }, remove: ['capstan-operation', 'capstan-step', 'capstan-expires'] }
  await until(async () =>
    (await retried(() => adapter().setTags({ instance: copy, ...tags }, options))).done ? true : undefined,
  )

  await faultsOf(lab).order({ kind: 'throttle', operation: 'instances.update', times: 1000 })
  expect(await handOver(copy, old, 60)).toEqual({ unmarked: expect.any(String) })
  await faultsOf(lab).clear()
  expect(await retried(() => handOver(copy, old, 1))).toEqual({ unmarked: null })
})

test('where nothing was begun, nothing is waited for', async () => {
  const undo = await undoOf('nothing')
  await undo.look(1)
  expect(await undo.left()).toEqual([])
})

const ago = (ms: number): string => new Date(Date.now() - ms).toISOString()
const HOUR_MS = 3_600_000

/** What is left of an operation that is over, and its id in the cloud. */
async function leftBehind(operation: string, until: string | null = null) {
  const left = await undoOf(operation)
  await left.began(until === null ? {} : { createdAt: ago(4 * HOUR_MS), expiresAt: until })
  await make(left.name, { ...left.owner, expiresAt: until })
  await left.ends(ago(3.9 * HOUR_MS))
  const instanceId = (await left.listed())?.instanceId ?? ''
  return { ...left, instanceId }
}

/** A workflow that nobody takes up: Temporal says that it runs. */
async function runs(workflowId: string) {
  return client.workflow.start('nobodys', { workflowId, taskQueue: 'nobody', args: [] })
}

test('a worker whose clock is fast ends no time that a copy is kept for', async () => {
  // over for an hour by the worker's clock, and by the server's to be kept for another
  const left = await leftBehind('fast-clock', ago(HOUR_MS))
  expect(await left.listed()).toMatchObject({ standing: 'orphan' })
  expect(await left.listed({ serversClock: Date.now() - 2 * HOUR_MS })).toMatchObject({ standing: 'kept' })
})

test('what Temporal runs is cared for, whatever the ledger says: an operation that was reset, a retirement that knows better', async () => {
  const left = await leftBehind('lives-on', ago(HOUR_MS))
  for (const [id, standing] of [
    ['lives-on', 'at-work'],
    [retirementOf(left.name), 'kept'],
  ] as const) {
    const running = await runs(id)
    expect(await left.listed()).toMatchObject({ standing })
    expect(await left.removeOrphan(left.instanceId)).toEqual({ removed: false, standing })
    await running.terminate('over')
  }
  expect(await left.listed()).toMatchObject({ standing: 'orphan' })
})

test('what the fleet file names stays, where neither the ledger nor a tag say that it took over', async () => {
  const left = await leftBehind('forgotten-takeover')
  const named = [left.name.toLowerCase()]
  expect(await left.listed({ named })).toMatchObject({ standing: 'in-use' })
  expect(await left.removeOrphan(left.instanceId, { named })).toEqual({ removed: false, standing: 'in-use' })
})

test('a clone that somebody made his own by taking its labels off is not removed along with another copy of its operation', async () => {
  const left = await leftBehind('two-copies')
  const source = owned('clone-source', 'make')
  await make(source.name, source.owner)
  await until(async () =>
    (await adapter().describeInstance({ name: source.name }, options))?.state === 'ready' ? true : undefined,
  )
  const at = await until(async () => {
    const window = await retried(() => adapter().restoreWindow({ name: source.name }, options))
    const moment = new Date(Math.floor(Date.now() / 1_000) * 1_000).toISOString()
    return window !== null && window.earliest <= moment && moment < window.latest ? moment : undefined
  })
  const clone = owned('two-copies', 'clone')
  await left.began({ name: clone.name })
  const wanted = { source: source.name, instance: clone.name, networkRules: ['8.8.8.8/32'], instanceClass: null, at }
  await retried(() => adapter().startRestoreToTime({ ...wanted, owner: clone.owner }, options))
  const { instanceId } = await until(async () => {
    const found = await adapter().describeInstance({ name: clone.name }, options)
    return found?.state === 'ready' ? found : undefined
  })
  const off = { set: {}, remove: ['capstan-operation', 'capstan-step', 'capstan-expires'] }
  await until(
    async () =>
      (await retried(() => adapter().setTags({ instance: { name: clone.name, instanceId }, ...off }, options))).done || undefined,
  )
  expect(await retried(() => left.removeOrphan(left.instanceId))).toEqual({ removed: true, standing: 'being-removed' })
  expect(await adapter().describeInstance({ name: clone.name }, options)).toMatchObject({ instanceId, state: 'ready' })
})

test('the list of another account than the fleet file names is none', async () => {
  const left = await undoOf('elsewhere', { account: 'another-project' })
  await make(left.name, left.owner)
  await expect(left.listed()).rejects.toEqual(refusal('ACCOUNT_MISMATCH', 'the fleet file says another-project'))
  const { name } = owned('elsewhere', 'absent')
  const removing = left.removeOrphan('gone', { name })
  await expect(removing).rejects.toEqual(refusal('ACCOUNT_MISMATCH', 'the fleet file says another-project'))
})

function onAws() {
  const { api: endpoint, credentials } = lab.lab
  return { region: 'us-east-1', endpoint, credentials: { ...credentials.aws }, maxAttempts: 3 }
}

const tagsOf = (operation: string) =>
  Object.entries({ 'capstan-operation': operation, 'capstan-step': 'copy' }).map(([Key, Value]) => ({ Key, Value }))

test('what was made for an operation is cleared away with its copy, but for one that works again', async () => {
  const rds = new RDSClient(onAws())
  const left = await undoOf('works-again', { cloud: 'aws', cloudOf: () => createRds(onAws()) })
  await left.began()
  await left.ends()
  const group = { DBParameterGroupName: left.name, DBParameterGroupFamily: 'postgres17', Description: 'of a copy' }
  await rds.send(new CreateDBParameterGroupCommand({ ...group, Tags: tagsOf('works-again') }))
  const groups = async () => {
    const { DBParameterGroups = [] } = await rds.send(new DescribeDBParameterGroupsCommand({}))
    return DBParameterGroups.map(({ DBParameterGroupName }) => DBParameterGroupName)
  }
  const running = await runs('works-again')
  expect(await left.removeOrphan('gone')).toMatchObject({ removed: true })
  expect(await groups()).toContain(left.name)
  await running.terminate('over')
  expect(await left.removeOrphan('gone')).toMatchObject({ removed: true })
  expect(await groups()).not.toContain(left.name)
})

test('an Aurora cluster without any instance is found and goes', async () => {
  const at = onAws()
  const left = await undoOf('half-cluster', { cloud: 'aws', cloudOf: () => createAurora(at) })
  await left.began()
  await new RDSClient(at).send(
    new CreateDBClusterCommand({
      DBClusterIdentifier: left.name,
      Engine: 'aurora-postgresql',
      MasterUsername: 'boss',
      MasterUserPassword: 'Correct-Horse-7',
      Tags: tagsOf('half-cluster'),
    }),
  )
  await left.ends()
  const found = await left.listed()
  expect(found).toMatchObject({ standing: 'orphan' })
  expect(await retried(() => left.removeOrphan(found?.instanceId ?? ''))).toMatchObject({ removed: true })
  expect(await left.listed()).toBeUndefined()
})
