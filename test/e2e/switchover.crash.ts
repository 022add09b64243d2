/** Writing moves from RDS to Cloud SQL and back by the same command, while a bank goes on through the router. One stack for all: each test goes on from where the
 *  one before left both. */
import type { OperationDocument } from '../../contracts/operation'
import { SWITCHOVER_STEPS } from '../../contracts/switchover'
import { type CapstanStack, startCapstan } from '../support/capstan-stack'
import { eventually, until } from '../support/eventually'
import { MASTER_PASSWORD } from '../support/other-clouds'
import { ACCOUNTS, createPair, OPENING, type Pair, remains } from '../support/replicating'
import { type Bank, bankOn, leadTo, type Probe, startBank, startProbe } from '../support/switching'

const SOON = { CAPSTAN_HEARTBEAT_TIMEOUT_MS: '2000', CAPSTAN_WORKFLOW_TASK_TIMEOUT_MS: '3000' }

let starting: Promise<CapstanStack> | undefined
let capstan: CapstanStack
let pair: Pair
let bank: Bank
let probes: { readonly source: Probe; readonly standby: Probe }

beforeAll(async () => {
  starting = startCapstan({ env: { CAPSTAN_LAB_PROFILE: 'instant', SHOP_MASTER_PASSWORD: MASTER_PASSWORD, ...SOON } })
  capstan = await starting
  pair = await createPair(capstan, 'gcp', { both: true })
  await leadTo(capstan, 'stock', pair.source)
  bank = await startBank(capstan)
  expect(await ended('set-up', 'replicate', 'stock')).toMatchObject({ status: 'succeeded', failure: null })
  await isFollowing('stock', pair.name)
  probes = { source: startProbe(pair.source.app), standby: startProbe(pair.standby.app) }
})
afterAll(async () => {
  await Promise.all([bank?.stop(), probes?.source.stop(), probes?.standby.stop()])
  await (await starting)?.close()
})

async function ended(operation: string, ...words: string[]): Promise<OperationDocument> {
  const { stdout, stderr } = await pair.run(...words, '--operation', operation)
  if (stdout === '') throw new Error(`capstan ${words.join(' ')} said nothing: ${stderr}`)
  return JSON.parse(stdout) as OperationDocument
}

/** Seen by the watch. */
async function isFollowing(source: string, target: string): Promise<void> {
  await eventually(`${target} to follow ${source}`, async () => {
    const record = await capstan.ledger.getStandby({ source, target })
    return record?.state === 'following' && record.look?.lagMs != null ? record : undefined
  })
}

/** Writers go on: what is counted from now on is new. */
async function writesGoOn(): Promise<void> {
  const { size } = bank.acknowledged
  await until('the bank to go on', async () => bank.acknowledged.size > size + 50)
}

async function isWholeOnBothSides(): Promise<void> {
  const acknowledged = [...bank.acknowledged]
  const all = acknowledged.map(([amount, id]) => `${id} ${amount}`)
  await until('all of it on both sides', async () => {
    const sides = [await bankOn(pair.onSource), await bankOn(pair.onStandby)]
    return sides.every(({ transfers }) => {
      const there = new Set(transfers.map(({ id, amount }) => `${id} ${amount}`))
      return all.every((one) => there.has(one))
    })
  })
  for (const { sum, transfers } of [await bankOn(pair.onSource), await bankOn(pair.onStandby)]) {
    expect(sum).toBe(ACCOUNTS * OPENING)
    expect(new Set(transfers.map(({ amount }) => amount)).size).toBe(transfers.length)
    expect(new Set(transfers.map(({ id }) => id)).size).toBe(transfers.length)
  }
}

/** In the order in which they accepted writes; whoever accepted one before the other's last was acknowledged is told. */
function changesOfWriter(): string[] {
  const all = [
    ...probes.source.accepted.map((one) => ({ ...one, side: 'source' })),
    ...probes.standby.accepted.map((one) => ({ ...one, side: 'standby' })),
  ].sort((a, b) => a.to - b.to)
  return all.flatMap(({ side, from }, at) => {
    const before = all[at - 1]
    if (before?.side === side) return []
    return before !== undefined && from < before.to ? [`${side}, at the same time`] : [side]
  })
}

test('rehearsed, nothing is moved, and how long it would take is said', async () => {
  const operation = await ended('rehearse', 'switchover', 'stock', '--rehearse')
  expect(operation).toMatchObject({ status: 'succeeded', failure: null })
  expect(operation.steps.find(({ id }) => id === 'compare')?.detail).toMatchObject({ predictedOutageMs: expect.any(Number) })
  expect(operation.steps.map(({ id }) => id)).not.toContain('cross')
  await writesGoOn()
})

test('a standby that stands still: nothing moves, the source is opened again, and what made the way back is gone', async () => {
  capstan.arm('prepareWayBack#1:after')
  const deaths = capstan.deaths()
  const running = ended('stalled', 'switchover', 'stock', '--drain-within', '1s')
  await until('the way back to be prepared', async () => capstan.deaths() > deaths)
  const [sender] = await pair.onSource<{ pid: number }>('SELECT active_pid AS pid FROM pg_replication_slots WHERE active')
  if (sender === undefined) throw new Error('nobody reads the slot')
  process.kill(sender.pid, 'SIGSTOP')
  const operation = await running.finally(() => process.kill(sender.pid, 'SIGCONT'))
  expect(operation).toMatchObject({ status: 'failed', failure: { code: 'BARRIER_NOT_PASSED' } })
  const undone = operation.steps.filter(({ state }) => state === 'undone').map(({ id }) => id)
  expect(undone.sort()).toEqual(['cross', 'way-back'])
  await writesGoOn()
  expect((await remains(pair)).map((one) => one.split(' ').slice(0, 2).join(' ')).sort()).toEqual(FOLLOWED)
  await isWholeOnBothSides()
  expect(changesOfWriter()).toEqual(['source'])
})

/** The way there, and no way back. */
const FOLLOWED = ['source publication', 'source sender', 'source slot', 'standby subscription']

test('a worker that dies inside the fence: its successor begins anew, and writing moves once', async () => {
  capstan.arm('fenceAndDrain#1:after')
  const operation = await ended('there', 'switchover', 'stock')
  expect(operation).toMatchObject({ status: 'succeeded', failure: null })
  expect(capstan.disarm('fenceAndDrain#1:after')).toBe(false)
  const steps = Object.values(SWITCHOVER_STEPS).map(({ id }) => id)
  expect(operation.steps.map(({ id }) => id).sort()).toEqual(steps.filter((id) => id !== 'approve').sort())
  await writesGoOn()
  await isWholeOnBothSides()
  expect(changesOfWriter()).toEqual(['source', 'standby'])
})

test('writing moves back by the same command', async () => {
  await isFollowing(pair.name, 'stock')
  expect(await ended('back', 'switchover', pair.name, '--to', 'stock')).toMatchObject({ status: 'succeeded', failure: null })
  await writesGoOn()
  await isWholeOnBothSides()
  expect(changesOfWriter()).toEqual(['source', 'standby', 'source'])
  await isFollowing('stock', pair.name)
})
