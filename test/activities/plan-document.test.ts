import { planDocument } from '../../activities/schema/plan-document'
import { planMigrations } from '../../postgres/migrate/plan'
import { resolve } from '../postgres/support/apply'

test('a plan of many statements takes turns with everything else', async () => {
  const statements = Array.from({ length: 20_000 }, (_, n) => `UPDATE customers SET credit = ${n} WHERE name = 'customer ${n}';`)
  const plan = await planMigrations({ resolved: resolve({ 'V1__x.sql': statements.join('\n') }), history: [] })
  const target = { instance: 'shop', instanceId: 'db-1', host: '127.0.0.1', port: 5432, engineVersion: '17' }
  let turns = 0
  const others = setInterval(() => turns++, 1)

  const document = await planDocument({ bundle: 'b', target, fingerprint: 'f', history: [], plan })

  clearInterval(others)
  expect(turns).toBeGreaterThan(1)
  expect(document.pending[0]?.statements).toHaveLength(20_000)
  expect(document.pending[0]?.statements[7]?.sql).toBe('UPDATE customers SET credit = $1 WHERE name = $2')
})

test('what stands far behind in a statement is part of the plan; only very much is cut, and says so', async () => {
  const columns = Array.from({ length: 60 }, (_, n) => `ADD COLUMN column_${n} text`)
  const script = `ALTER TABLE orders ${columns.join(', ')}, DROP COLUMN total;\n`
  const small = await planMigrations({ resolved: resolve({ 'V1__x.sql': script, 'V2__y.sql': 'SELECT 1;' }), history: [] })
  const [wide, tall] = small.pending
  const long = { ...tall!.statements[0]!, sql: `SELECT ${'a, '.repeat(2_000)}b` }
  const plan = { ...small, pending: [wide!, { ...tall!, statements: Array.from({ length: 1_500 }, () => long) }] }
  const target = { instance: 'shop', instanceId: 'db-1', host: '127.0.0.1', port: 5432, engineVersion: '17' }

  const document = await planDocument({ bundle: 'b', target, fingerprint: 'f', history: [], plan })

  expect(document.pending[0]?.statements[0]?.sql).toMatch(/, DROP COLUMN total$/)
  const [first, last] = [document.pending[1]?.statements[0]?.sql, document.pending[1]?.statements.at(-1)?.sql]
  expect(first).toMatch(/^SELECT (a, )+.*\[…cut here: 2,0\d\d characters left out\]$/)
  expect(last).toMatch(/^SELECT (a, )+.*\[…cut here: 5,\d\d\d characters left out\]$/)
  expect(JSON.stringify(document).length).toBeLessThan(4_700_000)
})
