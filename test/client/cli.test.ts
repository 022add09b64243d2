import { createServer } from 'node:http'
import { cliFiles, FLEET_EXAMPLE } from './cli-files'
import { capstan } from './recorded-io'

const { migrationsFolder, fleetFile, remove } = cliFiles()
afterAll(remove)

describe('help and mistyped commands', () => {
  test.each([
    [['--help']],
    [['migrate', '--help']],
    [['ops', 'approve', '--help']],
    [['migrations', 'apply', '--help']],
    [['lab', 'fault', '--help']],
  ])('%j shows an example and exits 0', async (args) => {
    const { exit, out, err } = await capstan(args)
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    expect(out).toMatch(/Example:\n {2}\$ capstan /)
  })

  test.each([
    [['migrat'], 'There is no command "migrat"; did you mean migrate?'],
    [['migrate'], 'The argument <database> is missing; "--help" shows what belongs there.'],
    [['migrate', 'shop', '--wait-timeout', '3'], '--wait-timeout is "3"; it must be a time with its unit, such as 90s or 30m.'],
    [['ops', 'list', '--limit', '0'], '--limit is "0"; it must be a whole number from 1 to 1000000.'],
    [['ops', 'list', '--status', 'runing'], 'did you mean running?'],
    [['ops', 'list', '--status', 'x'], 'known are succeeded, planned, failed'],
    [['ops', 'list', '--since', 'yesterday'], 'it must be a time ago, such as 90m or 7d'],
    [['ops', 'list', '--since', '2026-13-45'], 'it must be a time ago, such as 90m or 7d'],
    [
      ['ops', 'list', '--kind', 'migrat'],
      '--kind is "migrat"; it must be one of migrate, snapshot, restore, verify-backup, recover',
    ],
    [['ops', 'approve', 'migrate-shop-abc', '--digest', 'abc'], 'it must be the whole digest: 64 hexadecimal digits'],
    [['ops', 'reject', 'migrate-shop-abc'], '--reason is missing: write --reason <text>.'],
    [
      ['ops', 'resolve', 'migrate-shop-abc', 'maybe', '--step', 'x'],
      '<decision> is "maybe"; it must be one of retry, skip, done.',
    ],
    [['ops', 'show', 'X!'], '"X!" is no operation id'],
    [['ops', 'show', 'migrate--shop'], '"migrate--shop" is no operation id'],
    [['ops', 'show', 'migrate-shop-'], '"migrate-shop-" is no operation id'],
    [['migrations', 'info', '--dir', 'x'], 'No database is named: set CAPSTAN_DATABASE_URL'],
    [['lab', 'fault'], 'The argument <kind> is missing'],
    [['migrations', 'info', '--url', 'x', '--dir', '/nowhere/at-all'], 'The migrations folder /nowhere/at-all cannot be read'],
  ])('%j is told in one sentence, exit 2', async (args, sentence) => {
    const { exit, out, err } = await capstan(args)
    expect({ exit, out }).toEqual({ exit: 2, out: '' })
    expect(err).toContain(sentence)
    expect(err.trim().split('\n')).toHaveLength(1)
  })

  test('with --json a mistake is one document on standard output', async () => {
    const run = await capstan(['ops', 'show', 'X!', '--json'])
    expect(run.json).toEqual({
      version: 1,
      error: { code: 'OPTION_INVALID', message: expect.any(String), facts: { operation: 'X!' } },
    })
    expect({ exit: run.exit, err: run.err }).toEqual({ exit: 2, err: '' })
    expect((await capstan(['migrate', '--json'])).json).toMatchObject({ error: { code: 'OPTION_INVALID' } })
  })

  test('a group without a command shows what there is, exit 2', async () => {
    const { exit, err } = await capstan(['ops'])
    expect(exit).toBe(2)
    expect(err).toContain('evidence')
  })
})

describe('without anything running', () => {
  test.each([
    [['ops', 'list'], 4, 'start the embedded default with "npm start", or set CAPSTAN_LEDGER_URL.'],
    [['migrate', 'shop'], 2, 'name one with --fleet FILE'],
    [['lab', 'status'], 4, 'start the embedded default with "npm start"'],
  ])('%j says how to start', async (args, exit, sentence) => {
    const run = await capstan(args)
    expect(run.exit).toBe(exit)
    expect(run.err).toContain(sentence)
  })
})

describe('migrate checks its files before anything else', () => {
  test.each([
    ['a broken statement', { 'V1__a.sql': 'SELECT 1;\nCREATE TABEL x();' }, 'MIGRATION_SYNTAX_ERROR', /V1__a\.sql:2/],
    ['two files of one version', { 'V1__a.sql': '', 'V1.0__b.sql': '' }, 'MIGRATION_VERSION_DUPLICATE', /V1__a\.sql/],
    ['a file with a bad name', { 'V1_a.sql': '' }, 'MIGRATION_NAME_INVALID', /V1_a\.sql/],
    ['an empty folder', {}, 'MIGRATIONS_MISSING', /holds no migration/],
  ])('%s ends with exit 2', async (_, files, code, message) => {
    const fleet = fleetFile(migrationsFolder(files as Record<string, string>))
    const { exit, json } = await capstan(['migrate', 'shop', '--fleet', fleet, '--json'])
    expect(exit).toBe(2)
    expect(json).toMatchObject({ error: { code, message: expect.stringMatching(message) } })
  })

  test('an unknown database is refused', async () => {
    const fleet = fleetFile(migrationsFolder({ 'V1__a.sql': 'SELECT 1;' }))
    expect(await capstan(['migrate', 'shp', '--fleet', fleet])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('did you mean shop?'),
    })
  })
})

