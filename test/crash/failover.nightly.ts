/** A failover whose worker dies once before each of its activities, and once behind each; and one of a source that serves, which a person wants all the same. Each has a
 *  stack of its own, since there is no way back. */
import { setTimeout as sleep } from 'node:timers/promises'
import { FAILOVER_DOCUMENTS, type FailoverFence, type FailoverKept, type FailoverPlan } from '../../contracts/failover'
import { keepFencedId } from '../../contracts/instance-fence'
import type { OperationResult } from '../../contracts/operation'
import type { Session } from '../../postgres/connect/session'
import { until } from '../support/eventually'
import { labDoor } from '../support/lab'
import { isAt } from '../support/migrating'
import { Switching } from '../support/switching'

let it: Switching

beforeEach(async () => {
  it = await Switching.start('gcp')
  await it.isFollowing('stock', it.pair.name)
}, 300_000)
afterEach(() => it?.close())

const failover = (operation: string, ...more: string[]) =>
  it.ended(operation, 'failover', 'stock', '--to', it.pair.name, '--patience', '2s', ...more)
const document = async <T>(operation: string, name: string) => (await it.capstan.ledger.getDocument({ operation, name })) as T

async function lost(known = [...it.bank.times]): Promise<number[]> {
  const rows = await it.pair.onStandby<{ amount: number }>('SELECT amount::int AS amount FROM public.transfers')
  const there = new Set(rows.map(({ amount }) => amount))
  return known.filter(([number]) => !there.has(number)).map(([, at]) => at)
}

/** With a ledger that says that the standby follows still, as one of yesterday does. */
async function anotherLedgerIsToldByTheSource(): Promise<void> {
  const id = { source: 'stock', target: it.pair.name }
  const told = { reason: null, operation: null, at: new Date().toISOString() }
  await it.capstan.ledger.changeStandby({ ...id, ...told, from: 'gone', to: 'paused' })
  const again = await it.ended(
    'again',
    ...['failover', 'stock', '--to', it.pair.name, '--patience', '2s', '--although-it-answers', 'once more', '--plan'],
  )
  expect(again.status).toBe('planned')
  const blocks = again.steps.find((step) => step.id === 'plan')?.detail.findings ?? []
  expect(blocks).toContainEqual({ rule: 'failover:moved', message: expect.stringContaining('although has moved writing') })
  const switched = await it.ended('switched', 'switchover', 'stock', '--to', it.pair.name, '--plan')
  expect(switched).toMatchObject({ status: 'failed', failure: { code: 'DATABASE_REFUSED' } })
  expect(switched.failure?.message).toContain('although has moved writing')
}

/** All but the probes: one whose worker dies over and over does not know, and a source of which too many do not know is not given up. */
const ACTS = [
  ...['lookAtSource', 'describeStandby', 'whereTo', 'planFailover', 'startFence'],
  ...['judgeFence', 'recordFenced', 'awaitApplied', 'recordOpening', 'openAsWriter', 'moveEndpoint'],
]

test('stopped, and behind: how long it took is printed, what the standby lacks is what was said, and that its networks stay open is told', async () => {
  await labDoor(it.capstan).order({ kind: 'cut-link', from: 'gcp', to: 'aws', for: '1h' })
  await sleep(1_000)
  await it.pair.stopSource()
  const operation = await failover('stopped', '--accept-loss', '1h')
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'inconclusive', failure: null })
  await it.writesGoOn()
  const kept = await document<FailoverKept>('stopped', FAILOVER_DOCUMENTS.kept)
  const fenced = await document<FailoverFence>('stopped', FAILOVER_DOCUMENTS.fenced)
  const { probed } = await document<FailoverPlan>('stopped', FAILOVER_DOCUMENTS.plan)
  const [from, to, declared] = [kept.beat?.at ?? '', fenced.at, probed.declaredAt].map((at) => Date.parse(at))
  const gone = await lost()
  expect(gone.length).toBeGreaterThan(0)
  expect(gone.filter((at) => at < (from ?? 0) || at > (to ?? 0))).toEqual([])
  const took = (it.firstAcceptedAfter('standby', from ?? 0) ?? 0) - (declared ?? 0)
  process.stdout.write(`failover: ${Math.round(took)} ms from declared dead to an accepted write\n`)
  expect(it.writers()).toEqual(['source', 'standby'])
}, 600_000)

