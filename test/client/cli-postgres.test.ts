import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseEntry } from '../../contracts/fleet'
import { freePort, query } from '../ledger/postgres-server'
import { cliFiles } from './cli-files'
import { evidenceExample } from './evidence-example'
import { capstan } from './recorded-io'
import { withLedger } from './with-ledger'

const { folder, migrationsFolder, fleetFile, remove } = cliFiles()
const own = withLedger()
afterAll(remove)

const at = (second: number): string => new Date(Date.UTC(2026, 10, 23, 3, 0, second)).toISOString()
async function recorded(id: string): Promise<string> {
  const bundle = await own.ledger.putBundle({ version: 1, database: { name: 'shop' } as DatabaseEntry, migrations: [] })
  const about = { kind: 'migrate', databases: ['shop'], cloud: 'aws', environment: 'production', mode: 'apply' } as const
  await own.ledger.openOperation({ id, ...about, requestedBy: 'ada', startedAt: at(0), bundle })
  return id
}

describe('migrate before it starts anything', () => {
  test('a ledger or Temporal that does not answer is named, and nothing is begun', async () => {
    const port = await freePort()
    const gone = await capstan(['ops', 'list'], { env: { CAPSTAN_LEDGER_URL: `postgres://u:hidden-word@127.0.0.1:${port}/x` } })
    expect(gone).toMatchObject({ exit: 4, err: expect.stringContaining(`127.0.0.1:${port}`) })
    expect(gone.err).not.toContain('hidden-word')
    const fleet = fleetFile(migrationsFolder({ 'V1__a.sql': 'SELECT 1;' }))
    const before = (await own.ledger.listOperations({ limit: 100 })).length
    const env = { CAPSTAN_LEDGER_URL: own.ledgerUrl, TEMPORAL_ADDRESS: `127.0.0.1:${port}` }
    const started = await capstan(['migrate', 'shop', '--fleet', fleet], { env })
    expect(started).toMatchObject({ exit: 4, err: expect.stringContaining(`No Temporal server answers at 127.0.0.1:${port}`) })
    expect(await own.ledger.listOperations({ limit: 100 })).toHaveLength(before)
  })

  test('on a terminal it asks, and no means that nothing starts', async () => {
    const fleet = fleetFile(migrationsFolder({ 'V1__a.sql': 'SELECT 1;' }))
    const env = { TEMPORAL_ADDRESS: '127.0.0.1:1', CAPSTAN_LEDGER_URL: own.ledgerUrl }
    const { exit, out } = await capstan(['migrate', 'shop', '--fleet', fleet], { env, answer: 'n' })
    expect({ exit, out }).toEqual({
      exit: 7,
      out: expect.stringMatching(
        /^Migrate shop \(production, instance shop-db\) with the 1 script of \S+\? \[y\/N\] Nothing was started\.\n$/,
      ),
    })
  })
})

