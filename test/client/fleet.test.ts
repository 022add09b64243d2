import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { parseFleet } from '../../client/fleet/parse-fleet'
import { findDatabase, readFleet } from '../../client/fleet/read-fleet'
import { Failure } from '../../contracts/failures'
import { lockScope } from '../../contracts/fleet'
import { refusal, smallest } from './fleet-file'

const example = readFileSync(join(__dirname, 'fleet-example.yaml'), 'utf8')

describe('a fleet file', () => {
  test('the documented example is read field by field', () => {
    expect(parseFleet(example, 'fleet.yaml').databases).toEqual([
      {
        name: 'shop',
        cloud: 'aws',
        account: '123456789012',
        region: 'eu-central-1',
        instance: 'shop-db',
        database: 'shop',
        environment: 'production',
        labels: { team: 'checkout' },
        connections: {
          admin: { user: 'shop_admin', secret: 'env:SHOP_ADMIN_PASSWORD', host: null, port: null, tls: 'require' },
          migrator: {
            user: 'shop_migrator',
            secret: 'file:/run/secrets/shop-migrator',
            host: 'db.internal',
            port: 5433,
            tls: 'verify-full',
          },
        },
        migrations: 'migrations',
        checks: {
          rowCounts: ['public.orders', 'public.customers'],
          invariants: [
            {
              id: 'orders-have-customers',
              title: 'Every order has a customer',
              sql: expect.stringContaining('WHERE c.id IS NULL'),
            },
          ],
          smoke: [{ id: 'some-orders', title: 'There are orders', sql: 'SELECT 1 FROM orders LIMIT 1' }],
        },
        policy: {
          approval: 'required',
          limits: { writeBlockMsMax: 500, rewriteRowsMax: 10_000, statementMsMax: 600_000, walBytesMax: 1024 ** 3 },
          lockTimeoutMs: 500,
          lockAttempts: 5,
          bakeSeconds: 30,
          snapshotRetentionHours: 168,
        },
        canary: { securityGroups: ['sg-canary'], instanceClass: 'db.t4g.medium' },
      },
    ])
  })

  test('what is left out takes its default', () => {
    expect(parseFleet(smallest, 'fleet.yaml').databases[0]).toMatchObject({
      labels: {},
      checks: { rowCounts: [], invariants: [], smoke: [] },
      policy: {
        approval: 'none',
        limits: { writeBlockMsMax: 1_000, rewriteRowsMax: 10_000, statementMsMax: null, walBytesMax: null },
        lockTimeoutMs: 1_000,
        lockAttempts: 10,
        bakeSeconds: 10,
        snapshotRetentionHours: 168,
      },
      canary: { instanceClass: null },
    })
  })

  test('what a failover may lose without anybody being asked', () => {
    const { databases } = parseFleet(`${smallest}    policy: { failover: { allowLoss: 30s } }\n`, 'f')
    expect(databases[0]!.policy.failover).toEqual({ allowLossMs: 30_000 })
  })

  test('the regions that snapshots are copied into, each with its key or none', () => {
    const policy = 'policy: { snapshotCopies: [{ region: eu-west-1 }, { region: us-east-1, kmsKey: alias/backups }] }'
    const { databases } = parseFleet(`${smallest}    ${policy}\n`, 'f')
    expect(databases[0]!.policy.snapshotCopies).toEqual([
      { region: 'eu-west-1', key: null },
      { region: 'us-east-1', key: 'alias/backups' },
    ])
  })

  test('what a copy is given that is restored in another region, with that region’s prices', () => {
    const canary = 'canary: { securityGroups: [sg-1], subnetGroup: vault }'
    const classes = '{ db.m6g.large: 0.2 }'
    const region = `{ cloud: aws, region: eu-west-1, classes: ${classes}, storage: 0.1, billedAtLeast: 10m, billedIn: 1s }`
    const prices = `prices: { currency: EUR, regions: [${region}] }\n`
    const policy = `policy: { snapshotCopies: [{ region: eu-west-1, ${canary} }] }`
    const [database] = parseFleet(`${prices}${smallest}    ${policy}\n`, 'f').databases
    expect(database!.prices).toBeUndefined()
    expect(database!.policy.snapshotCopies).toEqual([
      {
        ...{ region: 'eu-west-1', key: null },
        canary: { securityGroups: ['sg-1'], instanceClass: null, subnetGroup: 'vault' },
        prices: expect.objectContaining({ currency: 'EUR', classMicrosPerHour: { 'db.m6g.large': 200_000 } }),
      },
    ])
  })

  test('a limit of null is no limit', () => {
    const { databases } = parseFleet(`${smallest}    policy: { limits: { writeBlock: null, rewriteRows: null } }\n`, 'f')
    expect(databases[0]!.policy.limits).toMatchObject({ writeBlockMsMax: null, rewriteRowsMax: null })
  })

  test('anchors and merges may be used', () => {
    const merged = smallest.replace('{ user: m, secret: env:M }', '*a').replace('admin: {', 'admin: &a {')
    expect(parseFleet(merged, 'f').databases[0]!.connections.migrator.user).toBe('a')
  })
})

