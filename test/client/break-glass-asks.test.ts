/** Whom a person who goes on by hand trusts: the addresses that papers name, before a password goes there; and the ledger, or himself, for a standby that does not
 *  answer. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noFailoverRan } from '../../client/break-glass/failovers'
import { parseFleet } from '../../client/fleet/parse-fleet'
import { openLedger } from '../../ledger/ledger'
import { papersOf } from '../../postgres/break-glass/papers'
import { standbyNames } from '../../postgres/replicate/names'
import { type CliEnvironment, capstan } from './recorded-io'
import { fleetWith, standbyOf } from './standby-fleet'
import { withLedger } from './with-ledger'

const it = withLedger()
const OPERATION = 'switchover-shop-1'
const FLEET = fleetWith(standbyOf('shop-azure')).replaceAll('env:', 'env:SHOP_')

/** Whoever altered the papers listens there. */
let knocks = 0
const thief = createServer((socket) => {
  knocks += 1
  socket.destroy()
})
let dir: string
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'capstan-asks-'))
  await new Promise<void>((listening) => thief.listen(0, '127.0.0.1', listening))
  writeFileSync(join(dir, 'fleet.yaml'), FLEET)
  writeFileSync(join(dir, 'papers.json'), JSON.stringify(papers()))
})
afterAll(async () => {
  await new Promise((closed) => thief.close(closed))
  rmSync(dir, { recursive: true, force: true })
})
beforeEach(() => {
  knocks = 0
})

function papers() {
  const { port } = thief.address() as AddressInfo
  const at = { host: '127.0.0.1', port, database: 'shop', keeps: [] }
  const id = { source: 'shop', target: 'shop-azure' }
  return papersOf({
    ...{ operation: OPERATION, writtenAt: '2026-11-30T00:00:00.000Z', id, connectionLimit: -1, drainMsMax: 30_000 },
    sides: {
      source: { ...at, name: 'shop', instance: 'shop-db', instanceId: 'a' },
      standby: { ...at, name: 'shop-azure', instance: 'shop-az', instanceId: 'b' },
    },
    names: { forward: standbyNames(id), back: standbyNames({ source: id.target, target: id.source }) },
    endpoint: { kind: 'none', at: null, declared: { kind: 'none' } },
    epochs: { source: 1, standby: 1, keyhole: 1 },
  })
}

function byHand(deed: string, more: readonly string[], answer: CliEnvironment['answer'] = null) {
  const secrets = Object.fromEntries(['A', 'M', 'R', 'AZ', 'MZ'].map((name) => [`SHOP_${name}`, 'pw']))
  const env = { CAPSTAN_FLEET: join(dir, 'fleet.yaml'), CAPSTAN_SECRET_VARIABLES: 'SHOP_', ...secrets }
  return capstan(['break-glass', deed, '--papers', join(dir, 'papers.json'), ...more], { env, answer })
}

test.each([
  ['show', [], null],
  ['show', ['--json'], null],
  ['show', [], 'n'],
  ['finish', [], 'n'],
  ['revert', [], 'n'],
  ['finish', ['--confirm', 'shop'], 'n'],
  ['finish', ['--yes', '--confirm', 'shop-azure'], null],
] as const)('%s %j, answered %j: nobody has logged in where only the papers lead', async (deed, more, answer) => {
  const { out } = await byHand(deed, more, answer)
  expect(out).toContain(`${(thief.address() as AddressInfo).port}`)
  expect(knocks).toBe(0)
})

test('who says that the addresses are right is told where it stands', async () => {
  const { json } = await byHand('show', ['--json', '--yes'])
  expect(json).toMatchObject({ standing: { stage: 'unknown' }, papers: { operation: OPERATION } })
  expect(knocks).toBeGreaterThan(0)
})

describe('where the standby does not answer', () => {
  const asked = (why: string | null) =>
    noFailoverRan(papers(), { withLedger: (work) => work(it.ledger), why }).catch(({ code, message }) => `${code} ${message}`)
  const nowhere = async () => {
    const away = openLedger({ url: 'postgres://nobody@127.0.0.1:9/ledger' })
    return noFailoverRan(papers(), { withLedger: (work) => work(away), why: null }).finally(() => away.close())
  }

  async function opened(id: string, kind: 'switchover' | 'failover' | 'exchange', day: number): Promise<void> {
    const [database] = parseFleet(FLEET, 'fleet.yaml').databases
    if (database === undefined) throw new Error('the file has none')
    const bundle = await it.ledger.putBundle({ version: 1, database, migrations: [] })
    const about = { databases: ['shop', 'shop-azure'], cloud: 'aws', environment: 'production', mode: 'apply' } as const
    const startedAt = `2026-11-${day}T00:00:00.000Z`
    await it.ledger.openOperation({ id, kind, ...about, requestedBy: 'ada', startedAt, bundle })
  }
  const ended = (operation: string, day: number) =>
    it.ledger.setStatus({
      ...{ operation, status: 'failed', finishedAt: `2026-11-${day}T01:00:00.000Z` },
      failure: { code: 'FENCE_NOT_PROVEN', message: 'x' },
    })
  const letIn = (operation: string) => it.ledger.putDocumentOnce({ operation, name: 'failover-opened', document: { version: 1 } })

  test('a ledger that says nothing has the person answer for it, by name', async () => {
    await expect(nowhere()).rejects.toMatchObject({
      code: 'FENCE_NOT_PROVEN',
      message: expect.stringContaining('--no-failover-ran'),
    })
    // it does not know the switchover: it is another one, or of before
    expect(await asked(null)).toMatch(/^FENCE_NOT_PROVEN .*--no-failover-ran/)
    expect(await asked('I have looked')).toContain('I have looked')
  })

  test('one that knows of no failover may have been restored, and is not believed; one that opened a standby refuses it, whatever is said', async () => {
    await opened(OPERATION, 'switchover', 29)
    await opened('failover-shop-0', 'failover', 10)
    await letIn('failover-shop-0')
    await ended('failover-shop-0', 10)
    expect(await asked(null)).toMatch(/^FENCE_NOT_PROVEN .*if it was restored since.*--no-failover-ran/)
    expect(await asked('I have looked')).toMatch(/I have looked \(nor has the ledger one\)/)
    await opened('failover-shop-1', 'failover', 28)
    expect(await asked('I have looked')).toMatch(/^FENCE_NOT_PROVEN failover-shop-1.*at work/)
    await ended('failover-shop-1', 30)
    expect(await asked('I have looked')).toMatch(/^no failover of shop ran/)
    const found = (operation: string, writer: string) =>
      it.ledger.putDocument({ operation, name: 'exchange-proven', document: { writer } })
    // a replica was to take over, and it came to nothing
    await opened('exchange-shop-1', 'exchange', 28)
    expect(await asked('I have looked')).toMatch(/^FENCE_NOT_PROVEN exchange-shop-1.*at work/)
    await letIn('exchange-shop-1')
    await found('exchange-shop-1', 'none')
    await ended('exchange-shop-1', 30)
    expect(await asked('I have looked')).toMatch(/^no failover of shop ran/)
    await opened('exchange-shop-2', 'exchange', 28)
    await found('exchange-shop-2', 'standby')
    await ended('exchange-shop-2', 30)
    expect(await asked('I have looked')).toMatch(/^NO_WAY_BACK exchange-shop-2/)
    await letIn('failover-shop-1')
    expect(await asked('I have looked')).toMatch(/^NO_WAY_BACK failover-shop-1/)
  })
})
