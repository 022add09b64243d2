import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import fc from 'fast-check'
import { CliContext } from '../../client/cli/context'
import { qualifiedTable } from '../../client/cli/options'
import { replicationPlanLines } from '../../client/cli/render/replication-plan'
import { standbyListLines } from '../../client/cli/render/standbys'
import { addStandbyList } from '../../client/cli/standby-list'
import { VIGILANCE } from '../../client/health-watch'
import { prepareReplicate, type ReplicateQuestion } from '../../client/start-replicate'
import type { PreflightFinding } from '../../contracts/preflight'
import { type ReplicatePlan, replicateStarter } from '../../contracts/replicate'
import type { StandbyComparisons, StandbyLook, StandbyRecord } from '../../contracts/standby'
import { commonInput, openingRecord } from '../../contracts/start'
import { fleetWith, STANDBY, standbyOf } from './standby-fleet'

const folder = mkdtempSync(join(tmpdir(), 'capstan-replicate-'))
afterAll(() => rmSync(folder, { recursive: true }))
mkdirSync(join(folder, 'migrations'))
writeFileSync(join(folder, 'migrations', 'V1__a.sql'), 'SELECT 1;')
const paint = (_style: unknown, text: string): string => text

let files = 0
function fleet(text: string): string {
  files += 1
  const file = join(folder, `fleet-${files}.yaml`)
  writeFileSync(file, text)
  return file
}

const one = fleet(fleetWith(standbyOf('shop-azure')))
const second = STANDBY.replace('name: shop-azure', 'name: shop-azure-eu').replace('instance: shop-az', 'instance: shop-az-eu')
const two = fleet(fleetWith(`${standbyOf('shop-azure')}, ${standbyOf('shop-azure-eu')}`, STANDBY + second))
const BACK = 'maxRetained: 20GB, wayBack: { user: follower, secret: env:B, tls: require, port: 5433 }'
const turnable = fleet(fleetWith(standbyOf('shop-azure', BACK)))
const prepared = (more: Partial<ReplicateQuestion> = {}) =>
  prepareReplicate({ fleetFile: one, source: 'shop', standby: null, action: 'set-up', table: null, ...more })