describe('each cloud has its own words', () => {
  const canary = /canary: .*/
  const azure = smallest
    .replace('cloud: aws', 'cloud: azure')
    .replace('"123456789012"', '3f2c1a9e-0b4d-4c57-9d3e-6a1b2c3d4e5f\n    resourceGroup: Shop_(eu).prod')
    .replace('eu-central-1', 'westeurope')
    .replace(canary, 'canary: { networks: [10.1.2.0/24, 192.168.7.9] }')
  const gcp = smallest
    .replace('cloud: aws', 'cloud: gcp')
    .replace('"123456789012"', 'shop-production')
    .replace('eu-central-1', 'europe-west3')
    .replace('user: a', 'user: postgres')
    .replace(canary, 'canary: { networks: [10.1.2.0/24], instanceClass: db-custom-2-7680 }')

  test('a server on Azure and an instance on Google Cloud are named, and locked, by what holds them', () => {
    const [server] = parseFleet(azure, 'f').databases
    expect(server).toMatchObject({
      cloud: 'azure',
      account: '3f2c1a9e-0b4d-4c57-9d3e-6a1b2c3d4e5f',
      resourceGroup: 'Shop_(eu).prod',
      region: 'westeurope',
      canary: { networks: ['10.1.2.0/24', '192.168.7.9'] },
    })
    expect(lockScope(server!)).toBe('lock/azure/3f2c1a9e-0b4d-4c57-9d3e-6a1b2c3d4e5f/westeurope/shop-db')
    const [instance] = parseFleet(gcp, 'f').databases
    expect(instance).toMatchObject({
      cloud: 'gcp',
      account: 'shop-production',
      canary: { networks: ['10.1.2.0/24'], instanceClass: 'db-custom-2-7680' },
    })
    expect(lockScope(instance!)).toBe('lock/gcp/shop-production/europe-west3/shop-db')
  })

  test('of AWS an Aurora cluster says that it is one, and an instance is as it was before there were any', () => {
    const cluster = (aurora: string) =>
      parseFleet(smallest.replace('cloud: aws', `cloud: aws\n    aurora: ${aurora}`), 'f').databases[0]!
    expect(cluster('true')).toMatchObject({ cloud: 'aws', aurora: true, instance: 'shop-db' })
    const [instance] = parseFleet(smallest, 'f').databases
    expect(cluster('false')).toEqual(instance)
    expect(instance).not.toHaveProperty('aurora')
    expect(() => parseFleet(azure.replace('cloud: azure', 'cloud: azure\n    aurora: true'), 'f')).toThrow(
      'aurora is not a field',
    )
  })

  test('copies of a server may have a resource group to themselves; where none is named the entry is as it always was', () => {
    const apart = azure.replace('    region:', '    copiesResourceGroup: Shop_copies\n    region:')
    expect(parseFleet(apart, 'f').databases).toMatchObject([{ copiesResourceGroup: 'Shop_copies' }])
    expect(parseFleet(azure, 'f').databases[0]).not.toHaveProperty('copiesResourceGroup')
  })

  test('one file may hold databases of all clouds', () => {
    const entryOf = (text: string, name: string): string =>
      text.slice(text.indexOf('  - name')).replace('name: shop', `name: ${name}`)
    const { databases } = parseFleet(smallest + entryOf(azure, 'two') + entryOf(gcp, 'three'), 'f')
    expect(databases.map(({ cloud }) => cloud)).toEqual(['aws', 'azure', 'gcp'])
  })
})

