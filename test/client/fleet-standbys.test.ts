import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { parseFleet } from '../../client/fleet/parse-fleet'
import { refusal, smallest } from './fleet-file'
import { fleetWith, STANDBY, standbyOf } from './standby-fleet'

const read = (text: string) => parseFleet(text, 'fleet.yaml').databases[0]?.standbys

describe('the standbys of a database', () => {
  test('are read with what is left out filled in', () => {
    expect(parseFleet(smallest, 'fleet.yaml').databases[0]).not.toHaveProperty('standbys')
    expect(read(fleetWith(standbyOf('shop-azure')))).toEqual([
      {
        database: 'shop-azure',
        publisher: { user: 'shop_replicator', secret: 'env:R', host: null, port: null, tls: 'require' },
        retainedBytesMax: 20 * 1024 ** 3,
        lagMsMax: 60_000,
      },
    ])
    const whole = `{ database: shop-azure, publisher: { user: r, secret: env:R, tls: disable, host: shop.example.com, port: 5433 }, maxRetained: 16MB, maxLag: 5m }`
    expect(read(fleetWith(whole))).toMatchObject([
      {
        publisher: { host: 'shop.example.com', port: 5433, tls: 'disable' },
        retainedBytesMax: 16 * 1024 ** 2,
        lagMsMax: 300_000,
      },
    ])
  })

  test('may be compared by the clock, within some hours unless it says otherwise, and have their disk made larger', () => {
    expect(read(fleetWith(standbyOf('shop-azure', 'maxRetained: 20GB, growTo: 1.5TB')))?.[0]?.growToGib).toBe(1536)
    const compared = (compare: string) =>
      read(fleetWith(standbyOf('shop-azure', `maxRetained: 20GB, compare: ${compare}`)))?.[0]?.compare
    const hour = 3_600_000
    expect(compared('{ every: 7d }')).toEqual({ everyMs: 7 * 24 * hour, withinMs: 6 * hour })
    expect(compared('{ every: 90m }')).toEqual({ everyMs: 1.5 * hour, withinMs: 1.5 * hour })
    expect(compared('{ every: 1d, within: 24h }')).toEqual({ everyMs: 24 * hour, withinMs: 24 * hour })
    expect(() => compared('{ every: 30d, within: 25h }')).toThrow('from 1m to 1d')
  })

  test('are what the page says of them', () => {
    const page = readFileSync(join(__dirname, '../../docs/fleet-file.md'), 'utf8')
    const [, block = ''] = /^## Standbys in other clouds\n[\s\S]*?\n\n((?: {8}.*\n)+)/m.exec(page) ?? []
    const declared = block.replace(/^ {4}/gm, '')
    expect(read(`${smallest}${declared}${STANDBY}`)).toMatchObject([
      { publisher: { user: 'shop_replicator', tls: 'verify-full' }, retainedBytesMax: 20 * 1024 ** 3, lagMsMax: 60_000 },
    ])
  })

  test('may name an entry with the same migrations, however the folder is spelled', () => {
    const migrating = STANDBY.replace('    canary:', '    migrations: ./migrations/\n    canary:')
    expect(read(fleetWith(standbyOf('shop-azure'), migrating))).toHaveLength(1)
  })

  test('may be in the same cloud, for another version', () => {
    const newer = smallest
      .slice(smallest.indexOf('  - name'))
      .replace('name: shop', 'name: shop-17')
      .replace('instance: shop-db', 'instance: shop-db-17')
    expect(read(fleetWith(standbyOf('shop-17'), newer))).toHaveLength(1)
  })
})

const AT = 'fleet.yaml:15:28: databases[0].standbys[0].database is'
const second = (change: (entry: string) => string) => fleetWith(standbyOf('shop-azure'), change(STANDBY))

