/** What a preflight says would stop a standby, or leave rows behind, does so: the traps are PostgreSQL's and not ours. */
import { eventually, until } from '../../../support/eventually'
import type { TestServer } from '../../support/server'
import { Pair, sideOf, startSide } from './support'

const TRAPS = {
  forced: `CREATE TABLE forced (id int PRIMARY KEY, x int); ALTER TABLE forced ENABLE ROW LEVEL SECURITY; ALTER TABLE forced FORCE ROW LEVEL SECURITY;
    CREATE POLICY p ON forced USING (true)`,
  generated: 'CREATE TABLE generated (id int, x int, low int GENERATED ALWAYS AS (id + 1) STORED PRIMARY KEY)',
  whole: `CREATE TABLE whole (id int, x int, body json DEFAULT '{}'); ALTER TABLE whole REPLICA IDENTITY FULL`,
  by_root: `CREATE TABLE by_root (id int PRIMARY KEY, x int NOT NULL) PARTITION BY RANGE (id); CREATE TABLE by_root_1 PARTITION OF by_root FOR VALUES FROM (0) TO (10);
    CREATE UNIQUE INDEX by_x ON by_root_1 (x); ALTER TABLE by_root_1 REPLICA IDENTITY USING INDEX by_x`,
  by_rows: `CREATE TABLE by_rows (id int PRIMARY KEY, x int NOT NULL) PARTITION BY RANGE (id); CREATE TABLE by_rows_1 PARTITION OF by_rows FOR VALUES FROM (0) TO (10);
    CREATE UNIQUE INDEX rows_x ON by_rows_1 (x); ALTER TABLE by_rows REPLICA IDENTITY FULL; ALTER TABLE by_rows_1 REPLICA IDENTITY USING INDEX rows_x`,
} as const

const sources: TestServer[] = []
let target: TestServer
beforeAll(async () => {
  const [older, newer, follower] = await Promise.all([startSide(15), startSide(17), startSide(17)])
  sources.push(older, newer)
  target = follower
})
afterAll(() => Promise.all([...sources, target].map((server) => server?.stop())))

async function follow(pair: Pair, name: string): Promise<void> {
  const { host, port, database } = pair.source.session.endpoint
  await pair.source.root.execute(`CREATE PUBLICATION ${name} FOR TABLE ${name} WITH (publish_via_partition_root)`)
  await pair.source.root.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [name])
  await pair.standby.session.execute(`CREATE SUBSCRIPTION ${name} CONNECTION 'host=${host} port=${port} dbname=${database} user=publisher password=secret'
    PUBLICATION ${name} WITH (create_slot = false, slot_name = ${name}, disable_on_error = true)`)
}

const isEnabled = async ({ standby }: Pair, name: string): Promise<boolean> => {
  const [row] = await standby.root.query<{ enabled: boolean }>(
    'SELECT subenabled AS enabled FROM pg_subscription WHERE subname = $1',
    [name],
  )
  return row?.enabled === true
}

const isCopied = async ({ standby }: Pair, name: string): Promise<boolean> => {
  const [row] = await standby.root.query<{ copied: boolean }>(
    `SELECT bool_and(r.srsubstate = 'r') AS copied FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid WHERE s.subname = $1`,
    [name],
  )
  return row?.copied === true
}

async function remove({ standby, source }: Pair, name: string): Promise<void> {
  await standby.root.execute(
    `ALTER SUBSCRIPTION ${name} DISABLE; ALTER SUBSCRIPTION ${name} SET (slot_name = NONE); DROP SUBSCRIPTION ${name}`,
  )
  await until('the slot to be free', async () => {
    const [slot] = await source.root.query<{ active: boolean }>('SELECT active FROM pg_replication_slots WHERE slot_name = $1', [
      name,
    ])
    return slot?.active === false
  })
  await source.root.query('SELECT pg_drop_replication_slot($1)', [name])
}

describe.each([
  [15, 0],
  [17, 1],
])('a source of PostgreSQL %i', (_major, at) => {
  test.each(Object.keys(TRAPS) as (keyof typeof TRAPS)[])('%s: it blocks, and the standby stops', async (name) => {
    const pair = new Pair(await sideOf(sources[at]!), await sideOf(target))
    await pair.source.session.execute(TRAPS[name])
    const { findings } = await pair.look()
    expect(findings.filter(({ severity }) => severity === 'blocks')).toHaveLength(1)
    await pair.standby.session.execute(TRAPS[name])
    await follow(pair, name)
    if (name !== 'forced') {
      await until('it to follow', () => isCopied(pair, name))
      await pair.source.root.execute(`INSERT INTO ${name} (id, x) VALUES (1, 1)`)
      await until('the row to come', async () => (await pair.standby.root.query(`SELECT FROM ${name}`)).length === 1)
    }
    await pair.source.root.execute(name === 'forced' ? 'INSERT INTO forced VALUES (1, 1)' : `UPDATE ${name} SET x = 2`)
    await until('it to stop', async () => !(await isEnabled(pair, name)))
    await remove(pair, name)
  })

  test('rows that a policy hides are not copied, and nobody is told', async () => {
    const pair = new Pair(await sideOf(sources[at]!), await sideOf(target))
    const table = 'CREATE TABLE hidden (id int PRIMARY KEY)'
    await pair.source.session.execute(`${table}; ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON hidden USING (id > 1);
      INSERT INTO hidden VALUES (1), (2), (3)`)
    expect((await pair.found('publisher')).map(({ severity }) => severity)).toEqual(['blocks'])
    await pair.standby.session.execute(table)
    await follow(pair, 'hidden')
    await eventually('it to follow', async () => ((await isCopied(pair, 'hidden')) ? true : undefined))
    expect(await pair.standby.root.query('SELECT id FROM hidden ORDER BY id')).toEqual([{ id: 2 }, { id: 3 }])
    await remove(pair, 'hidden')
  })
})
