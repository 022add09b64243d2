/** Writing moves from a PostgreSQL 15 on RDS to a 17 on Cloud SQL, to which no way leads back, while a bank goes on through the router. One stack for all: each test goes on
 *  from where the one before left both. */
import type { Session } from '../../postgres/connect/session'
import { until } from '../support/eventually'
import { recordHistory } from '../support/histories'
import { remains } from '../support/replicating'
import { Switching } from '../support/switching'

let it: Switching
const WHY = 'PostgreSQL 15 goes'

beforeAll(async () => {
  it = await Switching.start('gcp', { oneWay: true })
  await it.isFollowing('stock', it.pair.name)
})
afterAll(() => it?.close())

const lets = async (open: () => Promise<Session>): Promise<boolean> => {
  const session = await open().catch(() => null)
  await session?.close()
  return session !== null
}

test('without the word of somebody it is refused, and the plan names the option', async () => {
  const refused = await it.ended('refused', 'switchover', 'stock')
  expect(refused).toMatchObject({ status: 'failed', verdict: 'fail' })
  expect(JSON.stringify(refused.steps)).toMatch(/PostgreSQL 15: .*--no-way-back/)
  expect(it.writers()).toEqual(['source'])
})

test('rehearsed, nothing is moved and nothing of it stays', async () => {
  const operation = await it.ended('rehearse', 'switchover', 'stock', '--rehearse', '--no-way-back', WHY)
  expect(operation).toMatchObject({ status: 'succeeded', failure: null })
  expect(operation.steps.map(({ id }) => id)).toEqual(expect.arrayContaining(['apart', 'rehearse', 'take-away']))
  await it.writesGoOn()
  const left = (await remains(it.pair)).map((one) => one.split(' ').slice(0, 2).join(' ')).sort()
  expect(left).toEqual(['source publication', 'source sender', 'source slot', 'standby subscription'])
})

test('an endpoint that somebody moves behind the fence: writing does not move, and the source is opened again', async () => {
  it.capstan.arm('fenceAndDrain#1:after')
  const deaths = it.capstan.deaths()
  const running = it.ended('drifted', 'switchover', 'stock', '--no-way-back', WHY)
  await until('the fence to be up', async () => it.capstan.deaths() > deaths)
  await it.leadTo('standby')
  const operation = await running.finally(() => it.leadTo('source'))
  expect(operation).toMatchObject({ status: 'failed', failure: { code: 'ENDPOINT_DRIFTED' } })
  await it.writesGoOn()
  await it.isWholeOnBothSides()
  expect(it.writers()).toEqual(['source'])
})

/** The second is past what can be taken back. */
const DEATHS = ['fenceAndDrain#1:after', 'moveEndpoint#1:after', 'leaveOldClosed#1:after']

test('though its worker dies inside the fence and beyond it, writing moves once, loses nothing, and the old writer stays closed', async () => {
  for (const boundary of DEATHS) it.capstan.arm(boundary)
  const operation = await it.ended('there', 'switchover', 'stock', '--no-way-back', WHY)
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  await recordHistory(it.capstan.temporal, 'there', 'switchover-one-way')
  expect(DEATHS.filter((boundary) => it.capstan.disarm(boundary))).toEqual([])
  const ids = operation.steps.map(({ id }) => id)
  expect(ids).toEqual(expect.arrayContaining(['apart', 'cross', 'move', 'open', 'leave']))
  for (const id of ['way-back', 'follow', 'turn']) expect(ids).not.toContain(id)
  await it.writesGoOn()
  await it.isWholeOn(it.pair.onStandby)
  expect(it.writers()).toEqual(['source', 'standby'])
  for (const open of [it.pair.source.app, it.pair.source.admin, it.pair.source.migrator]) expect(await lets(open)).toBe(false)
})

test('the reason is in the plan and the evidence, the ledger knows no pair, and nothing leads back', async () => {
  const evidence = await it.pair.cli('ops', 'evidence', 'there', '--json')
  expect(evidence.stdout).toContain(WHY)
  const states = await Promise.all([
    it.capstan.ledger.getStandby({ source: 'stock', target: it.pair.name }),
    it.capstan.ledger.getStandby({ source: it.pair.name, target: 'stock' }),
  ])
  expect(states.map((one) => one?.state)).toEqual(['gone', undefined])
  const failed = /"kind":"(replicate|switchover|failover)".*"status":"failed"/
  for (const [told, ...words] of [
    [failed, 'standby', 'resume', 'stock', '--to', it.pair.name],
    [failed, 'standby', 'reseed', 'stock', '--to', it.pair.name],
    [/declares no standby/, 'standby', 'resume', it.pair.name, '--to', 'stock'],
    [/declares no standby/, 'standby', 'reseed', it.pair.name, '--to', 'stock'],
    [failed, 'switchover', 'stock', '--no-way-back', WHY],
    [failed, 'failover', 'stock', '--to', it.pair.name],
  ] as const) {
    const { code, stdout } = await it.pair.run(...words)
    expect([words.join(' '), code, told.test(stdout)]).toEqual([words.join(' '), 2, true])
  }
  for (const open of [it.pair.source.app, it.pair.source.admin, it.pair.source.migrator]) expect(await lets(open)).toBe(false)
  const left = await it.pair.onStandby(
    'SELECT subname AS name FROM pg_subscription UNION ALL SELECT slot_name FROM pg_replication_slots',
  )
  expect(left).toEqual([])
  await it.writesGoOn()
})
