import fc from 'fast-check'
import { papersOf } from '../../../activities/switchover/papers'
import { standbyNames } from '../../../postgres/replicate/names'

const place = (database: string) =>
  ({
    entry: { database },
    address: { instance: 'shop-1', instanceId: 'i', engineVersion: '17', host: '10.0.0.1', port: 5432 },
    ref: {},
  }) as never

const papers = (source: string, standby: string) =>
  papersOf({
    places: { source: place(source), standby: place(standby) },
    forward: standbyNames({ source: 'shop', target: 'shop-azure' }),
    back: standbyNames({ source: 'shop-azure', target: 'shop' }),
  })

test('whatever a database is called, its name stays one in every statement', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, maxLength: 63 }).filter((name) => !name.includes('\0')),
      (name) => {
        const { forward, back } = papers(name, name)
        const closing = forward[0]?.sql[0] ?? ''
        expect(closing).toBe(`ALTER DATABASE "${name.replaceAll('"', '""')}" ALLOW_CONNECTIONS false;`)
        expect(forward[1]?.sql[0]).toContain(`datname = '${name.replaceAll("'", "''")}'`)
        expect(back.some(({ sql }) => sql.some((one) => one.includes('CONNECTION LIMIT -1')))).toBe(true)
      },
    ),
  )
})

test('they say all that is done, in its order, with the slots and subscriptions of this pair', () => {
  const { forward, back } = papers('shop', 'shop')
  const text = JSON.stringify({ forward, back })
  const there = standbyNames({ source: 'shop', target: 'shop-azure' })
  const again = standbyNames({ source: 'shop-azure', target: 'shop' })
  for (const name of [there.slot, again.subscription]) expect(text).toContain(name)
  const at = (word: string) => forward.findIndex(({ sql, title }) => [title, ...sql].some((one) => one.includes(word)))
  expect([at('ALLOW_CONNECTIONS false'), at('pg_current_wal_flush_lsn'), at('CONNECTION LIMIT 0'), at('Lead it')]).toEqual([
    0, 2, 4, 6,
  ])
})
