import { parseFleet } from '../../client/fleet/parse-fleet'
import { refusal, smallest } from './fleet-file'

describe('the endpoint of a database', () => {
  const withEndpoint = (endpoint: string) => `${smallest}    endpoint: ${endpoint}\n`
  const read = (endpoint: string) => parseFleet(withEndpoint(endpoint), 'fleet.yaml').databases[0]?.endpoint

  test('is of one kind, with what belongs to it', () => {
    expect(parseFleet(smallest, 'fleet.yaml').databases[0]).not.toHaveProperty('endpoint')
    expect(read('{ kind: none }')).toEqual({ kind: 'none' })
    expect(read('{ kind: lab-router, name: shop }')).toEqual({ kind: 'lab-router', name: 'shop' })
    const command = { kind: 'command', move: ['move-it', 'shop'], check: ['where-is.sh'] }
    expect(read('{ kind: command, move: [move-it, shop], check: [where-is.sh] }')).toEqual({ ...command, timeoutMs: 60_000 })
    expect(read('{ kind: command, move: [move-it, shop], check: [where-is.sh], timeout: 5s }')).toMatchObject({
      timeoutMs: 5_000,
    })
  })

  const boss = 'port: 6432, user: boss, secret: env:POOLER'
  const one = `poolers: [{ host: 10.0.0.5, ${boss} }]`

  test('is a database of poolers, with a file of the worker or a program that writes it', () => {
    const pooler = { host: '10.0.0.5', port: 6432, user: 'boss', secret: 'env:POOLER', tls: 'require' }
    expect(read(`{ kind: pgbouncer, ${one}, file: a/shop.ini }`)).toEqual({
      ...{ kind: 'pgbouncer', database: 'shop', poolers: [pooler] },
      target: { by: 'file', file: 'a/shop.ini' },
    })
    const two = `[{ host: a, tls: disable, ${boss} }, { host: b, tls: verify-full, ${boss} }]`
    expect(read(`{ kind: pgbouncer, database: shop-rw, poolers: ${two}, write: [w, x], timeout: 5s }`)).toEqual({
      ...{ kind: 'pgbouncer', database: 'shop-rw' },
      poolers: [
        { ...pooler, host: 'a', tls: 'disable' },
        { ...pooler, host: 'b', tls: 'verify-full' },
      ],
      target: { by: 'program', write: ['w', 'x'], timeoutMs: 5_000 },
    })
  })

  test('whose name no pooler can have is given one', () => {
    const text = withEndpoint(`{ kind: pgbouncer, ${one}, file: s }`).replace('database: shop', 'database: my shop')
    expect(refusal(text)).toEqual([expect.stringContaining('it must be given a database: the poolers’ name for it')])
    expect(parseFleet(text.replace('file: s', 'file: s, database: shop'), 'fleet.yaml').databases).toHaveLength(1)
  })

  test('that two entries name is refused: each would be moved under the lock of its own instance', () => {
    const [, entry = ''] = /databases:\n([\s\S]*)/.exec(smallest) ?? []
    const second = entry.replace('name: ', 'name: other-').replace('instance: ', 'instance: other-')
    const two = (endpoint: string, other: string) => `${withEndpoint(endpoint)}${second}    endpoint: ${other}\n`
    const of = (poolers: string, more: string) => `{ kind: pgbouncer, poolers: [${poolers}], ${more} }`
    const [a, b, A] = ['a', 'b', 'A'].map((host) => `{ host: ${host}, ${boss} }`)
    expect(refusal(two(of(`${a}`, 'file: s'), of(`${b}`, 'file: s')))).toEqual([
      expect.stringContaining('endpoint.file is "s"; it must be another file, since databases[0].endpoint.file on line'),
    ])
    expect(refusal(two(of(`${a}`, 'file: s'), of(`${b}, ${A}`, 'file: t')))).toEqual([
      expect.stringContaining(
        'endpoint.poolers[1].host is "A"; it must be another pooler, or given another database of it, since databases[0]',
      ),
    ])
    const apart = two(of(`${a}`, 'file: s'), of(`${A}`, 'file: t, database: other'))
    expect(parseFleet(apart, 'fleet.yaml').databases).toHaveLength(2)
  })

  const PGBOUNCER = 'it must be kind: pgbouncer with poolers, with file or write'
  test.each([
    ['{ kind: pgbouncer, file: s }', PGBOUNCER],
    [`{ kind: pgbouncer, ${one} }`, PGBOUNCER],
    [`{ kind: pgbouncer, ${one}, file: s, write: [w] }`, PGBOUNCER],
    [`{ kind: pgbouncer, ${one}, file: s, timeout: 5s }`, PGBOUNCER],
    [`{ kind: pgbouncer, ${one}, file: s, name: shop }`, PGBOUNCER],
    [`{ kind: lab-router, name: shop, ${one} }`, 'it must be kind: lab-router with name, and nothing else'],
    [
      `{ kind: pgbouncer, ${one}, file: /etc/shop.ini }`,
      'endpoint.file is "/etc/shop.ini"; it must be a path below the worker’s',
    ],
    [`{ kind: pgbouncer, ${one}, file: a/../../shop.ini }`, 'it must be a path below the worker’s CAPSTAN_PGBOUNCER_FILES'],
    [`{ kind: pgbouncer, ${one}, write: [../w] }`, 'endpoint.write[0] is "../w"; it must be the file name of a program'],
    [`{ kind: pgbouncer, ${one}, file: s, database: "a b" }`, 'endpoint.database is "a b"; it must be a database’s name in the'],
    [
      '{ kind: pgbouncer, poolers: [], file: s }',
      'endpoint.poolers is something else (not shown); it must be a list of one to sixteen poolers',
    ],
    [`{ kind: pgbouncer, poolers: [{ ${boss} }], file: s }`, 'endpoint.poolers[0].host is missing'],
    [`{ kind: pgbouncer, ${one.replace('boss', 'b'.repeat(64))}, file: s }`, 'it must be a name of 63 bytes at most'],
    ['{ kind: pgbouncer, poolers: [{ host: a, user: b, secret: env:P }], file: s }', 'endpoint.poolers[0].port is missing'],
    [
      `{ kind: pgbouncer, poolers: [{ host: a, ${boss.replace('env:POOLER', 'hunter2')} }], file: s }`,
      'it must be a reference to',
    ],
    [
      `{ kind: pgbouncer, poolers: [{ host: a, ${boss} }, { host: A, ${boss} }], file: s }`,
      'it must be another pooler than those before it',
    ],
  ])('%s is refused', (endpoint, said) => {
    expect(refusal(withEndpoint(endpoint))).toEqual([expect.stringContaining(said)])
  })

  test.each([
    ['{ kind: command, move: [move-it] }', 'it must be kind: command with move and check, and a timeout or not'],
    ['{ kind: lab-router, name: shop, move: [move-it] }', 'it must be kind: lab-router with name, and nothing else'],
    ['{ kind: none, name: shop }', 'it must be kind: none and nothing else'],
    ['{ kind: haproxy }', 'endpoint.kind is "haproxy"; it must be none, command, lab-router, pgbouncer or dns'],
    ['{ kind: lab-router, name: Shop }', 'endpoint.name is "Shop"; it must be a name of the lab’s router, such as shop'],
    [
      '{ kind: command, move: [/bin/sh, -c, ls], check: [c] }',
      'endpoint.move[0] is "/bin/sh"; it must be the file name of a program',
    ],
    ['{ kind: command, move: [m], check: [../c] }', 'endpoint.check[0] is "../c"; it must be the file name of a program'],
    [
      '{ kind: command, move: [], check: [c] }',
      'endpoint.move is an empty list; it must be a list that begins with the file name',
    ],
    [
      '{ kind: command, move: [m], check: [c], timeout: 1h }',
      'endpoint.timeout is "1h"; it must be whole milliseconds, at most 10m',
    ],
  ])('%s is refused', (endpoint, said) => {
    expect(refusal(withEndpoint(endpoint))).toEqual([expect.stringContaining(said)])
  })
})
