/** A file that makes tables, carried over to an old writer: nobody writes into them there before it says that it has the file, nor afterwards. */
import { readBound } from '../../../postgres/migrate/schema-line'
import { prepareGuard, raiseGuard } from '../../../postgres/replicate/guard'
import { applyAtSource, bothAlike, carryAll, lined } from './lines'
import { type ReplicatingServer, startReplicating } from './support'

let server: ReplicatingServer
beforeAll(async () => {
  server = await startReplicating(17)
})
afterAll(() => server?.server.stop())

const REFUSED = { sqlState: '25006' }

test('what a file makes on an old writer has its guard with the file, whoever owns it, and gets its rows', async () => {
  const pair = await lined(server, server, { 'V1__base.sql': 'CREATE TABLE accounts (id int PRIMARY KEY)' })
  const { source, standby } = pair
  await source.superuser.execute('CREATE ROLE clerk; GRANT clerk TO master')
  for (const { superuser } of [source, standby]) await superuser.execute('GRANT CREATE ON SCHEMA public TO clerk')
  await prepareGuard(standby.master, {})
  expect(await raiseGuard(standby.master, {})).toEqual([])
  const files = {
    'V2__made.sql': `CREATE TABLE made (id int PRIMARY KEY); CREATE TABLE theirs (id int PRIMARY KEY); ALTER TABLE theirs OWNER TO clerk;
      CREATE TABLE parts (day int PRIMARY KEY) PARTITION BY RANGE (day); CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100)`,
  }
  await applyAtSource(pair, files)
  const carried = await carryAll(pair, files)
  expect(carried).toMatchObject([{ line: 1, ran: true, unguarded: [] }])
  for (const sql of [
    'INSERT INTO made VALUES (1)',
    'INSERT INTO theirs VALUES (1)',
    'INSERT INTO parts VALUES (1)',
    'INSERT INTO parts_1 VALUES (1)',
    'TRUNCATE made',
  ])
    for (const session of [standby.master, standby.superuser]) await expect(session.execute(sql)).rejects.toMatchObject(REFUSED)
  await source.master.execute('INSERT INTO made VALUES (1); INSERT INTO theirs VALUES (2); INSERT INTO parts VALUES (3)')
  await bothAlike(pair)
})

test('a table whose lock is not to be had is named, and keeps nothing from being carried over', async () => {
  const pair = await lined(server, server, { 'V1__base.sql': 'CREATE TABLE accounts (id int PRIMARY KEY)' })
  const { standby } = pair
  await prepareGuard(standby.master, {})
  await standby.superuser.execute('BEGIN; LOCK TABLE accounts IN ROW EXCLUSIVE MODE')
  const files = { 'V2__made.sql': 'CREATE TABLE made (id int PRIMARY KEY)' }
  await applyAtSource(pair, files)
  expect(await carryAll(pair, files)).toMatchObject([{ line: 1, unguarded: ['public.accounts'] }])
  expect(await readBound(standby.master)).toEqual({ line: 1, deferred: 0 })
  await standby.superuser.execute('COMMIT')
  await expect(standby.master.execute('DELETE FROM made')).rejects.toMatchObject(REFUSED)
})