describe('a wrong fleet file', () => {
  test.each([
    [
      'an unknown field',
      `${smallest}    polcy: {}\n`,
      'fleet.yaml:15:5: databases[0].polcy is not a field; did you mean policy?',
    ],
    [
      'a field nobody could mean',
      `${smallest}    policy: { limits: { xyzzy: 1 } }\n`,
      'fleet.yaml:15:25: databases[0].policy.limits.xyzzy is not a field; known here are writeBlock, rewriteRows, statement, wal.',
    ],
    [
      'a missing field',
      smallest.replace('    region: eu-central-1\n', ''),
      'fleet.yaml:3:5: databases[0].region is missing; it must be a region such as eu-central-1.',
    ],
    [
      'a number where text belongs',
      smallest.replace('"123456789012"', '123456789012'),
      'fleet.yaml:5:14: databases[0].account is the number 123456789012; it must be the account’s 12 digits in quotes, such as "123456789012".',
    ],
    [
      'a word outside the choice',
      `${smallest}    policy: { approval: maybe }\n`,
      'fleet.yaml:15:25: databases[0].policy.approval is "maybe"; it must be none or required.',
    ],
    [
      'a time without a unit',
      `${smallest}    policy: { bake: 10 }\n`,
      'fleet.yaml:15:21: databases[0].policy.bake is the number 10; it must be a time with its unit (ms, s, m, h, d), such as 10s.',
    ],
    [
      'a time that is not whole',
      `${smallest}    policy: { bake: 1500ms }\n`,
      'fleet.yaml:15:21: databases[0].policy.bake is "1500ms"; it must be whole seconds, at most a day.',
    ],
    [
      'a retention of less than an hour',
      `${smallest}    policy: { snapshotRetention: 30m }\n`,
      'fleet.yaml:15:34: databases[0].policy.snapshotRetention is "30m"; it must be whole hours, from 1h to 3650d.',
    ],
    [
      'a retention that is no time',
      `${smallest}    policy: { snapshotRetention: 30x }\n`,
      'fleet.yaml:15:34: databases[0].policy.snapshotRetention is "30x"; it must be a time with its unit, such as 7d, or generations such as { daily: 7, weekly: 4, monthly: 12, yearly: 2 }.',
    ],
    [
      'generations without days',
      `${smallest}    policy: { snapshotRetention: { monthly: 12 } }\n`,
      'fleet.yaml:15:34: databases[0].policy.snapshotRetention is a group of fields; it must be generations with `daily`, the days that each snapshot is kept at least.',
    ],
    [
      'no days',
      `${smallest}    policy: { snapshotRetention: { daily: 0 } }\n`,
      'fleet.yaml:15:43: databases[0].policy.snapshotRetention.daily is the number 0; it must be a whole number, 1 to 3650.',
    ],
    [
      'half a month',
      `${smallest}    policy: { snapshotRetention: { daily: 7, monthly: 0.5 } }\n`,
      'fleet.yaml:15:55: databases[0].policy.snapshotRetention.monthly is the number 0.5; it must be a whole number, 0 to 120.',
    ],
    [
      'a generation that there is none of',
      `${smallest}    policy: { snapshotRetention: { daily: 7, hourly: 24 } }\n`,
      'fleet.yaml:15:54: databases[0].policy.snapshotRetention.hourly is the number 24; it must be left out: the generations are daily, weekly, monthly, yearly.',
    ],
    [
      'no retention at all',
      `${smallest}    policy: { snapshotRetention: 0h }\n`,
      'fleet.yaml:15:34: databases[0].policy.snapshotRetention is "0h"; it must be whole hours, from 1h to 3650d.',
    ],
    [
      'a name with two hyphens in a row',
      smallest.replace('name: shop', 'name: shop--db'),
      'fleet.yaml:3:11: databases[0].name is "shop--db"; it must be lower-case letters, digits and single hyphens between them, beginning with a letter, 40 at most.',
    ],
    [
      'an empty group',
      smallest.replace(/ {4}canary.*\n/, '    canary:\n'),
      'fleet.yaml:14:12: databases[0].canary is empty; it must be the canary’s settings, with securityGroups.',
    ],
    [
      'a canary without a group of its own',
      smallest.replace('[sg-1]', '[]'),
      'fleet.yaml:14:31: databases[0].canary.securityGroups is an empty list; it must be a list with at least one security group that lets only the control plane in.',
    ],
    [
      'a table without a schema',
      `${smallest}    checks: { rowCounts: [orders] }\n`,
      'fleet.yaml:15:27: databases[0].checks.rowCounts[0] is "orders"; it must be a table as schema.table, 63 bytes each at most.',
    ],
    [
      'a schedule that does not say when',
      `${smallest}    schedules: { snapshot: {} }\n`,
      'fleet.yaml:15:28: databases[0].schedules.snapshot is a group of fields; it must say when: at, every or cron.',
    ],
    [
      'a schedule that does not come round to its time of the day',
      `${smallest}    schedules: { snapshot: { at: "03:00", every: 5h } }\n`,
      'fleet.yaml:15:50: databases[0].schedules.snapshot.every is "5h"; with `at` it must divide a day in whole hours, such as 24h, 12h or 6h; for once a week give cron: "0 3 * * sun".',
    ],
    [
      'a cron expression with a wrong field',
      `${smallest}    schedules: { snapshot: { cron: "0 3 * * 7" } }\n`,
      'fleet.yaml:15:36: databases[0].schedules.snapshot.cron is "0 3 * * 7"; its day of the week must be 0 to 6 or sun to sat, *, a list such as 1,3, a range such as 1-5, or steps such as */2.',
    ],
    [
      'a schedule of what does not run by the clock',
      `${smallest}    schedules: { migrate: { at: "03:00" } }\n`,
      'fleet.yaml:15:18: databases[0].schedules.migrate is not a field; known here are snapshot, verify-backup.',
    ],
  ])('%s is named with its place and what would be right', (_, text, message) => {
    expect(refusal(text)).toEqual([message])
  })

  test('every problem is told, in the order of the file', () => {
    const wrong = smallest.replace('name: shop', 'name: Shop').replace('instance: shop-db', 'instance: 7').replace('sg-1', "''")
    expect(refusal(wrong).map((line) => line.split(': ')[0])).toEqual(['fleet.yaml:3:11', 'fleet.yaml:7:15', 'fleet.yaml:14:32'])
  })

  test('of a cloud that there is none of, nothing but that is told', () => {
    const wrong = smallest.replace('cloud: aws', 'cloud: moon').replace('instance: shop-db', 'instance: 7').replace('sg-1', "''")
    expect(refusal(wrong)).toEqual(['fleet.yaml:4:12: databases[0].cloud is "moon"; it must be aws, azure or gcp.'])
  })

  test('more than eight problems are told too', () => {
    const many = Array.from({ length: 12 }, (_, index) => `  - nam${index}: x`).join('\n')
    expect(refusal(`version: 1\ndatabases:\n${many}\n`).length).toBeGreaterThan(60)
  })

  test('a repeated name is refused, naming the first', () => {
    const second = smallest.slice(smallest.indexOf('  - name'))
    expect(refusal(smallest + second)).toEqual([
      'fleet.yaml:15:11: databases[1].name is "shop"; it must be another, since databases[0].name on line 3 is the same.',
    ])
  })

  test('a repeated check id is refused across invariants and smoke queries', () => {
    const check = '[{ id: a, title: A, sql: SELECT 1 }]'
    expect(refusal(`${smallest}    checks: { invariants: ${check}, smoke: ${check} }\n`)[0]).toContain(
      'smoke[0].id is "a"; it must be another',
    )
  })

  test('a password in the place of a reference is not repeated', () => {
    const inSecret = refusal(smallest.replace('secret: env:A', 'secret: hunter2'))
    const inUrl = refusal(smallest.replace('{ user: a, secret: env:A }', 'postgres://a:hunter2@h/d'))
    expect(inSecret[0]).toMatch(/^fleet.yaml:11:33: .*secret is something else \(not shown\); it must be a reference/)
    expect([...inSecret, ...inUrl].join()).not.toContain('hunter2')
  })

  test.each([
    ['empty', '', 'fleet.yaml:1:1: the file is empty; it must be a fleet'],
    ['only a comment', '# soon\n', 'fleet.yaml:1:1: the file is empty; it must be a fleet'],
    ['two documents', `${smallest}---\nversion: 1\n`, 'a second YAML document begins'],
    [
      'a repeated key',
      smallest.replace('cloud: aws', 'cloud: aws\n    cloud: aws'),
      'fleet.yaml:5:5: a field of this name stands above already',
    ],
    ['an unclosed quote', smallest.replace('"123456789012"', '"123456789012'), 'fleet.yaml:'],
    [
      'an unknown anchor',
      smallest.replace('{ user: m, secret: env:M }', '*nobody'),
      'fleet.yaml:12:17: an alias (*) stands here',
    ],
    ['a list', '- 1\n', 'fleet.yaml:1:1: the file is a list; it must be a fleet with version and databases.'],
    ['another version', smallest.replace('version: 1', 'version: 2'), 'fleet.yaml:1:10: version is the number 2; it must be 1.'],
  ])('a file that is %s is refused in one sentence', (_, text, message) => {
    expect(refusal(text)[0]).toContain(message)
  })

  test('any text is either a fleet or a refusal with a place in it', () => {
    const lines = smallest.split('\n')
    fc.assert(
      fc.property(fc.nat(lines.length - 1), fc.string({ unit: 'binary' }), (index, junk) => {
        const text = lines.with(index, `${lines[index]}${junk}`).join('\n')
        try {
          parseFleet(text, 'fleet.yaml')
        } catch (error) {
          if (!(error instanceof Failure)) throw error
          expect(error.code).toBe('FLEET_FILE_INVALID')
          for (const line of error.message.split('\n')) expect(line).toMatch(/^fleet\.yaml:[1-9]\d*:[1-9]\d*: ./)
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('on the disk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-fleet-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  test('a file that is missing, a folder, or not UTF-8 is refused', async () => {
    await expect(readFleet(join(folder, 'none.yaml'))).rejects.toMatchObject({ code: 'FLEET_FILE_MISSING' })
    await expect(readFleet(folder)).rejects.toMatchObject({ code: 'FLEET_FILE_MISSING' })
    const latin = join(folder, 'latin.yaml')
    writeFileSync(latin, Buffer.from([0x76, 0xe9]))
    await expect(readFleet(latin)).rejects.toMatchObject({ code: 'FLEET_FILE_INVALID' })
  })

  test('an unknown database is refused with the nearest name', async () => {
    writeFileSync(join(folder, 'fleet.yaml'), smallest)
    const fleet = await readFleet(join(folder, 'fleet.yaml'))
    expect(findDatabase(fleet, 'shop').instance).toBe('shop-db')
    expect(() => findDatabase(fleet, 'shpo')).toThrow('did you mean shop?')
    expect(() => findDatabase(fleet, 'warehouse')).toThrow('it holds shop')
  })
})
