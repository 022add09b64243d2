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
