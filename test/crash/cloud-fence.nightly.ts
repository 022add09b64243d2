/** Fences through clouds, further: Aurora; who is renamed, gone, or cannot be stopped; answers that get lost and workers that die on the way; networks that
 *  somebody opens again; and the control plane let in alone. */
import { DeleteDBInstanceCommand, ModifyDBInstanceCommand, RDSClient } from '@aws-sdk/client-rds'
import { createRds } from '../../clouds/aws/rds'
import type { CloudFenceOutcome, FenceInstanceInput } from '../../contracts/instance-fence'
import { TASK_QUEUES } from '../../contracts/messages'
import { type CapstanStack, startCapstan } from '../support/capstan-stack'
import { until } from '../support/eventually'
import { type Fenced, fencedAt } from '../support/fencing'
import { labDoor } from '../support/lab'
import { changing, createOtherTarget, MASTER_PASSWORD, type OtherTarget, whenFree } from '../support/other-clouds'
import { createTarget, FIRST } from '../support/target'

let starting: Promise<CapstanStack> | undefined
let capstan: CapstanStack
let aurora: OtherTarget
let gcp: OtherTarget
let aws: Awaited<ReturnType<typeof onAws>>

async function onAws() {
  const { stack } = capstan
  const adapter = createRds({ region: 'us-east-1', endpoint: stack.endpoints.labApi, credentials: stack.lab.aws, maxAttempts: 3 })
  return Object.assign(await createTarget(capstan, '17'), { adapter, password: stack.secrets.shopAdmin })
}

beforeAll(async () => {
  starting = startCapstan({ env: { CAPSTAN_LAB_PROFILE: 'instant', SHOP_MASTER_PASSWORD: MASTER_PASSWORD } })
  capstan = await starting
  ;[aws, aurora, gcp] = await Promise.all([onAws(), createOtherTarget('aurora', capstan), createOtherTarget('gcp', capstan)])
  await Promise.all([aws, aurora, gcp].map((target) => target.reset()))
})
afterEach(() => labDoor(capstan).withdrawAll())
afterAll(async () => (await starting)?.close())

const at = (target: OtherTarget): Promise<Fenced> =>
  fencedAt(capstan, { fleet: target.fleet(FIRST), adapter: target.adapter, password: MASTER_PASSWORD })
const onRds = (): Promise<Fenced> => fencedAt(capstan, { fleet: aws.fleet(FIRST), adapter: aws.adapter, password: aws.password })
const stopped = async (fenced: Fenced): Promise<boolean> => (await fenced.access())?.instance.state === 'stopped'

/** By the worker, as an operation does it. */
async function fencedByWorker(
  fenced: Fenced,
  target: { host: string; port: number },
  fleetOf: string,
): Promise<CloudFenceOutcome> {
  const operation = `by-worker-${fleetOf}`
  const input: FenceInstanceInput = {
    ...{ operation, step: 'fence', bundle: fenced.bundle, cloud: fleetOf === 'gcp' ? 'gcp' : 'aws' },
    target: { ...fenced.target, host: target.host, port: target.port, engineVersion: '17' },
    ...{ requestedBy: 'ada', reason: 'dead', withinMs: 120_000, keepEveryMs: 60_000, heartbeatTimeoutMs: 3_000 },
  }
  return capstan.temporal.workflow.execute<(input: FenceInstanceInput) => Promise<CloudFenceOutcome>>('fenceInstance', {
    ...{ workflowId: operation, taskQueue: TASK_QUEUES.control, args: [input], workflowTaskTimeout: '3 seconds' },
  })
}

test('a cluster of Aurora is stopped with its members, and started with them', async () => {
  const fenced = await at(aurora)
  const before = await fenced.access()
  await fenced.holdWitness()
  const ordered = await fenced.fence()
  await until('nobody to be left', async () => (await fenced.judge(ordered)).proven)
  await fenced.keep(1_000)
  await labDoor(capstan).order({ kind: 'maintenance-start', cloud: 'aws', instance: 'stock-1' })
  await until('the watch to stop it again', async () => ((await fenced.row())?.reasserted ?? 0) > 0)
  await until('it to be stopped', () => stopped(fenced))
  await fenced.lift()
  expect((await fenced.access())?.rules).toEqual(before?.rules)
})

