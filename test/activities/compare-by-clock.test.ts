/** The rows of a standby held against its source's, a slice at a time, on two real servers with a real ledger. */
import { type Act, runAct } from '../../activities/act'
import type { ActivityDeps } from '../../activities/deps'
import { compareByClock } from '../../activities/replication/compare-by-clock'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { StandbyWatch } from '../../contracts/replicate'
import type { ComparisonTold, DeclaredStandby, StandbyComparisons, StandbyState } from '../../contracts/standby'
import { type Ledger, openLedger } from '../../ledger/ledger'
import { type Following, follow, startSource, startStandby } from '../postgres/replicate/watch/following'
import type { TestServer } from '../postgres/support/server'
import { until } from '../support/eventually'

let servers: { source: TestServer; standby: TestServer }
let ledger: Ledger
beforeAll(async () => {
  const [source, standby] = await Promise.all([startSource(15), startStandby()])
  servers = { source, standby }
  const { options } = await standby.database()
  ledger = openLedger({ url: `postgres://${options.user}:secret@${options.host}:${options.port}/${options.database}` })
  await ledger.migrate()
})
afterAll(async () => {
  await ledger?.close()
  await Promise.all([servers?.source.stop(), servers?.standby.stop()])
})

const connection = { user: 'master', secret: 'env:IT', host: null, port: null, tls: 'disable' } as const
const entryOf = (name: string, database: string): DatabaseEntry =>
  ({
    ...{ name, cloud: 'gcp', account: 'shop-production', region: 'europe-west3', instance: name, database },
    ...{ environment: 'test', labels: {}, migrations: null },
    connections: { admin: connection, migrator: connection },
  }) as unknown as DatabaseEntry

interface Paired extends Following {
  readonly watch: StandbyWatch
  compared(): Promise<StandbyComparisons | undefined>
  ask(): Promise<void>
  /** `kept`: what an attempt before this one kept. `ledger`: instead of the real one. */
  slice(how?: {
    ledger?: Ledger
    sliceMs?: number
    kept?: unknown
    onKept?: (kept: unknown, leave: () => void) => void
  }): Promise<{ ended: boolean }>
  become(state: StandbyState, declared?: Partial<DeclaredStandby>): Promise<void>
}

let pairs = 0

/** Three tables of a hundred rows each. */
async function paired(): Promise<Paired> {
  const following = await follow(servers)
  const { source, standby, databases, name, publication } = following
  for (const table of ['orders', 'parcels']) {
    for (const side of [source, standby]) await side.execute(`CREATE TABLE ${table} (id int PRIMARY KEY, note text)`)
    await source.execute(
      `INSERT INTO ${table} SELECT g, 'n' FROM generate_series(1, 100) g; ALTER PUBLICATION ${publication} ADD TABLE ${table}`,
    )
  }
  await standby.execute(`ALTER SUBSCRIPTION ${name} REFRESH PUBLICATION`)
  await following.copied()
  await until('all of it', async () => (await standby.query('SELECT FROM parcels')).length === 100)
  const id = { source: `shop-${++pairs}`, target: `stand-${pairs}` }
  const declared: DeclaredStandby = {
    ...{ database: id.target, publisher: connection, retainedBytesMax: 1e9, lagMsMax: 60_000 },
    compare: { everyMs: 86_400_000, withinMs: 3_600_000 },
  }
  const entries = {
    source: entryOf(id.source, databases.source.options.database),
    standby: entryOf(id.target, databases.standby.options.database),
  }
  const replicate = { action: 'set-up', standby: entries.standby, declared, table: null } as const
  const bundle = await ledger.putBundle({ version: 1, database: entries.source, migrations: [], replicate })
  const at = new Date().toISOString()
  const names = { publication, slot: name, subscription: name }
  await ledger.openStandby({ ...id, operation: 'set-up', at, instances: { source: 'i-1', target: 'i-2' }, names, declared })
  const addressOf = ({ host, port }: TestServer) => ({ instance: 'shop', instanceId: 'i', host, port, engineVersion: '17' })
  const watch: StandbyWatch = {
    ...{ version: 1, ...id, bundle, cloud: 'gcp', standbyCloud: 'gcp', heartbeatTimeoutMs: 3_000 },
    sides: { source: addressOf(servers.source), standby: addressOf(servers.standby) },
  }
  const deps = { ledger, resolveSecret: async () => 'secret', sourceAddress: null } as unknown as ActivityDeps
  const become: Paired['become'] = async (state, more = {}) => {
    const from = (await ledger.getStandby(id))?.state ?? 'gone'
    await ledger.changeStandby({ ...id, from, to: state, reason: 'so', operation: null, at, declared: { ...declared, ...more } })
  }
  await become('following')
  return {
    ...following,
    watch,
    compared: async () => (await ledger.getStandby(id))?.compared,
    ask: async () => void (await ledger.noteComparison({ ...id, note: { kind: 'asked', at: new Date().toISOString() } })),
    async slice({ sliceMs, kept, onKept, ledger: other = ledger } = {}) {
      const leave = new AbortController()
      const act = { attempt: 1, scheduledAtMs: Date.now(), signal: leave.signal, stale: () => false, client: undefined as never }
      const keep: Act['keep'] = (state) => onKept?.(state, () => leave.abort(new Error('the worker is gone')))
      return runAct({ ...act, isCurrent: async () => true, kept, keep }, () =>
        compareByClock({ ...deps, ledger: other }, watch, sliceMs),
      )
    },
    become,
  }
}

