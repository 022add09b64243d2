/** What verifications may cost: shown before, held against a run's cap and a night's money, and reckoned afterwards. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OperationDocument } from '../../contracts/operation'
import { type ReckonedCost, VERIFY_BACKUP_DOCUMENTS, type VerificationPlan } from '../../contracts/verify-backup'
import { type CliRun, capstan } from '../client/recorded-io'
import { labDoor } from '../support/lab'
import { migrating } from '../support/migrating'
import { FIRST } from '../support/target'
import { giveRows } from '../support/verifying'

const it = migrating(() => ({ env: { CAPSTAN_LAB_PROFILE: 'instant' } }))

/** An hour is billed whole, and is one: storage is in it. */
const regionPrices = (instanceClass: string): string =>
  `- { cloud: aws, region: us-east-1, classes: { ${instanceClass}: 1 }, storage: 0, billedAtLeast: 1h, billedIn: 1h }`
const fleetOf = ({ of = 'db.t4g.medium', entry = 'maxHours: 2', night = '' } = {}): string =>
  it.target.fleet(FIRST, '', (yaml) => {
    const prices = `prices:\n  currency: EUR\n  regions:\n    ${regionPrices(of)}\n`
    const fleet = night === '' ? '' : `verification: { moneyPerNight: ${night} }\n`
    return yaml.replace('version: 1\n', `version: 1\n${prices}${fleet}`).concat(`    verification: { ${entry} }\n`)
  })

function typed(args: readonly string[]): Promise<CliRun> {
  const { stack, dir } = it.capstan
  const { temporal, ledgerUrl, labApi } = stack.endpoints
  return capstan(args, {
    env: {
      CAPSTAN_STATE_DIR: join(dir, 'state'),
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: temporal.namespace,
      CAPSTAN_LEDGER_URL: ledgerUrl,
      CAPSTAN_LAB_API: labApi,
    },
  })
}

const verify = (operation: string, fleet: string, ...more: string[]): Promise<CliRun> =>
  typed(['verify-backup', 'stock', '--fleet', fleet, '--json', '--operation', operation, ...more])

const document = (operation: string, name: string): Promise<unknown> => it.capstan.ledger.getDocument({ operation, name })

beforeAll(async () => {
  await giveRows(it.target)
  const { exit, err } = await typed(['snapshot', 'stock', '--fleet', fleetOf(), '--json', '--operation', 'backed-up'])
  expect([exit, err]).toEqual([0, ''])
})

test('a plan says what it costs at most, or which price is missing, and a cap that pays for nothing is refused before anything is made', async () => {
  const mark = await labDoor(it.capstan).mark()
  const page = await typed(['verify-backup', 'stock', '--fleet', fleetOf(), '--plan'])
  expect(page.out).toContain("costs 2.00 EUR at most, reckoned by the fleet file's prices\n")
  const shortened = await verify('shortened', fleetOf({ entry: 'maxHours: 6, maxCost: 3.50' }), '--plan')
  const { plan } = shortened.json as { plan: VerificationPlan }
  expect(plan).toMatchObject({ withinMs: 3 * 3_600_000, cost: { atMostMicros: 3_000_000, shortenedFromMs: 6 * 3_600_000 } })
  const unpriced = await typed(['verify-backup', 'stock', '--fleet', fleetOf({ of: 'db.r6g.large' }), '--plan'])
  expect([unpriced.exit, unpriced.out]).toEqual([
    0,
    expect.stringContaining('what it costs nobody knows: the fleet file has no price for db.t4g.medium in aws us-east-1'),
  ])
  const missing = await verify('missing', fleetOf({ of: 'db.r6g.large', entry: 'maxCost: 3.50' }))
  expect([missing.exit, missing.json]).toMatchObject([3, { status: 'failed', failure: { code: 'PRICE_MISSING' } }])
  const dear = await verify('dear', fleetOf({ entry: 'maxCost: 0.50' }))
  expect([dear.exit, dear.json]).toMatchObject([3, { status: 'failed', failure: { code: 'COST_TOO_HIGH' } }])
  expect((await labDoor(it.capstan).calls(mark)).filter(({ effect }) => effect)).toEqual([])
})