describe('fleet', () => {
  test('check reads the fleet and every folder it names', async () => {
    const good = fleetFile(migrationsFolder({ 'V1__a.sql': 'SELECT 1;', 'R__v.sql': 'SELECT 2;' }))
    expect(await capstan(['fleet', 'check', '--fleet', good])).toMatchObject({
      exit: 0,
      out: expect.stringContaining('1 database, 2 migrations'),
    })
    const bad = fleetFile(migrationsFolder({ 'V1__a.sql': 'SELEC 1;' }))
    expect(await capstan(['fleet', 'check', '--fleet', bad])).toMatchObject({ exit: 2 })
  })

  test('list prints the entries with their defaults', async () => {
    const run = await capstan(['fleet', 'list', '--fleet', FLEET_EXAMPLE, '--json'])
    expect(run.json).toMatchObject({ version: 1, databases: [{ name: 'shop', policy: { bakeSeconds: 30 } }] })
  })
})

describe('lab', () => {
  test('faults, status and refusals go over the lab’s API', async () => {
    const asked: string[] = []
    const lab = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => {
        body += chunk
      })
      request.on('end', () => {
        asked.push(`${request.method} ${request.url} ${body}`)
        const known = request.headers.authorization === 'Bearer open sesame'
        const refused = body.includes('Nothing')
        response.writeHead(known ? (refused ? 422 : 200) : 401, { 'content-type': 'application/json' })
        response.end(JSON.stringify(refused ? { error: 'no such action.' } : { faults: [], instances: [], calls: [] }))
      })
    })
    await new Promise<void>((done) => lab.listen(0, '127.0.0.1', done))
    const address = lab.address() as { port: number }
    const env = { CAPSTAN_LAB_TOKEN: 'open sesame' }
    const at = ['--lab', `http://127.0.0.1:${address.port}/`]
    const order = ['drop-response', 'CreateDBSnapshot', '--instance', 'shop', '--times', '1', '--for', '10m']
    expect(await capstan(['lab', 'fault', ...order, ...at], { env })).toMatchObject({ exit: 0 })
    expect(
      await capstan(['lab', 'fault', 'add', 'throttle', '--probability', '0.5', '--seed', '7', ...at], { env }),
    ).toMatchObject({
      exit: 0,
    })
    expect(await capstan(['lab', 'fault', 'clear', ...at], { env })).toMatchObject({ exit: 0, out: 'No faults are ordered.\n' })
    expect(await capstan(['lab', 'fault', 'clear', 'f1', 'f2', ...at], { env })).toMatchObject({ exit: 0 })
    expect(await capstan(['lab', 'fault', 'list', ...at], { env })).toMatchObject({ exit: 0, out: 'No faults are ordered.\n' })
    expect(await capstan(['lab', 'calls', '--since', '12', ...at], { env })).toMatchObject({ exit: 0, out: 'No calls.\n' })
    expect(await capstan(['lab', 'status', ...at], { env })).toMatchObject({ exit: 0, out: 'No instances.\n' })
    expect(await capstan(['lab', 'fault', 'throttle', 'Nothing', ...at], { env })).toMatchObject({
      exit: 2,
      err: expect.stringContaining('no such action.'),
    })
    expect(await capstan(['lab', 'status', ...at])).toMatchObject({
      exit: 3,
      err: expect.stringContaining('set CAPSTAN_LAB_TOKEN'),
    })
    expect(asked.slice(0, 7)).toEqual([
      'POST /_lab/faults {"kind":"drop-response","operation":"CreateDBSnapshot","instance":"shop","times":1,"for":"10m"}',
      'POST /_lab/faults {"kind":"throttle","probability":0.5,"seed":7}',
      'DELETE /_lab/faults ',
      'DELETE /_lab/faults/f1 ',
      'DELETE /_lab/faults/f2 ',
      'GET /_lab/faults ',
      'GET /_lab/calls?since=12 ',
    ])
    expect(await capstan(['lab', 'fault', 'throttle', '--times', '0', ...at], { env })).toMatchObject({ exit: 2 })
    expect(await capstan(['lab', 'fault', 'throttle', '--probability', '2', ...at], { env })).toMatchObject({ exit: 2 })
    await new Promise((done) => lab.close(done))
    expect(await capstan(['lab', 'reset', ...at], { env })).toMatchObject({ exit: 4 })
  })
})
