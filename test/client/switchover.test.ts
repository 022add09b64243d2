import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { paperLines, switchoverPlanLines } from '../../client/cli/render/switchover'
import { prepareSwitchover, type SwitchoverQuestion } from '../../client/start-switchover'
import { commonInput, openingRecord } from '../../contracts/start'
import { type SwitchoverPlan, switchoverStarter } from '../../contracts/switchover'
import { fleetWith, STANDBY, standbyOf } from './standby-fleet'

const folder = mkdtempSync(join(tmpdir(), 'capstan-switchover-'))
afterAll(() => rmSync(folder, { recursive: true }))
const paint = (_style: unknown, text: string): string => text

let files = 0
function fleet(text: string): string {
  files += 1
  const file = join(folder, `fleet-${files}.yaml`)
  writeFileSync(file, text)
  return file
}

const BACK = 'maxRetained: 20GB, wayBack: { user: follower, secret: env:B, tls: require, port: 5433 }'
const ENDPOINT = '    endpoint: { kind: lab-router, name: shop }\n'
const both = fleet(fleetWith(standbyOf('shop-azure', BACK), ENDPOINT + STANDBY))
const oneWay = fleet(fleetWith(standbyOf('shop-azure')))
const prepared = (more: Partial<SwitchoverQuestion> = {}) =>
  prepareSwitchover({
    fleetFile: both,
    source: 'shop',
    standby: null,
    rehearse: false,
    oneWay: null,
    drainMsMax: 30_000,
    compareMsMax: 0,
    observeMs: 0,
    ...more,
  })