test('what a run is reckoned to have cost is on its record and in its evidence', async () => {
  const { exit, json } = await verify('priced', fleetOf({ entry: 'maxHours: 2, maxCost: 5' }))
  expect([exit, json]).toMatchObject([0, { status: 'succeeded', verdict: 'pass' }])
  const cost = (await document('priced', VERIFY_BACKUP_DOCUMENTS.cost)) as ReckonedCost
  expect(cost).toMatchObject({ micros: 1_000_000, currency: 'EUR', atMostMicros: 2_000_000, capMicros: 5_000_000, goesOn: false })
  const evidence = await it.capstan.ledger.getEvidence('priced')
  expect(evidence?.document).toMatchObject({ documents: { 'verification-cost': cost } })
  const html = join(it.capstan.dir, 'priced.html')
  expect((await typed(['ops', 'evidence', 'priced', '--html', html])).exit).toBe(0)
  expect(readFileSync(html, 'utf8')).toMatch(/Cost, reckoned<\/span><strong>1\.00 EUR<\/strong><small>of 5\.00 EUR allowed/)
  const page = await typed(['verify-backup', 'stock', '--fleet', fleetOf(), '--plan'])
  expect(page.out).toContain('costs 2.00 EUR at most, about 1.00 EUR if it takes as long as the last one')
})

test('a run that reaches the time that its cap pays for ends there, and leaves nothing behind', async () => {
  const prices = 'classes: { db.t4g.medium: 3600 }, storage: 0, billedAtLeast: 1s, billedIn: 1s }'
  const fleet = it.target.fleet(FIRST, '', (yaml) => {
    const more = `prices:\n  currency: EUR\n  regions:\n    - { cloud: aws, region: us-east-1, ${prices}\n`
    return yaml.replace('version: 1\n', `version: 1\n${more}`).concat('    verification: { maxCost: 1 }\n')
  })
  // A kind of point that no earlier run took any time for: nothing says that a second is too short.
  const { exit, json } = await verify('cut-short', fleet, '--at', 'now')
  expect([exit, json]).toMatchObject([3, { status: 'failed', failure: { code: 'VERIFICATION_TIMED_OUT' } }])
  expect((json as OperationDocument).failure?.message).toContain('longer than the 1 s that it may')
  expect(await it.target.leftovers()).toEqual([])
})

test('a night’s money holds over repeated calls, and one that it can never pay for is named', async () => {
  const all = async (night: string, entry = 'maxHours: 2', ...more: string[]) => {
    const { exit, json } = await typed(['verify-backup', '--all', '--json', '--fleet', fleetOf({ night, entry }), ...more])
    return { exit, ...(json as Night) }
  }
  const before = await all('100', 'maxHours: 2', '--plan')
  expect(before).toMatchObject({ chosen: ['stock'], left: [], money: { atMostMicros: 2_000_000 } })
  const spent = before.money.spentMicros
  expect(spent).toBeGreaterThanOrEqual(1_000_000)
  const night = String(spent / 1_000_000 + 2)
  const first = await all(night)
  expect(first).toMatchObject({ runs: [{ database: 'stock', status: 'succeeded' }], left: [] })
  expect(first.money.spentMicros).toBe(spent + 1_000_000)
  const page = await typed(['verify-backup', '--all', '--yes', '--fleet', fleetOf({ night })])
  expect(page.out).toContain(
    `verifies stock, as far as the night's ${(Number(night)).toFixed(2)} EUR reach\n  not stock: it costs 2.00 EUR at most`,
  )
  const [run] = first.runs
  // Its own plan holds it to what was bound for it.
  expect(await document(run?.operation ?? '', VERIFY_BACKUP_DOCUMENTS.cost)).toMatchObject({ capMicros: 2_000_000 })
  const second = await all(night)
  expect(second).toMatchObject({ runs: [], left: [{ database: 'stock', needsSomebody: false }] })
  expect(second.left[0]?.why).toContain('it costs 2.00 EUR at most, and this night has 1.00 EUR left')
  const never = await all('1.50')
  expect(never).toMatchObject({ exit: 1, runs: [], left: [{ database: 'stock', needsSomebody: true }] })
  expect(never.databases[0]?.alerts.map(({ code }) => code)).toContain('beyond-budget')
  const refused = await all('100', 'maxCost: 0.50')
  expect(refused).toMatchObject({ exit: 1, runs: [], left: [{ database: 'stock', needsSomebody: true }] })
  expect(refused.left[0]?.why).toContain('COST_TOO_HIGH: verification.maxCost of stock, 0.50 EUR, pays for')
  expect(refused.databases[0]?.alerts.map(({ code }) => code)).toContain('run-failed')
})

interface Night {
  readonly chosen: readonly string[]
  readonly runs: readonly { readonly operation: string | null }[]
  readonly left: readonly { readonly why: string }[]
  readonly money: { readonly spentMicros: number }
  readonly databases: readonly { readonly alerts: readonly { readonly code: string }[] }[]
}
