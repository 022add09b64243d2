import fc from 'fast-check'
import type { BreakGlassPapers } from '../../../contracts/break-glass'
import type { DnsZone, Endpoint } from '../../../contracts/endpoint'
import { readPapers } from '../../../postgres/break-glass/keep'
import { papersOf } from '../../../postgres/break-glass/papers'
import { standbyNames } from '../../../postgres/replicate/names'

const THERE = standbyNames({ source: 'shop', target: 'shop-azure' })
const AGAIN = standbyNames({ source: 'shop-azure', target: 'shop' })
const sideOf = (name: string, database: string, keeps = ['shop_admin', 'shop_migrator']) => ({
  ...{ name, database, keeps },
  ...{ instance: `${name}-1`, instanceId: 'i', host: name === 'shop' ? '10.0.0.1' : '10.0.0.2', port: 5432 },
})

const papers = (
  database: string,
  more: { keeps?: string[]; limit?: number; declared?: Endpoint; oneWay?: true } = {},
): BreakGlassPapers =>
  papersOf({
    ...{ operation: 'switchover-shop-1', writtenAt: '2026-11-30T00:00:00.000Z', id: { source: 'shop', target: 'shop-azure' } },
    sides: { source: sideOf('shop', database, more.keeps), standby: sideOf('shop-azure', database) },
    ...{ names: { forward: THERE, back: AGAIN }, connectionLimit: more.limit ?? -1, drainMsMax: 30_000 },
    endpoint: { kind: 'none', at: null, declared: more.declared ?? { kind: 'none' } },
    epochs: { source: 4, standby: 2, keyhole: 5 },
    ...(more.oneWay === undefined ? {} : { oneWay: more.oneWay }),
  })

const statements = ({ forward, back }: BreakGlassPapers): string[] =>
  [...forward, ...back].flatMap(({ sql, done }) => [...sql, ...(done === undefined ? [] : [done])])

/** Text without what stands in quotes of either kind, which nest in no other way. */
const bare = (sql: string): string => sql.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"/g, '')

test('whatever a database or a role is called, its name stays one in every statement', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, maxLength: 63 }).filter((name) => !name.includes('\0')),
      (name) => {
        const hostile = statements(papers(name, { keeps: [name] })).map(bare)
        expect(hostile).toEqual(statements(papers('shop', { keeps: ['shop_admin'] })).map(bare))
      },
    ),
  )
})

test('whoever may come back is kept off first, in both keyholes and both databases, on the way there and back', () => {
  const { forward, back } = papers('shop')
  for (const steps of [forward, back]) {
    expect(steps.slice(0, 4).map(({ id }) => id)).toEqual([
      'raise-keyhole-source',
      'raise-keyhole-standby',
      'raise-standby',
      'raise-source',
    ])
    for (const { sql } of steps.slice(0, 4)) expect(sql.join(' ')).toContain('epoch = epoch + 1')
  }
})

test('they say all that is done, in its order', () => {
  const { forward, back } = papers('shop', { limit: 40 })
  const order = (steps: typeof forward, ids: readonly string[]) =>
    expect(steps.map(({ id }) => id).filter((id) => ids.includes(id))).toEqual(ids)
  order(forward, [
    'close',
    'empty',
    'marker',
    'barrier',
    'sequences',
    'forward-off',
    'workers',
    'back-on',
    'proof',
    'own',
    'open',
  ])
  order(forward, ['open', 'endpoint', 'follow', 'mark', 'remove-subscription', 'remove-slot'])
  order(back, [
    'not-opened',
    'unwritten',
    'keep-out',
    'open',
    'back-off',
    'let-in',
    'forward-on',
    'endpoint',
    'all',
    'remove-subscription',
    'remove-slot',
  ])
  const said = (steps: typeof forward, id: string) => steps.find((step) => step.id === id)?.sql.join(' ') ?? ''
  // the limit that was read is put back, by whichever way
  expect([said(forward, 'follow'), said(back, 'open')].every((sql) => sql.includes('CONNECTION LIMIT 40'))).toBe(true)
  expect(said(forward, 'open')).toContain("'PUBLIC'")
})

