/** A standby on Cloud SQL becomes the writer because its source on RDS is dead, while a bank goes on through the router. One stack for all: each test goes on from
 *  where the one before left both. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  FAILOVER_DOCUMENTS,
  FAILOVER_STEPS,
  type FailoverFence,
  type FailoverKept,
  type FailoverPlan,
} from '../../contracts/failover'
import type { OperationDocument } from '../../contracts/operation'
import { SALVAGE_DOCUMENTS, type SalvageReport } from '../../contracts/salvage'
import { controlAddress } from '../../embedded/worker-program'
import { aheadMsMax } from '../../postgres/replicate/watch/skew'
import type { SalvagedRow } from '../../postgres/salvage/values'
import { capstan } from '../client/recorded-io'
import { until } from '../support/eventually'
import { recordHistory } from '../support/histories'
import { type LabDoor, labDoor } from '../support/lab'
import { isAt } from '../support/migrating'
import { TOTALS, totalOn } from '../support/replicating'
import { Switching } from '../support/switching'

let it: Switching
let lab: LabDoor

beforeAll(async () => {
  it = await Switching.start('gcp', { migrations: TOTALS })
  lab = labDoor(it.capstan)
  await it.isFollowing('stock', it.pair.name)
})
afterAll(() => it?.close())

/** One that is not `silent` answers soon, and nobody waits that long for it. */
const failover = (operation: string, ...more: string[]) =>
  it.ended(operation, 'failover', 'stock', '--to', it.pair.name, '--patience', '3s', ...more)

const document = async <T>(operation: string, name: string) => (await it.capstan.ledger.getDocument({ operation, name })) as T

test('a source that serves is not failed over, and the switchover is named', async () => {
  const operation = await failover('healthy', '--accept-loss', '1h')
  expect(operation).toMatchObject({ status: 'failed', verdict: 'fail', failure: null })
  expect(operation.steps.find(({ id }) => id === 'probe')?.detail).toMatchObject({ sourceIs: 'healthy' })
  const [finding] = operation.steps.find(({ id }) => id === 'plan')?.detail.findings ?? []
  expect(finding).toMatchObject({ rule: 'failover:answers', message: expect.stringContaining('capstan switchover stock') })
  expect(operation.steps.map(({ id }) => id)).not.toContain('fence')
  await it.writesGoOn()
})

test('asked for all the same, with a reason, somebody else has to agree, whatever was allowed beforehand; who says no changes nothing', async () => {
  const running = failover('although', '--although-it-answers', 'the region is to be left', '--accept-loss', '1h')
  await until('the question', async () => isAt(await it.capstan.ledger.getOperation('although'), 'approve', 'running'))
  const plan = await document<FailoverPlan>('although', FAILOVER_DOCUMENTS.plan)
  expect(plan).toMatchObject({ blocks: [], allowedLossMs: 3_600_000, asks: 'the source is not proven dead' })
  const shown = await it.pair.cli('ops', 'show', 'although', '--plan')
  expect(shown.stdout).toContain('somebody else has to approve it: the source is not proven dead')
  expect(shown.stdout).toContain('nothing is to be lost that goes to a standby: the source is closed and drained first')
  await nobodyElseMoves('although')
  await until('a no', async () => (await it.pair.cli('ops', 'reject', 'although', '--by', 'bob', '--reason', 'no')).code === 0)
  expect(await running).toMatchObject({ status: 'rejected' })
  await it.writesGoOn()
  expect(it.writers()).toEqual(['source'])
})

/** As long as that holds both locks: whoever comes is told, changes nothing, and no cloud hears of it. */
async function nobodyElseMoves(holder: string): Promise<void> {
  const mark = await lab.mark()
  const asked = {
    'crosses-too': ['switchover', 'stock', '--to', it.pair.name],
    'fails-over-too': ['failover', 'stock', '--to', it.pair.name, '--patience', '3s', '--accept-loss', '1h'],
  }
  for (const [operation, words] of Object.entries(asked)) {
    const { code, stdout } = await it.pair.run(...words, '--operation', operation)
    const { status, failure, steps } = JSON.parse(stdout) as OperationDocument
    const told = expect.stringContaining(`locked by operation ${holder}, which is still running`)
    expect({ code, status, failure }).toMatchObject({
      code: 3,
      status: 'failed',
      failure: { code: 'INSTANCE_LOCKED', message: told },
    })
    expect(steps.filter(({ state }) => state === 'done').map(({ id }) => id)).toEqual(['evidence', 'unlock'])
  }
  expect((await lab.calls(mark)).filter(({ effect }) => effect)).toEqual([])
  expect(await it.capstan.ledger.getOperation(holder)).toMatchObject({ status: 'awaiting-approval' })
  await it.writesGoOn()
}

/** While what was done is taken back. */
const TAKEN_BACK = ['openSource#1:after', 'liftFence#1:before', 'endKeeping#1:after'] as const

