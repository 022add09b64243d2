/** What becomes of copies at a cloud that lists what it makes only after a while: undone, taken over, handed over, left behind. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, Connection } from '@temporalio/client'
import { runAct } from '../../activities/act'
import { createInstanceActivities } from '../../activities/instance/instance'
import { createOrphanActivities } from '../../activities/orphans/orphans'
import { setUpActivities } from '../../activities/replacement/set-up'
import { createCloudSql } from '../../clouds/gcp/cloud-sql'
import type { InstanceRef, Owner } from '../../clouds/port'
import type { DatabaseEntry } from '../../contracts/fleet'
import { type Ledger, openLedger } from '../../ledger/ledger'
import { faultsOf } from '../conformance/lab-faults'
import { options, owned, refusal, retried, until } from '../conformance/support'
import { openLab, type TestLab } from '../lab/fixture'
import { startTestServer, type TestServer } from '../postgres/support/server'

let lab: TestLab
let server: TestServer
let ledger: Ledger
beforeAll(async () => {
  lab = await openLab()
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
async function undoOf(operation: string) {
  const bundle = await ledger.putBundle({ version: 1, database: { name: 'stock' } as DatabaseEntry, migrations: [] })
  const about = { kind: 'verify-backup', databases: ['stock'], cloud: 'gcp', environment: 'test', mode: 'apply' } as const
  await ledger.openOperation({ id: operation, ...about, requestedBy: 'ada', startedAt: new Date().toISOString(), bundle })
  const activities = createInstanceActivities({ ledger, cloudOf: adapter, secretKey: Buffer.alloc(32) })
  const orphans = createOrphanActivities({ ledger, cloudOf: adapter })
  const { name, owner } = owned(operation, 'copy')
  const act = (attempt: number) => ({
    ...{ attempt, scheduledAtMs: Date.now(), signal: options.signal, stale: () => false },
    ...{ client: new Client({ connection: Connection.lazy() }), isCurrent: async () => true },
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
    listed: async () => (await inAct(() => orphans.listTemporary({ bundle }))).find((one) => one.name === name),
    removeOrphan: (instanceId: string) => inAct(() => orphans.removeOrphan({ bundle, operation, name, instanceId })),
    began: () => {
      const resource = { operation, cloud: 'gcp', kind: 'instance', name, createdAt: new Date().toISOString() }
      return ledger.recordResource({ ...resource, expiresAt: null, removedAt: null })
    },
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