test('without a way back they say nothing of one: the source stays closed, and its slot goes from beside it', () => {
  const { forward, back } = papers('shop', { oneWay: true, limit: 40 })
  expect(forward.map(({ id }) => id).slice(4)).toEqual([
    ...['not-taken-back', 'keep-out', 'let-own-in'],
    ...['forward-on', 'stay', 'close', 'empty', 'marker', 'barrier', 'unguard', 'sequences', 'forward-off', 'passed'],
    ...['moved', 'own', 'open', 'endpoint', 'remove-subscription', 'remove-slot'],
  ])
  expect(back.map(({ id }) => id).slice(4)).toEqual([
    ...['not-opened', 'ours', 'way-there', 'mark', 'keep-out', 'open', 'let-in', 'forward-on', 'endpoint', 'guard-again'],
  ])
  const said = statements({ forward, back } as BreakGlassPapers).join(' ')
  expect([said.includes(AGAIN.slot), said.includes(AGAIN.subscription)]).toEqual([false, false])
  expect(forward.at(-1)?.where).toMatch(/^source: .*capstan_fence$/)
  expect(said).toContain('SET connection_limit = 40')
})

test('on the way back nobody is let in, led or told to go on before nothing in the source turns him away', () => {
  const { back } = papers('shop')
  const at = (id: string) => back.findIndex((step) => step.id === id)
  const stopped = at('back-off')
  expect(back[stopped]?.sql).toEqual([`ALTER SUBSCRIPTION "${AGAIN.subscription}" DISABLE;`])
  // until then the source is closed, or its grants keep applications out
  expect([at('keep-out') < at('open'), at('open') < stopped]).toEqual([true, true])
  expect(back[at('keep-out')]?.sql.join(' ')).toMatch(/REVOKE CONNECT/)
  const lets = (sql: string) => /GRANT CONNECT ON DATABASE %I TO %s%s/.test(sql)
  const letting = back.flatMap(({ sql }, n) => (sql.some(lets) ? [n] : []))
  expect(letting).toEqual([at('let-in')])
  for (const n of [...letting, at('endpoint')]) expect(n).toBeGreaterThan(stopped)
})

const ZONES: readonly [DnsZone, string][] = [
  [{ provider: 'aws', id: 'Z1SHOP' }, 'Z1SHOP of Route 53'],
  [{ provider: 'azure', subscription: 'sub-1', resourceGroup: 'shop', name: 'shop.example' }, 'shop.example of Azure DNS'],
  [{ provider: 'gcp', project: 'shop-1', name: 'shop-zone' }, 'shop-zone of Cloud DNS'],
]

test.each(ZONES)('of a name in DNS they say which record leads where: %j', (zone, where) => {
  const declared = { kind: 'dns', zone, name: 'db.shop.example', ttlSeconds: 30, port: 6432 } as const
  const { forward, back } = papers('shop', { declared })
  const said = [forward, back].map((steps) => steps.find(({ id }) => id === 'endpoint')?.note)
  expect(said).toEqual([
    expect.stringMatching(new RegExp(`${where}.* db.shop.example from 10.0.0.1 to 10.0.0.2, .* 30 s; .* 5432 instead of 6432`)),
    expect.stringMatching(new RegExp(`${where}.* db.shop.example from 10.0.0.2 to 10.0.0.1, .* 30 s; .* 5432 instead of 6432`)),
  ])
  expect(papers('shop').forward.find(({ id }) => id === 'endpoint')?.note).toContain('point applications to 10.0.0.2:5432')
})

test('papers of another version, or of half a pair, are gone on by by nobody', () => {
  const whole = papers('shop')
  expect(readPapers(JSON.parse(JSON.stringify(whole)))).toEqual(whole)
  const { sides, ...without } = whole
  for (const other of [null, 'text', { ...whole, version: 1 }, without, { ...whole, sides: { source: sides.source } }])
    expect(() => readPapers(other)).toThrow('no papers')
})