test.each(['before', 'after'])(
  'a worker that dies once %s each act: one writer, and no row is lost but those that were said to be',
  async (when) => {
    await labDoor(it.capstan).order({ kind: 'cut-link', from: 'gcp', to: 'aws', for: '1h' })
    await sleep(1_000)
    await it.pair.stopSource()
    const deaths = ACTS.map((act) => `${act}#1:${when}`)
    for (const death of deaths) it.capstan.arm(death)
    const operation = await failover('killed', '--accept-loss', '1h')
    expect(operation).toMatchObject({ status: 'succeeded', failure: null })
    expect(deaths.filter((death) => it.capstan.disarm(death))).toEqual([])
    await it.writesGoOn()
    const kept = await document<FailoverKept>('killed', FAILOVER_DOCUMENTS.kept)
    const fenced = await document<FailoverFence>('killed', FAILOVER_DOCUMENTS.fenced)
    const [from, to] = [Date.parse(kept.beat?.at ?? ''), Date.parse(fenced.at)]
    expect((await lost()).filter((at) => at < from || at > to)).toEqual([])
    expect(it.writers()).toEqual(['source', 'standby'])
  },
  900_000,
)

test('a source that serves and is given up by two persons is closed and drained first: nothing is lost', async () => {
  const running = failover('although', '--although-it-answers', 'the region is to be left', '--accept-loss', '1h')
  await until('the question', async () => isAt(await it.capstan.ledger.getOperation('although'), 'approve', 'running'))
  await until('an approval', async () => (await it.pair.cli('ops', 'approve', 'although', '--by', 'bob')).code === 0)
  const deaths = ['fenceInside#1:after', 'markSource#1:after']
  for (const death of deaths) it.capstan.arm(death)
  expect(await running).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(deaths.filter((death) => it.capstan.disarm(death))).toEqual([])
  await it.writesGoOn()
  expect(await lost()).toEqual([])
  expect(await document<FailoverKept>('although', FAILOVER_DOCUMENTS.kept)).toMatchObject({ lossMsMax: 0, drained: true })
  await anotherLedgerIsToldByTheSource()
  expect(it.writers()).toEqual(['source', 'standby'])
}, 600_000)

const writes = (session: Session): Promise<boolean> =>
  session.query('UPDATE public.accounts SET holder = holder WHERE id = 2').then(
    () => true,
    () => false,
  )

const fenceOf = async (operation: string) => (await it.capstan.ledger.listFences()).find((one) => one.operation === operation)

test('one that nobody can fence is opened on a person’s word, which is told everywhere; back to life, it writes for whoever was inside until the watch stops it', async () => {
  const lab = labDoor(it.capstan)
  const zombie = await it.pair.source.app()
  const frozen = await lab.order({ cloud: 'aws', kind: 'freeze-instance', instance: 'stock', for: '1h' })
  const throttled = await lab.order({ cloud: 'aws', kind: 'throttle', operation: 'StopDBInstance', times: 100_000 })
  const running = failover('unfenced', '--acknowledge-unfenced', 'its routes are withdrawn', '--fence-within', '3s')
  await until('the question', async () => isAt(await it.capstan.ledger.getOperation('unfenced'), 'approve', 'running'))
  const shown = await it.pair.cli('ops', 'show', 'unfenced', '--plan')
  expect(shown.stdout).toContain('its routes are withdrawn')
  await until('an approval', async () => (await it.pair.cli('ops', 'approve', 'unfenced', '--by', 'bob')).code === 0)
  const operation = await running
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'inconclusive' })
  const fence = operation.steps.find(({ id }) => id === 'fence')
  expect(fence?.detail).toMatchObject({ acknowledgedBy: 'alice', acknowledgedWhy: 'its routes are withdrawn' })
  expect(await document<FailoverKept>('unfenced', FAILOVER_DOCUMENTS.kept)).toMatchObject({ lossMsMax: null })
  await it.writesGoOn()
  // frozen until after the promotion: that is what was answered for
  await lab.withdraw(frozen)
  expect(await writes(zombie)).toBe(true)
  const { findings } = (await it.capstan.temporal.workflow.getHandle('unfenced').result()) as OperationResult
  expect(findings).toContainEqual({ rule: 'failover:unfenced', message: expect.stringContaining('may still write there') })
  await it.capstan.temporal.schedule.getHandle(keepFencedId((await fenceOf('unfenced'))!)).trigger()
  await lab.withdraw(throttled)
  await until('the watch to stop it', async () => ((await fenceOf('unfenced'))?.reasserted ?? 0) > 0)
  await until('whoever was inside to be gone', async () => !(await writes(zombie)))
  await expect(it.pair.source.app()).rejects.toThrow()
  const listed = await it.capstan.capstan(['fence', 'list', '--prometheus'])
  expect(listed.stdout).toMatch(/capstan_fence_reasserted_total\{cloud="aws".*\} [1-9]/)
  const gone = Date.now()
  await it.writesGoOn()
  expect(it.firstAcceptedAfter('source', gone)).toBeNull()
  await zombie.close()
}, 600_000)