describe('a pair', () => {
  test('is declared once and moves writing there and back: each side follows as the other’s role', async () => {
    const there = await prepared()
    expect(there).toMatchObject({
      database: { name: 'shop', endpoint: { name: 'shop' } },
      switchover: {
        standby: { name: 'shop-azure' },
        declared: { publisher: { user: 'shop_replicator' } },
        back: { publisher: { user: 'follower', port: 5433 } },
      },
    })
    const back = await prepared({ source: 'shop-azure', standby: 'shop' })
    expect(back.database).toMatchObject({ name: 'shop-azure', endpoint: { name: 'shop' } })
    expect(back.switchover.declared).toEqual(there.switchover.back)
    // the second crossing is the first one turned
    expect(back.switchover.back).toMatchObject({ database: 'shop-azure', publisher: { user: 'shop_replicator' } })
    expect((await prepared({ source: 'shop-azure' })).switchover.standby.name).toBe('shop')
  })

  test('moves the first writer’s endpoint in both directions, and never one that is the standby’s own', async () => {
    const own = STANDBY.replace('    database: shop\n', `    database: shop\n${ENDPOINT.replace('name: shop', 'name: readers')}`)
    const fleetFile = fleet(fleetWith(standbyOf('shop-azure', BACK), ENDPOINT + own))
    for (const source of ['shop', 'shop-azure'])
      expect((await prepared({ fleetFile, source })).database.endpoint).toMatchObject({ name: 'shop' })
  })

  test('without a way back goes one way, and the plan is what refuses it', async () => {
    expect((await prepared({ fleetFile: oneWay })).switchover.back).toBeNull()
    await expect(prepared({ fleetFile: oneWay, source: 'shop-azure' })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })

  test('has to be declared, and to be named where there are several', async () => {
    const none = fleet(fleetWith(standbyOf('shop-azure')).replace(/ {4}standbys: .*\n/, ''))
    await expect(prepared({ fleetFile: none })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('neither declares'),
    })
    await expect(prepared({ standby: 'shop-azur' })).rejects.toMatchObject({ code: 'DATABASE_UNKNOWN' })
    await expect(prepared({ standby: 'shop' })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    const second = STANDBY.replace('name: shop-azure', 'name: shop-eu').replace('instance: shop-az', 'instance: shop-eu')
    const two = fleet(fleetWith(`${standbyOf('shop-azure', BACK)}, ${standbyOf('shop-eu', BACK)}`, STANDBY + second))
    await expect(prepared({ fleetFile: two })).rejects.toMatchObject({ message: expect.stringContaining('shop-azure, shop-eu') })
    expect((await prepared({ fleetFile: two, standby: 'shop-eu' })).switchover.standby.name).toBe('shop-eu')
  })
})

test('an approval is asked for where either policy says so, of a rehearsal too: it makes the way back, and takes it away', async () => {
  const careful = fleet(
    fleetWith(standbyOf('shop-azure', BACK), STANDBY.replace('    canary:', '    policy: { approval: required }\n    canary:')),
  )
  const started = async (rehearse: boolean) => {
    const bundle = await prepared({ fleetFile: careful, rehearse })
    const { database, switchover } = bundle
    const starter = switchoverStarter(database, switchover, 'apply')
    const asked = {
      operation: 'switch-one',
      entry: database,
      bundle: 'd',
      mode: 'apply',
      requestedBy: 'alice',
      heartbeatTimeoutMs: 1,
    } as const
    expect(openingRecord(asked, starter, '2026-01-01T00:00:00.000Z').databases).toEqual(['shop', 'shop-azure'])
    return starter.inputOf(commonInput(asked))
  }
  expect(await started(false)).toMatchObject({
    approval: 'required',
    standby: 'shop-azure',
    standbyCloud: 'azure',
    rehearse: false,
  })
  expect(await started(true)).toMatchObject({ approval: 'required', rehearse: true })
})

const address = (instance: string) => ({
  instance,
  instanceId: `id-${instance}`,
  engineVersion: '17.10',
  host: `${instance}.example`,
  port: 5432,
})
const names = { publication: 'p', slot: 's', subscription: 'u' }
const PLAN: SwitchoverPlan = {
  ...{ version: 1, digest: 'd'.repeat(64), bundle: 'b'.repeat(64), source: address('shop-1'), standby: address('shop-az') },
  ...{ names, back: { ...names, slot: 'back_slot' }, endpointAt: { host: 'shop-1.example', port: 5432 }, holds: true },
  ...{ closes: ['shop'], fence: 'shop closes; 12 sessions end', tables: 2, sequences: 1, lagMs: 400, predictedOutageMs: 1_900 },
  ...{ objects: 'a'.repeat(64), unlogged: [] },
  blocks: [],
  warnings: [],
}

test('a plan says what closes, where applications are led, and for how long nobody can write', () => {
  const shown = (plan: SwitchoverPlan) => switchoverPlanLines(plan, { name: 'shop' }, { paint, columns: 120 }).join('\n')
  expect(shown(PLAN)).toContain('moves the endpoint from shop-1.example:5432 to shop-az.example:5432')
  expect(shown(PLAN)).toContain('no writer for about 1.9 s')
  expect(shown(PLAN)).toContain('nothing stands in the way')
  expect(shown(PLAN)).toContain('clients of the endpoint wait meanwhile')
  expect(shown({ ...PLAN, holds: false })).not.toContain('wait meanwhile')
  const blocked = shown({
    ...PLAN,
    lagMs: null,
    endpointAt: null,
    blocks: [{ rule: 'switchover:state', message: 'The standby is \u001b[2Jpaused.' }],
  })
  expect(blocked).toContain('a person moves them')
  expect(blocked).toContain('1 finding to be mended first')
  expect(blocked).not.toContain('\u001b')
})

test('without a way back a plan says what that means and why, and whoever starts it says so', async () => {
  const because = 'The source on db is PostgreSQL 15.'
  const lines = switchoverPlanLines(
    { ...PLAN, oneWay: { because, reason: 'it \u001b[2Jgoes' } },
    { name: 'shop' },
    { paint, columns: 120 },
  )
  const shown = lines.join('\n')
  expect(shown).toContain('shop-1 stays closed, and going back loses what is written on shop-az from then on')
  expect(shown).toMatch(/the reason that was given: it .*goes/)
  expect([shown.includes('follows shop-az'), shown.includes('\u001b')]).toEqual([false, false])
  const { database, switchover } = await prepared({ fleetFile: oneWay, oneWay: 'it goes' })
  expect(switchover).toMatchObject({ oneWay: 'it goes', back: null })
  const { summary, inputOf } = switchoverStarter(database, switchover, 'apply')
  expect(summary).toContain('with no way back')
  expect(inputOf({} as never)).toMatchObject({ oneWay: true })
  const there = await prepared()
  expect(switchoverStarter(there.database, there.switchover, 'apply').inputOf({} as never)).not.toHaveProperty('oneWay')
})

test('papers are shown whole', () => {
  const sql = `SELECT ${'x'.repeat(300)};`
  const lines = paperLines(
    { forward: [{ id: 'close', title: 'Close it', where: 'source', sql: [sql] }], back: [], afterwards: [] },
    paint,
  )
  expect(lines).toContain(`    ${sql}`)
})