test('one that stands still and cannot be stopped is not proven fenced: the standby stays closed, and the source goes on, whoever dies amid the way back', async () => {
  const frozen = await lab.order({ cloud: 'aws', kind: 'freeze-instance', instance: 'stock', for: '1h' })
  const throttled = await lab.order({ cloud: 'aws', kind: 'throttle', operation: 'StopDBInstance', times: 100_000 })
  for (const death of TAKEN_BACK) it.capstan.arm(death)
  const running = failover('unfenced', '--accept-loss', '1h', '--fence-within', '1s')
  await until('the fence to be given up', async () => {
    const steps = (await it.capstan.ledger.getOperation('unfenced'))?.steps ?? []
    return steps.some(({ id, state }) => id === 'fence' && state !== 'running')
  })
  await lab.withdraw(throttled)
  await lab.withdraw(frozen)
  const operation = await running
  expect(operation).toMatchObject({ status: 'failed', failure: { code: 'FENCE_NOT_PROVEN' } })
  expect(operation.steps.find(({ id }) => id === 'fence')).toMatchObject({ state: 'undone' })
  expect(TAKEN_BACK.filter((death) => it.capstan.disarm(death))).toEqual([])
  await it.writesGoOn()
  expect(it.writers()).toEqual(['source'])
})

test('aborted once its cloud was told, it is all taken back, whoever dies meanwhile: the source goes on, and how it ended is in the evidence', async () => {
  const frozen = await lab.order({ cloud: 'aws', kind: 'freeze-instance', instance: 'stock', for: '1h' })
  const death = 'liftFence#1:after'
  it.capstan.arm(death)
  const running = failover('aborted', '--accept-loss', '1h')
  await itsCloudIsTold('aborted')
  expect(await it.pair.cli('ops', 'abort', 'aborted', '--reason', 'not now')).toMatchObject({ code: 0 })
  await lab.withdraw(frozen)
  const operation = await running
  expect(operation).toMatchObject({ status: 'aborted', evidence: expect.any(String) })
  expect(operation.steps.find(({ id }) => id === 'fence')).toMatchObject({ state: 'undone' })
  expect(it.capstan.disarm(death)).toBe(false)
  await it.writesGoOn()
  expect(it.writers()).toEqual(['source'])
})

const itsCloudIsTold = (of: string) =>
  until('its cloud to be told', async () => {
    return (await it.capstan.ledger.listFences()).some(({ operation, before }) => operation === of && before !== null)
  })

/** An acknowledgement is heard when this process comes round to it, and three have clocks of their own. */
const CLOCKS_MS = 1_000

/** By a fence. */
const TOLD = ['ModifyDBInstance', 'StopDBInstance'] as const

/** One in each part: before and behind the fence, amid the opening, and behind it. */
const DEATHS = ['startFence#1:after', 'awaitApplied#1:before', 'openAsWriter#1:after', 'moveEndpoint#1:result'] as const

test('silent, behind, and back to life amid the fence: what the standby lacks is what was said, whatever dies meanwhile, though its cloud hears all twice', async () => {
  await it.isFollowing('stock', it.pair.name)
  expect(await it.ended('paused', 'standby', 'pause', 'stock')).toMatchObject({ status: 'succeeded' })
  await it.writesGoOn()
  const frozen = await lab.order({ cloud: 'aws', kind: 'freeze-instance', instance: 'stock', for: '1h' })
  const since = await lab.mark()
  for (const operation of TOLD) await lab.order({ kind: 'deliver-twice', operation, heard: 'second' })
  for (const death of DEATHS) it.capstan.arm(death)
  const shown = await totalOn(it.pair.onStandby)
  const running = failover('dead', '--accept-loss', '1h')
  await itsCloudIsTold('dead')
  await sleep(500)
  // its cloud can stop it from now on, and it may write until then
  await lab.withdraw(frozen)
  const operation = await running
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(DEATHS.filter((death) => it.capstan.disarm(death))).toEqual([])
  const twice = (await lab.calls(since)).filter(({ faults }) => faults.some(({ kind }) => kind === 'deliver-twice'))
  expect(twice.map((call) => call.operation).sort()).toEqual([...TOLD, ...TOLD].sort())
  await recordHistory(it.capstan.temporal, 'dead', 'failover')
  const steps = Object.values(FAILOVER_STEPS).map(({ id }) => id)
  expect(operation.steps.map(({ id }) => id).sort()).toEqual(steps.filter((id) => id !== 'approve').sort())
  expect(await totalOn(it.pair.onStandby)).toBeGreaterThan(shown)
  await it.writesGoOn()
  const kept = await document<FailoverKept>('dead', FAILOVER_DOCUMENTS.kept)
  const plan = await document<FailoverPlan>('dead', FAILOVER_DOCUMENTS.plan)
  expect(kept.beat).toEqual(plan.exposure.beat)
  const fenced = await document<FailoverFence>('dead', FAILOVER_DOCUMENTS.fenced)
  const [from, to] = [Date.parse(kept.beat?.at ?? ''), Date.parse(fenced.at)]
  // the source has the clock of this machine
  expect(kept.lossMsMax).toBe(to - from + aheadMsMax(plan.exposure.skew))
  expect(aheadMsMax(plan.exposure.skew)).toBeLessThan(CLOCKS_MS)
  const lost = await lostTransfers()
  expect(lost.length).toBeGreaterThan(0)
  expect(lost.filter((at) => at < from - CLOCKS_MS || at > to + CLOCKS_MS)).toEqual([])
  const written = it.firstAcceptedAfter('standby', from)
  const declared = Date.parse(plan.probed.declaredAt)
  process.stdout.write(
    `failover: from declared dead to fenced ${to - declared} ms, to an accepted write ${Math.round((written ?? 0) - declared)} ms\n`,
  )
  const [again] = await it.pair.onStandby<{ n: number }>(
    'SELECT (count(*) - count(DISTINCT amount))::int AS n FROM public.transfers',
  )
  expect(again?.n).toBe(0)
  expect(it.writers()).toEqual(['source', 'standby'])
})