test('a worker that dies, and an answer that gets lost, leave one fence, which is proven', async () => {
  const fenced = await at(gcp)
  await labDoor(capstan).order({ kind: 'drop-response', cloud: 'gcp', operation: 'instances.patch', times: 1 })
  const before = capstan.deaths()
  for (const failpoint of ['startFence#1:after', 'fenceState#1:before', 'keepFenced#1:after']) capstan.arm(failpoint)
  const outcome = await fencedByWorker(fenced, gcp, 'gcp')
  expect(outcome).toMatchObject({ outcome: 'proven', untaken: [], proof: { oldOnesDead: true } })
  expect(capstan.deaths()).toBeGreaterThan(before)
  expect(await fenced.row()).toMatchObject({ state: 'fenced', before: { running: true } })

  // Started for us alone: the watch closes what somebody opens, and stops nothing.
  const us = await fenced.letUsIn()
  expect(us.port).toBe(gcp.port)
  const session = await gcp.admin()
  expect(await session.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
  await session.close()
  await expect(gcp.app()).rejects.toMatchObject({ facts: { sqlState: '28000' } })
  const instance = { name: 'stock', instanceId: fenced.target.instanceId }
  await whenFree(() => gcp.adapter.setNetworkRules({ instance, networkRules: ['0.0.0.0/0'] }, changing))
  await fenced.keep(1_000)
  await until('it to be closed again', async () => (await fenced.access())?.rules.includes('0.0.0.0/0') === false)
  expect((await fenced.access())?.instance.state).not.toBe('stopped')
  await until('the count', async () => ((await fenced.row())?.reasserted ?? 0) > 0)
  await fenced.lift()
  const app = await gcp.app()
  await app.close()
})

test('one with a read replica cannot be stopped: who is inside stays, and nothing is called proven', async () => {
  const fenced = await onRds()
  const owner = { operation: 'by-hand', step: 'follow', expiresAt: null }
  const wanted = { source: 'stock', instance: 'stock-reader', networkRules: ['sg-stock'], instanceClass: null, owner }
  await whenFree(() => aws.adapter.startReplica(wanted, changing))
  const reader = () => aws.adapter.describeInstance({ name: 'stock-reader' }, changing)
  await until('the replica', async () => (await reader())?.state === 'ready')
  const ordered = await fenced.fence()
  expect(ordered).toMatchObject({ means: ['networks'], untaken: [expect.stringContaining('stock-reader')] })
  expect(await fenced.judge(ordered)).toMatchObject({ proven: false, oldOnesDead: 'unknown' })
  await fenced.lift()
  const instance = { name: 'stock-reader', instanceId: (await reader())?.instanceId ?? '' }
  await whenFree(() => aws.adapter.startRemoval({ instance, owner }, changing))
  await until('the replica to be gone', async () => (await reader()) === null)
})

test('one that was renamed is fenced under its new name, and one that was removed is gone', async () => {
  const rds = new RDSClient({ region: 'us-east-1', endpoint: capstan.stack.endpoints.labApi, credentials: capstan.stack.lab.aws })
  const fenced = await onRds()
  await whenFree(() => aws.adapter.startStart({ instance: { name: 'stock', instanceId: fenced.target.instanceId } }, changing))
  await rds.send(
    new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'stock', NewDBInstanceIdentifier: 'stock-old', ApplyImmediately: true }),
  )
  const renamed = () => aws.adapter.describeInstance({ name: 'stock-old' }, changing)
  await until('its new name', async () => (await renamed())?.state === 'ready')
  expect(await fenced.fence()).toMatchObject({ means: ['networks', 'stop'] })
  await until('it to be stopped', async () => (await renamed())?.state === 'stopped')
  await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: 'stock-old', SkipFinalSnapshot: true }))
  await until('it to be gone', async () => (await renamed()) === null)
  // Aurora's cluster is of the same account, and another list: nothing tells here that the account is the right one.
  const said = await fenced.judge({ means: [], untaken: [], at: '' })
  expect(said).toMatchObject({ gone: false, proven: false })
  const beside = await whenFree(() => aws.adapter.startCreate(besides(), changing))
  expect(beside).toEqual({ operation: null })
  await until(
    'another instance',
    async () => (await aws.adapter.describeInstance({ name: 'beside' }, changing))?.state === 'ready',
  )
  expect(await fenced.judge({ means: [], untaken: [], at: '' })).toMatchObject({ gone: true, proven: true })
})

function besides() {
  return {
    ...{ instance: 'beside', engineVersion: '17', instanceClass: 'db.t4g.micro', storageGib: 20 },
    master: { name: 'stock_admin', password: 'Correct-Horse-7' },
    ...{ deletionProtected: false, owner: { operation: 'by-hand', step: 'make', expiresAt: null } },
  }
}
