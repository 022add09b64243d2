/** A process that makes a standby, or takes it away, killed before each of its statements in turn: whoever repeats it comes to the same end. */
import { connect, type Session } from '../../../postgres/connect/session'
import { describeSchema, diffFingerprints } from '../../../postgres/inspect/fingerprint'
import { buildIndexes } from '../../../postgres/replicate/build-indexes'
import { indexesSetAside, setIndexesAside } from '../../../postgres/replicate/set-aside'
import { removeStandby } from '../../../postgres/replicate/teardown'
import { INDEXED, INDEXED_TABLES } from './indexed'
import {
  asProcess,
  copied,
  follow,
  lifeOf,
  mortal,
  orKilled,
  type Pair,
  pairOf,
  type ReplicatingServer,
  remains,
  type Sessions,
  sameRows,
  startReplicating,
  valuesOf,
} from './support'

let servers: Record<15 | 17, ReplicatingServer>
beforeAll(async () => {
  const [fifteen, seventeen] = await Promise.all([startReplicating(15), startReplicating(17)])
  servers = { 15: fifteen, 17: seventeen }
})
afterAll(() => Promise.all(Object.values(servers ?? {}).map(({ server }) => server.stop())))

const TABLES = ['public.orders', 'public.parts']
const make = (both: Pair) => (sessions: Sessions) => follow(both, TABLES, {}, sessions)
const remove =
  ({ names }: Pair) =>
  (sessions: Sessions) =>
    removeStandby({ names, ...sessions })

test.each([15, 17] as const)(
  'indexes of PostgreSQL %i: each is to be built or there, and a second builder ends it',
  async (major) => {
    const { options, master } = await servers[major].side()
    await master.execute(INDEXED)
    const before = await describeSchema(master)
    const build = (connectTo: () => Promise<Session>, jobs: number) => buildIndexes({ connect: connectTo, jobs })
    let lives = 0
    for (let outcome = 'killed'; outcome === 'killed'; lives += 7) {
      const life = lifeOf(lives)
      const dying = async () => mortal(await connect(options), life)
      outcome = await orKilled(life, async () => {
        await setIndexesAside(await dying(), { tables: INDEXED_TABLES })
        await build(dying, 2)
      })
      // the server may be about to end what it was told last
      await master.query(`SELECT pg_terminate_backend(pid, 5000) FROM
        (SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid() OFFSET 0) a`)
      const aside = (await indexesSetAside(master)).map(({ id }) => id)
      const missing = diffFingerprints(before, await describeSchema(master), { limit: 99 })
      // one whose parts are not all there yet is there, and differs
      expect(missing.filter((line) => line.endsWith(': only on the first'))).toEqual(
        aside.map((id) => `${id}: only on the first`).sort(),
      )
      await build(() => connect(options), 3)
      expect(diffFingerprints(before, await describeSchema(master))).toEqual([])
    }
    expect(lives).toBeGreaterThan(60)
  },
)

// one half of the statements each
test.each([15, 17] as const)('behind a source of PostgreSQL %i', async (major) => {
  const both = await pairOf(
    servers[major],
    servers[17],
    'CREATE TABLE orders (id int PRIMARY KEY); CREATE TABLE parts (id int PRIMARY KEY)',
  )
  const { source, standby, names } = both
  await source.master.execute('INSERT INTO parts SELECT generate_series(1, 100)')
  let [made, removed] = ['killed', 'killed']
  let lives = major === 15 ? 0 : 1
  for (; made === 'killed' || removed === 'killed'; lives += 2) {
    made = await asProcess(both, lives, make(both))
    await asProcess(both, Number.POSITIVE_INFINITY, make(both))
    await source.master.execute(`INSERT INTO orders VALUES (${lives})`)
    // each second time the copy is still under way
    if (lives % 4 < 2) {
      await copied(both, 2)
      await sameRows(both, 'SELECT count(*) FROM orders')
      await sameRows(both, 'SELECT count(*) FROM parts')
    }
    removed = await asProcess(both, lives, remove(both))
    await asProcess(both, Number.POSITIVE_INFINITY, remove(both))
    expect([lives, ...(await remains(source)), ...(await remains(standby))]).toEqual([lives])
    expect(names.slot).toMatch(/^cap_shop_/)
    expect(await valuesOf(standby.superuser, 'SELECT roname FROM pg_replication_origin')).toEqual([])
    await standby.master.execute('TRUNCATE orders, parts')
  }
  expect(lives).toBeGreaterThan(15)
})
