/** Whoever carries a file over dies before any of the statements that it sends, and whoever comes again finds what is done, and does the rest. */
import { connect } from '../../../postgres/connect/session'
import { readFence } from '../../../postgres/migrate/fence'
import { readBound, readLines } from '../../../postgres/migrate/schema-line'
import { carryOne } from '../../../postgres/replicate/at-the-line'
import { prepareGuard, raiseGuard, unguardedTables } from '../../../postgres/replicate/guard'
import { resolve, type Scripts } from '../support/apply'
import { applyAtSource, bothAlike, carryAll, type Lined, lined, stepsOf, write } from './lines'
import { type Life, lifeOf, mortal, orKilled, type ReplicatingServer, startReplicating } from './support'

const BASE = {
  'V1__base.sql': `CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL); INSERT INTO accounts SELECT n, 100 FROM generate_series(1, 20) n`,
}

let server: ReplicatingServer
beforeAll(async () => {
  server = await startReplicating(17)
})
afterAll(() => server?.server.stop())

/** Every kind of file at once, as far as one may hold them: a new table with its rows, a column, rows. */
const ofKind = {
  mixed: (n: number) =>
    `CREATE TABLE made_${n} (id int PRIMARY KEY, balance int); ALTER TABLE accounts ADD COLUMN c_${n} int; INSERT INTO made_${n} SELECT id, balance FROM accounts; UPDATE accounts SET c_${n} = id`,
  rows: (n: number) => `UPDATE accounts SET balance = balance + ${n} WHERE id = 5`,
  free: (n: number) => `CREATE INDEX CONCURRENTLY i_${n} ON accounts (balance)`,
  dropped: (n: number) =>
    `ALTER TABLE accounts RENAME TO apart; CREATE TABLE t_${n} (id int PRIMARY KEY); DROP TABLE t_${n}; ALTER TABLE apart RENAME TO accounts`,
} as const

async function carryMortal(
  { source, standby, names, base }: Lined,
  files: Scripts,
  life: Life,
  step: Awaited<ReturnType<typeof stepsOf>>[number],
) {
  const dying = async (options: typeof source.options) => mortal(await connect(options), life)
  return carryOne({
    ...{ step, names, resolved: resolve({ ...base, ...files }), token: await readFence(standby.master) },
    ...{ connect: () => dying(standby.options), admin: await dying(standby.options), source: await dying(source.options) },
  })
}

test.each(Object.entries(ofKind))('killed before any statement of carrying over: %s', async (_, contentOf) => {
  const pair = await lined(server, server, BASE)
  const { standby, source } = pair
  // as of an old writer
  await prepareGuard(standby.master, {})
  await raiseGuard(standby.master, {})
  const writers = await write(pair, [
    ['UPDATE accounts SET balance = balance + CASE id WHEN 3 THEN 1 ELSE -1 END WHERE id IN (3, 8)'],
  ])
  let files: Scripts = {}
  let outcome: 'done' | 'killed' = 'killed'
  let killed = 0
  for (let lives = 0; outcome === 'killed'; lives += 1) {
    const n = lives + 2
    files = { ...files, [`V${n}__x.sql`]: contentOf(n) }
    await applyAtSource(pair, files)
    const [step] = await stepsOf(pair, files)
    const life = lifeOf(lives)
    outcome = await orKilled(life, () => carryMortal(pair, files, life, step!))
    if (outcome === 'killed') killed += 1
    await carryAll(pair, files)
    const last = (await readLines(source.master)).at(-1)?.line ?? 0
    expect(await readBound(standby.master)).toEqual({ line: last, deferred: 0 })
    expect(await stepsOf(pair, files)).toEqual([])
    expect(await unguardedTables(standby.master)).toEqual([])
  }
  await writers.stop()
  expect(killed).toBeGreaterThan(3)
  await bothAlike(pair)
})
