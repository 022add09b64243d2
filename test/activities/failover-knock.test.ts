/** Whose refusal a standby's server was told of. */
import { byItsServer, knockedAt, toldBy } from '../../activities/failover/probe'

const source = { host: 'shop.rds.example', port: 5432 }
const refused = { met: 'refused', said: 'its server was told: Connection refused' } as const
const down = { working: false, enabled: true }

test.each([
  ['nothing else is declared', { host: null, port: null }, true],
  ['the same is declared', { host: 'SHOP.rds.example.', port: 5432 }, true],
  ['a tunnel', { host: '10.8.0.1', port: null }, false],
  ['another port of its own name, which may lead elsewhere', { host: null, port: 6432 }, false],
])('a refusal is the word of the source’s machine only at its own address: %s', (_what, publisher, own) => {
  const knocked = knockedAt(publisher, source)
  expect(knocked).toEqual({ at: { host: publisher.host ?? source.host, port: publisher.port ?? source.port }, own })
  const met = byItsServer(down, toldBy(refused, knocked.own))
  expect(met).toMatchObject({ outcome: 'silent' })
  expect('refused' in met).toBe(own)
})

test('whoever answers behind a tunnel is the source all the same', () => {
  const answered = { met: 'answered', said: 'its server was let in there' } as const
  expect(byItsServer(down, toldBy(answered, false))).toMatchObject({ outcome: 'answered' })
})