test('the old writer that its cloud starts again takes no write', async () => {
  await it.pair.startSource()
  await sleep(1_000)
  await it.writesGoOn()
  expect(it.writers()).toEqual(['source', 'standby'])
})

const LEFT = `SELECT id::int AS id, amount::int AS amount FROM public.transfers`

test('what it has alone is told by key, goes over by key whoever dies meanwhile, and its values go into a file that nobody else may read', async () => {
  const looked = await it.ended('salvage', 'salvage', 'rows', 'stock', '--into', it.pair.name)
  expect(looked).toMatchObject({ status: 'succeeded', verdict: 'fail', failure: null })
  const report = await document<SalvageReport>('salvage', SALVAGE_DOCUMENTS.report)
  const here = new Set((await it.pair.onStandby<{ id: number }>(LEFT)).map(({ id }) => id))
  const alone = (await it.pair.onSource<{ id: number; amount: number }>(LEFT)).filter(({ id }) => !here.has(id))
  const transfers = report.looked?.tables.find(({ table }) => table === 'public.transfers')
  expect(transfers).toMatchObject({ key: ['id'], there: alone.length, differs: 0 })
  expect(transfers?.keys.there.map(([id]) => Number(id))).toEqual(
    alone
      .map(({ id }) => id)
      .sort((a, b) => a - b)
      .slice(0, 20),
  )
  expect(report.looked?.tables.find(({ table }) => table === 'public.accounts')?.there).toBe(0)

  const file = join(it.capstan.dir, 'values.jsonl')
  const { block, secrets } = it.capstan.stack
  const env = {
    ...{ CAPSTAN_STATE_DIR: join(it.capstan.dir, 'state'), CAPSTAN_POSTGRES_SOURCE_ADDRESS: controlAddress(block) },
    ...{ CAPSTAN_SECRET_VARIABLES: 'SHOP_', SHOP_MIGRATOR_PASSWORD: secrets.shopMigrator },
  }
  const values = () => capstan(['salvage', 'values', 'salvage', '--file', file, '--fleet', it.pair.fleet], { env })
  expect(await values()).toMatchObject({ exit: 0, err: '' })
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const rows = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Pick<SalvagedRow, 'table'> & { readonly old: { readonly amount: number } })
  const amounts = rows.filter(({ table }) => table === 'public.transfers').map(({ old }) => old.amount)
  expect(amounts.sort((a, b) => a - b)).toEqual(alone.map(({ amount }) => amount).sort((a, b) => a - b))
  expect(JSON.stringify(report)).not.toContain('holder 1')
  expect(await values()).toMatchObject({ exit: 2, err: expect.stringContaining('is there already') })

  it.capstan.arm('writeRows#1:after')
  const running = it.ended('merge', 'salvage', 'rows', 'stock', '--into', it.pair.name, '--merge', 'public.transfers')
  await until('the question', async () => isAt(await it.capstan.ledger.getOperation('merge'), 'approve', 'running'))
  await until('an approval', async () => (await it.pair.cli('ops', 'approve', 'merge', '--by', 'bob')).code === 0)
  // balances have moved on both sides: which of them counts no merge settles
  expect(await running).toMatchObject({ status: 'succeeded', verdict: 'fail', failure: null })
  expect(it.capstan.disarm('writeRows#1:after')).toBe(false)
  await recordHistory(it.capstan.temporal, 'merge', 'salvage')
  expect(await lostTransfers()).toEqual([])
  const [twice] = await it.pair.onStandby<{ n: number }>(
    'SELECT (count(*) - count(DISTINCT amount))::int AS n FROM public.transfers',
  )
  expect(twice?.n).toBe(0)
  expect(it.writers()).toEqual(['source', 'standby'])
})

/** When each was acknowledged that was acknowledged by the source and is not on the standby. */
async function lostTransfers(): Promise<number[]> {
  const known = [...it.bank.times]
  const rows = await it.pair.onStandby<{ amount: number }>('SELECT amount::int AS amount FROM public.transfers')
  const there = new Set(rows.map(({ amount }) => amount))
  return known.filter(([number]) => !there.has(number)).map(([, at]) => at)
}