describe('migrations with only a URL', () => {
  const files = {
    'V1__orders.sql': 'CREATE TABLE orders (id int PRIMARY KEY);\nINSERT INTO orders VALUES (1);',
    'V2__status.sql': 'ALTER TABLE orders ADD status text;',
    'V3__index.sql': 'CREATE INDEX CONCURRENTLY orders_status ON orders (status);',
    'R__totals.sql': 'CREATE OR REPLACE VIEW totals AS SELECT count(*) FROM orders;',
  }

  test('apply stops at its target, goes on without one, and then has nothing to do', async () => {
    const url = await own.server.freshDatabase()
    const dir = migrationsFolder(files)
    const first = await capstan(['migrations', 'apply', '--url', url, '--dir', dir, '--target', '2', '--json'])
    expect(first.json).toMatchObject({
      version: 1,
      current: '2',
      applied: [{ script: 'V1__orders.sql' }, { script: 'V2__status.sql' }],
    })
    const info = await capstan(['migrations', 'info', '--url', url, '--dir', dir, '--json'])
    expect((info.json as { migrations: { state: string }[] }).migrations.map((one) => one.state)).toEqual([
      'Success',
      'Success',
      'Pending',
      'Pending',
    ])
    const second = await capstan(['migrations', 'apply', '--url', url, '--dir', dir])
    expect(second.exit).toBe(0)
    expect(second.out).toMatch(
      /✔ V3__index\.sql .*\n.*R__totals\.sql.*\n✔ R__totals\.sql .*\n2 migrations applied, at version 3\./,
    )
    const third = await capstan(['migrations', 'apply', '--url', url, '--dir', dir, '--target', '3'])
    expect(third).toMatchObject({ exit: 0, out: '0 migrations applied, at version 3.\n' })
    expect(await query(url, 'SELECT count(*)::int AS count FROM flyway_schema_history')).toEqual([{ count: 4 }])
  })

  test('the database and its password are taken from the environment', async () => {
    const url = await own.server.freshDatabase()
    const password = new URL(url).password
    const bare = url.replace(`:${password}@`, '@')
    const info = ['migrations', 'info', '--dir', migrationsFolder(files)]
    expect(await capstan(info, { env: { CAPSTAN_DATABASE_URL: url } })).toMatchObject({ exit: 0 })
    expect(await capstan([...info, '--url', bare], { env: { PGPASSWORD: password } })).toMatchObject({ exit: 0 })
    expect(await capstan([...info, '--url', bare])).toMatchObject({ exit: 3 })
    expect(await capstan([...info, '--url', url], { env: { PGPASSWORD: 'another', CAPSTAN_DATABASE_URL: 'x' } })).toMatchObject({
      exit: 0,
    })
  })

  test('a target leaves a changed repeatable for later', async () => {
    const url = await own.server.freshDatabase()
    const dir = migrationsFolder(files)
    await capstan(['migrations', 'apply', '--url', url, '--dir', dir])
    writeFileSync(join(dir, 'R__totals.sql'), 'CREATE OR REPLACE VIEW totals AS SELECT count(id) FROM orders;')
    const target = await capstan(['migrations', 'apply', '--url', url, '--dir', dir, '--target', '3', '--json'])
    expect(target.json).toMatchObject({ applied: [], current: '3' })
    const all = await capstan(['migrations', 'apply', '--url', url, '--dir', dir, '--json'])
    expect(all.json).toMatchObject({ applied: [{ script: 'R__totals.sql' }] })
  })

  test('a target that no file has is refused', async () => {
    const url = await own.server.freshDatabase()
    const run = await capstan(['migrations', 'apply', '--url', url, '--dir', migrationsFolder(files), '--target', '9'])
    expect(run).toMatchObject({ exit: 2, err: expect.stringContaining('No migration has the version 9; there are 1, 2, 3.') })
  })

  test('validate finds a changed file, exit 1; apply refuses it as drift, exit 5', async () => {
    const url = await own.server.freshDatabase()
    const dir = migrationsFolder(files)
    await capstan(['migrations', 'apply', '--url', url, '--dir', dir])
    expect(await capstan(['migrations', 'validate', '--url', url, '--dir', dir])).toMatchObject({
      exit: 0,
      out: expect.stringContaining('✔ 4 migrations'),
    })
    writeFileSync(join(dir, 'V1__orders.sql'), 'CREATE TABLE orders (id bigint PRIMARY KEY);')
    const validated = await capstan(['migrations', 'validate', '--url', url, '--dir', dir, '--json'])
    expect(validated).toMatchObject({
      exit: 1,
      json: { valid: false, findings: [{ code: 'CHECKSUM_MISMATCH', script: 'V1__orders.sql' }] },
    })
    expect(await capstan(['migrations', 'apply', '--url', url, '--dir', dir])).toMatchObject({ exit: 5, out: '' })
  })

  test('a statement that fails is told with file, line and the server’s message', async () => {
    const url = await own.server.freshDatabase()
    const dir = migrationsFolder({ 'V1__a.sql': 'CREATE TABLE a (id int);\n\nALTER TABLE b ADD x int;' })
    const run = await capstan(['migrations', 'apply', '--url', url, '--dir', dir])
    expect(run.exit).toBe(3)
    expect(run.err).toMatch(/V1__a\.sql.*3.*relation "b" does not exist/)
    expect(run.err).not.toMatch(/\n\s+at /)
  })

  test.each([
    ['wrong credentials', (url: string) => url.replace(/:[^:@/]+@/, ':wrong@'), 3],
    ['a database that is not there', (url: string) => url.replace(/[^/]+$/, 'nowhere'), 2],
    ['a host that does not answer', (url: string) => url.replace(/:\d+\//, ':1/'), 4],
    ['no URL at all', () => 'shop', 2],
  ])('%s is one sentence', async (_, change, exit) => {
    const url = change(await own.server.freshDatabase())
    const run = await capstan(['migrations', 'info', '--url', url, '--dir', migrationsFolder(files)])
    expect(run.exit).toBe(exit)
    expect(run.err.trim().split('\n')).toHaveLength(1)
  })
})

describe('ops', () => {
  const env = (): Record<string, string> => ({ CAPSTAN_LEDGER_URL: own.ledgerUrl })

  test('list, show and evidence read the ledger alone', async () => {
    const id = await recorded('migrate-shop-shown')
    await own.ledger.recordStep({
      operation: id,
      sequence: 0,
      step: {
        id: 'judge',
        title: 'Judge the rehearsal',
        state: 'done',
        attempts: 2,
        startedAt: at(1),
        finishedAt: at(3),
        detail: {
          summary: '1 finding',
          findings: [
            {
              rule: 'rewrite',
              message: 'rewrites 300,214 rows; 10,000 are allowed',
              script: 'V7__t.sql',
              line: 3,
              sql: 'ALTER TABLE orders',
            },
          ],
        },
      },
    })
    const none = await capstan(['ops', 'evidence', id], { env: env() })
    expect(none).toMatchObject({ exit: 3, err: expect.stringContaining('has no evidence') })
    const digest = await own.ledger.writeEvidence({ operation: id, document: { b: 1, a: 'ü' } })
    await own.ledger.setStatus({ operation: id, status: 'failed', verdict: 'fail', finishedAt: at(5) })

    const listed = await capstan(['ops', 'list', '--database', 'shop'], { env: env() })
    expect(listed.out).toMatch(/migrate-shop-shown {2}migrate {2}shop .* failed .* fail .* 5\.0 s {2}ada/)
    const shown = await capstan(['ops', 'show', id], { env: env() })
    expect(shown.out).toContain('✔ Judge the rehearsal     2.0 s   attempt 2 · 1 finding')
    expect(shown.out).toContain('V7__t.sql:3  ALTER TABLE orders')
    expect(shown.out).toContain('rewrites 300,214 rows; 10,000 are allowed')
    expect(shown.out).toContain(`✘ ${id} failed after 5.0 s: 1 finding`)
    expect((await capstan(['ops', 'show', id, '--json'], { env: env() })).json).toEqual(await own.ledger.getOperation(id))
    const watched = await capstan(['ops', 'watch', id, '--json'], { env: env() })
    expect(watched).toMatchObject({ exit: 1, json: { id, status: 'failed' } })

    const out = join(folder, 'evidence.json')
    expect(await capstan(['ops', 'evidence', id, '--out', out], { env: env() })).toMatchObject({ exit: 0 })
    expect(createHash('sha256').update(readFileSync(out)).digest('hex')).toBe(digest)
    expect(await capstan(['ops', 'evidence', id, '--html', out], { env: env() })).toMatchObject({
      exit: 3,
      err: expect.stringContaining('[EVIDENCE_UNREADABLE]'),
    })
  })

  test('evidence is a few lines, a page that carries it, or the text that was digested', async () => {
    const id = await recorded('migrate-shop-proved')
    const running = await capstan(['ops', 'evidence', id], { env: env() })
    expect(running).toMatchObject({ exit: 3, err: expect.stringContaining('it is written when the operation ends') })
    const document = evidenceExample('orders <b>')
    const digest = await own.ledger.writeEvidence({ operation: id, document })

    const { exit, out } = await capstan(['ops', 'evidence', id], { env: env() })
    expect(exit).toBe(0)
    expect(out).toMatch(/^FAIL {2}migrate orders <b> {2}migrate-shop-proved ended failed\n/)
    expect(out).toMatch(/Longest write block +2\.1 s of 500 ms allowed/)
    expect(out).toContain(`sha256 ${digest}`)

    const [page, text] = [join(folder, 'evidence.html'), join(folder, 'both.json')]
    const written = await capstan(['ops', 'evidence', id, '--html', page, '--out', text], { env: env() })
    expect(written.out).toBe(`${page}: page of ${id}, evidence sha256 ${digest}\n${text}: evidence of ${id}, sha256 ${digest}\n`)
    const [, carried = ''] = /base64,([^"]+)"/.exec(readFileSync(page, 'utf8')) ?? []
    expect(Buffer.from(carried, 'base64')).toEqual(readFileSync(text))
    const json = await capstan(['ops', 'evidence', id, '--json', '--html', page], { env: env() })
    expect(json.json).toEqual({ version: 1, operation: id, digest, document })

    const nowhere = await capstan(['ops', 'evidence', id, '--html', join(folder, 'no', 'where.html')], { env: env() })
    expect(nowhere).toMatchObject({ exit: 2, err: expect.stringContaining('name another file with --html') })
  })

  test('a list keeps to what is asked for, and says when there is more', async () => {
    const ids = [await recorded('migrate-listed-a'), await recorded('migrate-listed-b'), await recorded('migrate-listed-c')]
    await own.ledger.setStatus({ operation: ids[1]!, status: 'rejected', finishedAt: at(9) })
    const listed = async (...args: string[]): Promise<unknown> => {
      const { json } = await capstan(['ops', 'list', '--json', '--since', '2026-11-23', ...args], { env: env() })
      const { operations, more } = json as { operations: { id: string }[]; more: boolean }
      return { ids: operations.map(({ id }) => id).filter((id) => ids.includes(id)), more }
    }
    expect(await listed('--status', 'rejected, aborted', '--kind', 'migrate')).toEqual({ ids: [ids[1]], more: false })
    expect(await listed('--limit', '2')).toEqual({ ids: [ids[2], ids[1]], more: true })
    expect(await listed('--since', '2999-01-01')).toEqual({ ids: [], more: false })
    const none = await capstan(['ops', 'list', '--database', 'nobody'], { env: env() })
    expect(none).toMatchObject({ exit: 0, out: 'No operation is like that.\n' })
    const cut = await capstan(['ops', 'list', '--limit', '1'], { env: env() })
    expect(cut.out).toContain('There are more: --limit 2 shows twice as many.')
  })

  test('what an approval would approve is shown with the operation', async () => {
    const id = await recorded('migrate-shop-asks')
    expect((await capstan(['ops', 'show', id, '--plan'], { env: env() })).out).toContain('It has no plan yet.')
    const plan = evidenceExample('orders').documents.plan
    await own.ledger.putDocument({ operation: id, name: 'plan', document: plan })
    const { json } = await capstan(['ops', 'show', id, '--plan', '--json'], { env: env() })
    expect(json).toEqual({ ...(await own.ledger.getOperation(id)), plan })
  })

  test('an unknown operation is bad input', async () => {
    expect(await capstan(['ops', 'show', 'migrate-nobody'], { env: env() })).toMatchObject({ exit: 2, out: '' })
  })

  test('watching ends with 8 when the approval does not come, and says how to give it', async () => {
    const id = await recorded('migrate-shop-waits')
    await own.ledger.setStatus({ operation: id, status: 'awaiting-approval', planDigest: 'ab'.repeat(32) })
    const run = await capstan(['ops', 'watch', id, '--wait-timeout', '1ms'], { env: env() })
    expect(run.exit).toBe(8)
    expect(run.out).toContain(`capstan ops approve ${id}`)
  })

  test('an operation that needs an operator ends the watching with 6 and names the undo', async () => {
    const id = await recorded('migrate-shop-stuck')
    const step = {
      id: 'canary',
      title: 'Restore',
      state: 'undo-failed',
      attempts: 1,
      startedAt: at(1),
      finishedAt: null,
      detail: {},
    } as const
    await own.ledger.recordStep({ operation: id, sequence: 0, step })
    await own.ledger.setStatus({ operation: id, status: 'needs-operator' })
    const run = await capstan(['ops', 'watch', id], { env: env() })
    expect(run.exit).toBe(6)
    expect(run.out).toContain(`try it again: capstan ops resolve ${id} retry --step canary\n`)
  })

  test('Ctrl-C leaves a running operation running and says how to come back', async () => {
    const id = await recorded('migrate-shop-runs')
    const run = await capstan(['ops', 'watch', id], { env: env(), interruptAt: id })
    expect(run).toMatchObject({ exit: 130, out: expect.stringContaining(`watch it: capstan ops watch ${id}`) })
    expect(await own.ledger.getOperation(id)).toMatchObject({ status: 'running' })
  })

  test('events are one document a line, each different, the last one final', async () => {
    const id = await recorded('migrate-shop-events')
    const watching = capstan(['ops', 'watch', id, '--events'], { env: env() })
    await own.ledger.recordStep({
      operation: id,
      sequence: 0,
      step: { id: 'plan', title: 'Plan', state: 'running', attempts: 1, startedAt: at(1), finishedAt: null, detail: {} },
    })
    await own.ledger.setStatus({
      operation: id,
      status: 'aborted',
      failure: { code: 'OPERATION_ABORTED', message: 'by ada' },
      finishedAt: at(2),
    })
    const { exit, out } = await watching
    const events = out.trim().split('\n')
    expect(new Set(events).size).toBe(events.length)
    expect(JSON.parse(events.at(-1)!)).toMatchObject({ id, status: 'aborted' })
    expect(exit).toBe(7)
  })

  test('a live tree is repainted in place and left standing at the end', async () => {
    const id = await recorded('migrate-shop-live')
    await own.ledger.setStatus({ operation: id, status: 'succeeded', verdict: 'pass', finishedAt: at(2) })
    const { out } = await capstan(['ops', 'watch', id], { env: env(), live: true })
    expect(out).toContain('\u001b[1A\u001b[0Jmigrate shop · migrate-shop-live · succeeded · 2.0 s\n')
    expect(out).toContain(`✔ ${id} succeeded after 2.0 s`)
  })
})