describe('a standby is refused, with its place and what would be right,', () => {
  test.each([
    [
      'when the file has none of that name',
      fleetWith(standbyOf('shop-azur')),
      `${AT} "shop-azur"; it must be the name of another database of this file; did you mean shop-azure?`,
    ],
    [
      'when there is no other database',
      fleetWith(standbyOf('elsewhere'), ''),
      `${AT} "elsewhere"; it must be the name of another database of this file, with an entry of its own, and there is none.`,
    ],
    [
      'when it is the database itself',
      fleetWith(standbyOf('shop')),
      `${AT} "shop"; it must be another database than the one that it stands by for.`,
    ],
    [
      'when it is in the same instance',
      fleetWith(
        standbyOf('shop-copy'),
        smallest
          .slice(smallest.indexOf('  - name'))
          .replace('name: shop', 'name: shop-copy')
          .replace('database: shop', 'database: copy'),
      ),
      `${AT} "shop-copy"; it must be a database in another instance: what shop-db suffers, both of them would.`,
    ],
    [
      'when it has a standby itself',
      second((entry) => `${entry}    standbys: [${standbyOf('shop')}]\n`),
      `${AT} "shop-azure"; it must be one without standbys of its own (databases[1].standbys on line 28): a standby of a standby is not supported.`,
    ],
    [
      'when its entry has other migrations',
      second((entry) => entry.replace('    canary:', '    migrations: others\n    canary:')),
      `${AT} "shop-azure"; it must be one whose own migrations (databases[1].migrations on line 27) are those of its source, migrations, or none: its schema is its source’s.`,
    ],
    [
      'when its source has no migrations and it has',
      second((entry) => entry.replace('    canary:', '    migrations: others\n    canary:')).replace(
        '    migrations: migrations\n',
        '',
      ),
      'are none, as its source has',
    ],
  ])('%s', (_title, text, said) => {
    expect(refusal(text)[0]).toContain(said)
  })

  test('when it is declared twice, under another name or by another source as well', () => {
    const twice = fleetWith(`${standbyOf('shop-azure')}, ${standbyOf('shop-azure')}`)
    const rule =
      'it must be another, since databases[0].standbys[0].database on line 15 declares that one: it follows one source.'
    expect(refusal(twice)).toEqual([expect.stringContaining(`databases[0].standbys[1].database is "shop-azure"; ${rule}`)])
    const alias = fleetWith(
      `${standbyOf('shop-azure')}, ${standbyOf('shop-az')}`,
      STANDBY + STANDBY.replace('name: shop-azure', 'name: shop-az'),
    )
    expect(refusal(alias)).toEqual([expect.stringContaining(`databases[0].standbys[1].database is "shop-az"; ${rule}`)])
    const orders = `${smallest.slice(smallest.indexOf('  - name')).replace('name: shop', 'name: orders').replace('shop-db', 'orders-db')}    standbys: [${standbyOf('shop-azure')}]\n`
    expect(refusal(fleetWith(standbyOf('shop-azure'), STANDBY + orders))).toEqual([
      expect.stringContaining(`databases[2].standbys[0].database is "shop-azure"; ${rule}`),
    ])
  })

  test.each([
    [
      'when nobody decided how it comes to its source',
      ', tls: require',
      '',
      'publisher.tls is missing; it must be disable, require or verify-full',
    ],
    ['when its password stands there', 'secret: env:R', 'secret: hunter2', 'publisher.secret is something else (not shown)'],
    [
      'when nobody said what it may hold back',
      ', maxRetained: 20GB',
      '',
      'maxRetained is missing; it must be a size with its unit, such as 20GB',
    ],
    [
      'when it may hold back next to nothing',
      '20GB',
      '1MB',
      'maxRetained is "1MB"; it must be a whole number of bytes, from 16MB on',
    ],
    [
      'when it may hold back more than can be counted',
      '20GB',
      '99999999TB',
      'maxRetained is "99999999TB"; it must be a whole number of bytes',
    ],
    ['when it may hold back a number', '20GB', '20', 'maxRetained is the number 20; it must be a size with its unit'],
    [
      'when it may be late for no time',
      '20GB',
      '20GB, maxLag: 0s',
      'maxLag is "0s"; it must be whole milliseconds, from 1s to 7d',
    ],
    ['when it has another field', '20GB', '20GB, maxLagg: 5s', 'maxLagg is not a field; did you mean maxLag?'],
  ])('%s', (_title, piece, instead, said) => {
    const text = fleetWith(standbyOf('shop-azure'))
    expect(text).toContain(piece)
    const told = refusal(text.replace(piece, instead))
    expect(told).toEqual([expect.stringContaining(`databases[0].standbys[0].${said}`)])
    expect(told.join()).not.toContain('hunter2')
  })
})

test('of any fleet in which some stand by for others, each is refused or each follows one source that follows none', () => {
  const names = ['shop', 'a', 'b', 'c'] as const
  const entry = (name: string) =>
    STANDBY.replace('name: shop-azure', `name: ${name}`).replace('instance: shop-az', `instance: srv-${name}`)
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names)), { maxLength: 6 }), (edges) => {
      const list = (name: string) => {
        const mine = edges.filter(([source]) => source === name).slice(0, 4)
        return mine.length === 0 ? '' : `    standbys: [${mine.map(([, target]) => standbyOf(target)).join(', ')}]\n`
      }
      const text = `version: 1\ndatabases:\n${names.map((name) => entry(name) + list(name)).join('')}`
      const declared = edges.filter(([source], at) => edges.slice(0, at).filter(([other]) => other === source).length < 4)
      const targets = declared.map(([, target]) => target)
      const sound =
        new Set(targets).size === targets.length &&
        declared.every(([source, target]) => source !== target && !declared.some(([one]) => one === target))
      const accepted = () => {
        try {
          parseFleet(text, 'f')
          return true
        } catch {
          return false
        }
      }
      expect(accepted()).toBe(sound)
    }),
    { numRuns: 60 },
  )
})