describe('what is asked of a standby', () => {
  test('goes into the bundle with both entries, what was declared, and the migrations that build it', async () => {
    expect(await prepared()).toMatchObject({
      database: { name: 'shop', standbys: [{ database: 'shop-azure' }] },
      migrations: [{ script: 'V1__a.sql', content: 'SELECT 1;' }],
      replicate: {
        ...{ action: 'set-up', table: null, standby: { name: 'shop-azure', cloud: 'azure' } },
        declared: { database: 'shop-azure', retainedBytesMax: 20 * 1024 ** 3 },
      },
    })
    expect((await prepared({ action: 'reseed', table: 'public.orders' })).migrations).toHaveLength(1)
  })

  test('needs no migration where none is run: who pauses one at night is not kept from it by a file', async () => {
    const broken = fleet(fleetWith(standbyOf('shop-azure')).replace('migrations: migrations', 'migrations: nowhere'))
    for (const action of ['pause', 'resume', 'remove'] as const)
      expect(await prepared({ fleetFile: broken, action })).toMatchObject({ migrations: [], replicate: { action } })
    await expect(prepared({ fleetFile: broken })).rejects.toMatchObject({ code: expect.stringMatching(/^MIGRATION/) })
  })

  test('is of the standby that is named, where there are several', async () => {
    expect((await prepared({ fleetFile: two, standby: 'shop-azure-eu' })).replicate.standby.name).toBe('shop-azure-eu')
  })

  test('is done the other way round by the declared way back, at the addresses of the instances, once writing has moved', async () => {
    for (const action of ['pause', 'resume', 'reseed', 'remove'] as const)
      expect(await prepared({ fleetFile: turnable, source: 'shop-azure', standby: 'shop', action })).toMatchObject({
        database: { name: 'shop-azure', connections: { admin: { host: null }, migrator: { host: null } } },
        replicate: {
          ...{ action, standby: { name: 'shop', connections: { admin: { host: null }, migrator: { host: null } } } },
          declared: { database: 'shop', publisher: { user: 'follower', port: 5433 }, wayBack: { user: 'shop_replicator' } },
        },
      })
    const rebuild = { discard: 'a test system' }
    expect((await prepared({ fleetFile: turnable, source: 'shop-azure', rebuild })).replicate).toMatchObject({
      ...{ action: 'set-up', rebuild, standby: { name: 'shop', connections: { admin: { host: null } } } },
      declared: { publisher: { user: 'follower' } },
    })
    // whoever sets one up says so where it is declared
    await expect(prepared({ fleetFile: turnable, source: 'shop-azure' })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await expect(prepared({ source: 'shop-azure', action: 'pause' })).rejects.toMatchObject({
      message: expect.stringContaining('give "wayBack" where shop declares it'),
    })
  })

  test.each([
    ['a source that there is not', { source: 'shpo' }, 'DATABASE_UNKNOWN', 'did you mean shop?'],
    ['a standby that the file does not have', { standby: 'shop-asure' }, 'DATABASE_UNKNOWN', 'did you mean shop-azure?'],
    ['none of several', { fleetFile: two }, 'OPTION_INVALID', 'name one with --to: shop-azure, shop-azure-eu.'],
    [
      'the source as its own',
      { standby: 'shop' },
      'OPTION_INVALID',
      '--to is "shop", which shop does not declare as its standby',
    ],
    [
      'the standby as its source',
      { source: 'shop-azure' },
      'OPTION_INVALID',
      'it is one: name its source, which is shop, and --to shop-azure.',
    ],
    [
      'a source that declares none',
      { fleetFile: fleet(fleetWith('').replace('    standbys: []\n', '')) },
      'OPTION_INVALID',
      'add "standbys" to its entry',
    ],
    [
      'one that was taken out of the file before it was removed',
      { action: 'remove', standby: 'shop-azure-eu', fleetFile: fleet(fleetWith(standbyOf('shop-azure'), STANDBY + second)) },
      'OPTION_INVALID',
      'one that is to be removed is declared until that is done; did you mean shop-azure?',
    ],
  ] as const)('%s is refused', async (_what, asked, code, said) => {
    await expect(prepared(asked)).rejects.toMatchObject({ code, message: expect.stringContaining(said) })
  })
})

describe('the operation', () => {
  const asked = async (action: ReplicateQuestion['action'], text = fleetWith(standbyOf('shop-azure'))) => {
    const { database: entry, replicate } = await prepared({ action, fleetFile: fleet(text) })
    const starter = replicateStarter(entry, replicate, 'apply')
    const start = { operation: 'o-1', entry, bundle: 'b', mode: 'apply', requestedBy: 'ada', heartbeatTimeoutMs: 1 } as const
    return { starter, input: starter.inputOf(commonInput(start)), record: openingRecord(start, starter, 'then') }
  }

  test('is told where both are and which locks it takes, and is on the record of both', async () => {
    const { input, record } = await asked('set-up')
    expect(input).toMatchObject({
      ...{ database: 'shop', cloud: 'aws', lockScope: 'lock/aws/123456789012/eu-central-1/shop-db' },
      ...{ standby: 'shop-azure', standbyCloud: 'azure', action: 'set-up', approval: 'none' },
      standbyLockScope: 'lock/azure/3f2c1a9e-0b4d-4c57-9d3e-6a1b2c3d4e5f/westeurope/shop-az',
    })
    expect(record.databases).toEqual(['shop', 'shop-azure'])
  })

  test('waits for an approval where either policy asks for one, but for a pause and its end', async () => {
    const strict = fleetWith(
      standbyOf('shop-azure'),
      STANDBY.replace('    canary:', '    policy: { approval: required }\n    canary:'),
    )
    const approvals = { 'set-up': 'required', reseed: 'required', remove: 'required', pause: 'none', resume: 'none' } as const
    for (const [action, approval] of Object.entries(approvals))
      expect((await asked(action as ReplicateQuestion['action'], strict)).input.approval).toBe(approval)
  })
})

test('a table is one name in another, quoted or not', () => {
  for (const table of ['public.orders', 'public."Order.Lines"', '"a""b".c']) expect(qualifiedTable(table)).toBe(table)
  for (const table of ['orders', 'public.', '.orders', 'a.b.c', 'public.my orders', '"a.b', ''])
    expect(() => qualifiedTable(table)).toThrow('schema.table')
  const quoted = fc.string({ minLength: 1 }).map((name) => `"${name.replaceAll('"', '""')}"`)
  fc.assert(
    fc.property(quoted, quoted, (schema, name) => {
      expect(qualifiedTable(`${schema}.${name}`)).toBe(`${schema}.${name}`)
    }),
  )
})

const address = { instanceId: 'i', host: 'h', port: 5432, engineVersion: '17.2' }
const finding = (more: Partial<PreflightFinding>): PreflightFinding => ({
  ...{ check: 'wal-level', severity: 'blocks', side: 'source', object: null, message: 'wal_level is replica.' },
  ...{ why: 'Nothing can follow it.', command: 'set rds.logical_replication to 1, then restart' },
  ...more,
})
const PLAN: ReplicatePlan = {
  ...{ version: 1, digest: 'd', bundle: 'b', retainedBytesMax: 20 * 1024 ** 3, lagMsMax: 60_000 },
  source: { ...address, instance: 'shop-db' },
  standby: { ...address, instance: 'shop-az' },
  names: { publication: 'p_1', slot: 's_1', subscription: 't_1' },
  migrations: ['V1__a.sql', 'V2__b.sql'],
  preflight: {
    ...{ findings: [], notKnown: [], asked: {} as ReplicatePlan['preflight']['asked'], bytes: 1_200_000_000 },
    ...{ tables: ['public.a', 'public.b'], versions: { source: '15.8', standby: '17.2' }, noWayBack: null },
  },
}
const planLines = (preflight: Partial<ReplicatePlan['preflight']> = {}) =>
  replicationPlanLines({ ...PLAN, preflight: { ...PLAN.preflight, ...preflight } }, { name: 'shop' }, { paint, columns: 120 })

describe('a plan for people', () => {
  test('says what is copied, made, held back, and whether there is a way back', () => {
    expect(planLines()).toEqual([
      'plan for a standby of shop  shop-az (PostgreSQL 17.2) follows shop-db (PostgreSQL 15.8)',
      '  copies 2 tables, 1.2 GB: public.a, public.b',
      '  builds its schema by 2 scripts, V1__a.sql to V2__b.sql',
      '  makes on shop-db: publication p_1, replication slot s_1',
      '  makes on shop-az: subscription t_1',
      '  its slot may hold back 20 GiB of log on shop-db; above that it is dropped, and the standby has to be seeded anew',
      '  it is told as late once it is more than 1 min behind',
      '  once writing has moved to it, the source can follow it: there is a way back',
      '',
      '  nothing was found that stands in the way',
      '',
      '  plan digest d',
    ])
    expect(planLines({ noWayBack: 'The source is PostgreSQL 15.' })).toContain(
      '  there is no way back, once writing has moved to it: The source is PostgreSQL 15.',
    )
    const many = Array.from({ length: 30 }, (_, at) => `public.t${at}`)
    expect(planLines({ tables: many }).join(' ')).toContain('public.t11 and 18 more: --json has all')
  })

  test('tells each finding with what it does and what mends it, and what could not be asked', () => {
    const notes = Array.from({ length: 7 }, (_, at) =>
      finding({
        check: 'sequences',
        severity: 'note',
        object: `s${at}`,
        message: `Sequence s${at}.`,
        why: 'Set later.',
        command: '',
      }),
    )
    const lines = planLines({
      findings: [
        finding({}),
        finding({ check: 'triggers', severity: 'warning', side: 'standby', message: 'A trigger fires.' }),
        ...notes,
      ],
      notKnown: [{ check: 'disk-room', side: 'source', why: 'The cloud does not say.' }],
    })
    const from = lines.indexOf('') + 1
    expect(lines.slice(from, from + 7)).toEqual([
      '  1 finding blocks: nothing is made before it is mended; 1 warning; 7 notes',
      '  ✘ source: wal_level is replica.',
      '      Nothing can follow it.',
      '      set rds.logical_replication to 1, then restart',
      '  ▲ standby: A trigger fires.',
      '      Nothing can follow it.',
      '      set rds.logical_replication to 1, then restart',
    ])
    expect(lines).toContain('    … and 2 more like these: --json has all')
    expect(lines.filter((line) => line.includes('Set later.'))).toHaveLength(1)
    expect(lines).toContain('  not known of the source: disk-room. The cloud does not say.')
  })

  test('obeys nothing that a name of the database says', () => {
    const lines = planLines({ tables: ['public."\u001b[31mred"'], findings: [finding({ message: 'a\nb\u202e' })] })
    for (const obeyed of ['\u001b', '\u202e', '\n']) expect(lines.join('')).not.toContain(obeyed)
  })
})

const NOW = Date.parse('2026-11-29T12:00:00.000Z')
const LOOK: StandbyLook = {
  at: '2026-11-29T11:59:57.000Z',
  source: { slot: { active: true, walStatus: 'reserved', retainedBytes: 1_200_000_000, safeBytes: null }, publishedTables: 2 },
  target: null,
  ...{ unreached: [], lagMs: 400, lagBytes: 12_000, schemaDiffers: null, findings: [], beatAt: null, copySlots: null },
}
const RECORD: StandbyRecord = {
  ...{ version: 1, source: 'shop', target: 'shop-azure', state: 'following', reason: null, since: '2026-11-29T10:00:00.000Z' },
  ...{ operation: null, instances: { source: 'i', target: 'j' }, names: PLAN.names, look: LOOK },
  declared: {
    ...{ database: 'shop-azure', retainedBytesMax: 20 * 1024 ** 3, lagMsMax: 60_000 },
    publisher: { user: 'r', secret: 'env:R', host: null, port: null, tls: 'require' },
  },
}
const listed = (...standbys: StandbyRecord[]) =>
  standbyListLines(standbys, { paint, now: NOW }).map((line) => line.replace(/ {2,}/g, ' | ').trim())

describe('the list', () => {
  test('says of each its state, how late it is and what its slot holds back, each against what is allowed', () => {
    expect(listed()).toEqual(['There is no standby: "capstan replicate" makes one.'])
    expect(listed(RECORD)).toEqual([
      'SOURCE | STANDBY | STATE | SINCE | LATE | BEHIND | HELD BACK | LOOKED | EQUAL | REASON',
      'shop | shop-azure | following | 2 h | 400 ms of 1 min | 12 kB | 1.2 GB of 20 GiB | 3.0 s ago',
    ])
  })

  test('says what is not known, why, and what to do next', () => {
    const lost = { active: false, walStatus: 'lost', retainedBytes: null, safeBytes: null }
    const unseen = { ...LOOK, lagMs: null, lagBytes: null, source: null, unreached: ['The source did not answer.'] }
    expect(
      listed(
        { ...RECORD, state: 'building', look: null },
        { ...RECORD, state: 'broken', reason: 'Its worker fails.', look: unseen },
        { ...RECORD, state: 'to-be-seeded', look: { ...LOOK, source: { slot: null, publishedTables: 2 } } },
        { ...RECORD, state: 'paused', look: { ...LOOK, source: { slot: lost, publishedTables: 2 } } },
      ).slice(1),
    ).toEqual([
      'shop | shop-azure | building | 2 h | never',
      'shop | shop-azure | broken | 2 h | 3.0 s ago | Its worker fails. The source did not answer.',
      'shop | shop-azure | to-be-seeded | 2 h | 400 ms of 1 min | 12 kB | no slot | 3.0 s ago',
      'shop | shop-azure | paused | 2 h | 400 ms of 1 min | 12 kB | (lost) | 3.0 s ago',
      '✘ shop to shop-azure is to-be-seeded: capstan standby reseed shop --to shop-azure',
      '▲ shop to shop-azure is paused: capstan standby resume shop --to shop-azure',
      expect.stringMatching(/^✘ Nobody has looked at shop-azure of shop since /),
    ])
  })

  test('says whatever somebody has to hear of, and what else was found, once', () => {
    const findings = [
      { rule: 'not-published', message: 'Tables are not published: public.refunds.' },
      { rule: 'no-beat', message: 'No beat has arrived.' },
      { rule: 'unreached', message: 'It did not answer.' },
    ]
    expect(listed({ ...RECORD, look: { ...LOOK, findings } }).slice(2)).toEqual([
      '✘ Tables are not published: public.refunds.',
      '✘ No beat has arrived.',
    ])
    expect(listed({ ...RECORD, state: 'gone', look: { ...LOOK, findings } }).slice(2)).toEqual([])
  })

  test('says when each was found equal last, how far the comparison is that is under way, and which rows differ', () => {
    const hoursAgo = (n: number): string => new Date(NOW - n * 3_600_000).toISOString()
    const told = { startedAt: hoursAgo(3), endedAt: hoursAgo(2), tables: 3, left: [], tablesLeft: 0 }
    const differing = [{ table: 'public.orders', onlyInSource: 2, onlyInStandby: 0, changed: 1, exact: true }]
    const compared: StandbyComparisons = {
      ...{ since: hoursAgo(50), askedAt: null, running: null, equalAt: hoursAgo(3) },
      last: { ...told, verdict: 'equal', differing: [], tablesDiffering: 0 },
    }
    const running = { since: hoursAgo(1), tables: 12, tablesDone: 4 }
    const lines = listed(
      { ...RECORD, compared: { ...compared, last: null, equalAt: null } },
      { ...RECORD, compared: { ...compared, running } },
      { ...RECORD, compared: { ...compared, last: { ...told, verdict: 'different', differing, tablesDiffering: 1 } } },
    ).slice(1)
    expect(lines.map((line) => line.split(' | ')[8] ?? line)).toEqual([
      'never',
      '3 h ago (comparing, 4 of 12)',
      'rows differ',
      expect.stringMatching(
        /^✘ shop-azure does not hold the rows that shop does, .* public.orders: 2 rows are in the source alone/,
      ),
    ])
  })

  test('is one document for machines, whole', async () => {
    let written = ''
    const io = { out: (text: string) => (written += text) } as unknown as CliContext['io']
    const program = new Command()
    addStandbyList(program, new CliContext(io, {}, VIGILANCE), (work) => work({ listStandbys: async () => [RECORD] }))
    await program.parseAsync(['list', '--json'], { from: 'user' })
    expect(JSON.parse(written)).toEqual({ version: 1, standbys: [RECORD] })
  })
})
