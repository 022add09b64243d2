import { planMigration } from '../../postgres/migrate/plan'
import { planScript, STATEMENT_LENGTH_MAX } from '../../postgres/migrate/plan-script'
import { failureOf, resolve } from './support/apply'

const insertOf = (bytes: number) => {
  const rows: string[] = []
  for (let length = 0; length < bytes; length += 50)
    rows.push(`(${rows.length}, 'customer ${rows.length} of the shop', 10.50, now())`)
  return `INSERT INTO customers (id, name, credit, since) VALUES\n${rows.join(',\n')}`
}

/** How often something else could run meanwhile. */
async function turnsDuring<T>(work: () => Promise<T>): Promise<{ turns: number; result: T }> {
  let turns = 0
  let next = setImmediate(function turn() {
    turns += 1
    next = setImmediate(turn)
  })
  const result = await work().finally(() => clearImmediate(next))
  return { turns, result }
}

test('one long statement holds nothing else up while it is parsed', async () => {
  const [migration] = resolve({ 'V1__x.sql': `${insertOf(3_000_000)};\nSELECT 1` })
  await planMigration(resolve({ 'V0__warm.sql': 'SELECT 1' })[0]!)

  const here = await turnsDuring(() => planScript(migration!))
  const there = await turnsDuring(() => planMigration(migration!))

  // here it takes some turns of its own, as many as the statement has stretches of time
  expect(there.turns).toBeGreaterThan(100 * here.turns)
  expect(there.result).toEqual(here.result)
  expect(there.result.statements.map(({ kind, line }) => [kind, line])).toEqual([
    ['INSERT', 1],
    ['SELECT', expect.any(Number)],
  ])
})

test('what a thread finds wrong arrives as it would from here', async () => {
  const [broken] = resolve({ 'V1__x.sql': `${insertOf(200_000)};\nSELECT FROM WHERE` })
  const wrong = await failureOf(planScript(broken!), 'MIGRATION_SYNTAX_ERROR')
  const there = await failureOf(planMigration(broken!), 'MIGRATION_SYNTAX_ERROR')
  expect([there.message, there.facts]).toEqual([wrong.message, wrong.facts])
  expect(wrong.message).toMatch(/^V1__x\.sql:\d+: syntax error at or near "WHERE"\.$/)
})

test('a statement that is too long to be parsed is refused, and COPY data do not count', async () => {
  const long = 'x'.repeat(STATEMENT_LENGTH_MAX)
  const [migration] = resolve({ 'V1__x.sql': `SELECT 1;\nSELECT '${long}';` })
  const refused = await failureOf(planMigration(migration!), 'MIGRATION_UNSUPPORTED')
  expect(refused.message).toMatch(/^V1__x\.sql:2: one statement of 16777225 characters, where 16777216 is the most: split it/)

  const [copy] = resolve({ 'V1__x.sql': `COPY t FROM stdin;\n${long}\n\\.\n` })
  expect((await planMigration(copy!)).statements[0]?.copyData).toHaveLength(long.length + 1)
})