const lastOf = async (pair: Paired): Promise<ComparisonTold | null | undefined> => (await pair.compared())?.last

test('a worker that dies amid a slice goes on from the one before, and what was proven is not read again', async () => {
  const pair = await paired()
  expect(await pair.slice()).toEqual({ ended: true })
  expect(await pair.compared()).toBeUndefined()
  await pair.ask()
  expect(await pair.slice({ sliceMs: 0 })).toEqual({ ended: false })
  expect(await pair.compared()).toMatchObject({ askedAt: null, running: { tables: 3, tablesDone: 1 }, last: null, equalAt: null })
  // whoever read it again would find it
  await pair.standby.execute('DELETE FROM items WHERE id = 0')
  await expect(pair.slice({ onKept: (_, leave) => leave() })).rejects.toThrow('the worker is gone')
  expect((await pair.compared())?.running).toMatchObject({ tablesDone: 1 })
  expect(await pair.slice()).toEqual({ ended: true })
  const compared = await pair.compared()
  expect(compared).toMatchObject({ running: null, last: { verdict: 'equal', tables: 3, tablesDiffering: 0, tablesLeft: 0 } })
  expect(compared?.equalAt).toBe(compared?.last?.startedAt)

  await pair.ask()
  expect(await pair.slice()).toEqual({ ended: true })
  const items = { table: 'public.items', onlyInSource: 1, onlyInStandby: 0, changed: 0, exact: true }
  expect(await pair.compared()).toMatchObject({
    equalAt: compared?.equalAt,
    last: { verdict: 'different', differing: [items], tablesDiffering: 1, tablesLeft: 0 },
  })
})

test('what differs is known from slice to slice, and a second attempt knows what the first one kept', async () => {
  const pair = await paired()
  await pair.standby.execute(`UPDATE items SET name = 'spoilt' WHERE id <= -98`)
  await pair.ask()
  expect(await pair.slice({ sliceMs: 0 })).toEqual({ ended: false })
  // mended since: it is compared once
  await pair.standby.execute(`UPDATE items SET name = 'first' WHERE id <= -98`)
  let kept: unknown
  const dies = pair.slice({
    onKept: (state, leave) => {
      kept ??= state
      leave()
    },
  })
  await expect(dies).rejects.toThrow('the worker is gone')
  await pair.standby.execute('DELETE FROM orders')
  expect(await pair.slice({ kept })).toEqual({ ended: true })
  const items = { table: 'public.items', onlyInSource: 0, onlyInStandby: 0, changed: 2, exact: true }
  expect(await lastOf(pair)).toMatchObject({ verdict: 'different', tables: 3, differing: [items], tablesLeft: 0 })
})

test('a ledger that is away for a moment stops nothing', async () => {
  const pair = await paired()
  await pair.ask()
  // it stands there until the ledger was asked in vain
  await pair.source.execute('BEGIN; LOCK TABLE items IN ACCESS EXCLUSIVE MODE')
  let asked = 0
  const away: Ledger = {
    ...ledger,
    getStandby: async (id) => {
      asked += 1
      if (asked !== 2) return ledger.getStandby(id)
      setTimeout(() => void pair.source.execute('ROLLBACK'), 100)
      throw new Error('the ledger is away')
    },
  }
  expect(await pair.slice({ ledger: away })).toEqual({ ended: true })
  expect(asked).toBeGreaterThanOrEqual(2)
  expect(await lastOf(pair)).toMatchObject({ verdict: 'equal', tables: 3, tablesLeft: 0 })
})

test('what its time is over for is left, nothing is begun while it does not follow, and a column that one side lacks leaves its table', async () => {
  const pair = await paired()
  await pair.ask()
  await pair.become('late')
  expect(await pair.slice()).toEqual({ ended: true })
  expect((await pair.compared())?.running).toBeNull()
  await pair.become('following')
  expect(await pair.slice({ sliceMs: 0 })).toEqual({ ended: false })
  await pair.become('following', { compare: { everyMs: 86_400_000, withinMs: 1 } })
  expect(await pair.slice()).toEqual({ ended: true })
  expect(await lastOf(pair)).toMatchObject({
    ...{ verdict: 'inconclusive', tables: 3, tablesDiffering: 0, tablesLeft: 2 },
    left: ['public.orders', 'public.parcels'].map((table) => ({ table, why: 'There was no time left for it.' })),
  })

  await pair.become('following')
  await pair.standby.execute('ALTER TABLE orders ADD COLUMN later int')
  await pair.ask()
  expect(await pair.slice()).toEqual({ ended: true })
  const orders = { table: 'public.orders', why: 'The source has no column later of it.' }
  expect(await lastOf(pair)).toMatchObject({ verdict: 'inconclusive', tablesDiffering: 0, left: [orders] })
})
