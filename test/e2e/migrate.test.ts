import { MIGRATE_STEPS } from '../../contracts/migrate'
import { recordHistory } from '../support/histories'
import { isAt, migrating } from '../support/migrating'
import { FIRST, ROWS } from '../support/target'

const it = migrating()
const SECOND = { 'V2__add_colour.sql': 'ALTER TABLE items ADD COLUMN colour text;' }

async function versions(): Promise<string[]> {
  const rows = await it.rows<{ version: string }>('SELECT version FROM flyway_schema_history ORDER BY installed_rank')
  return rows.map(({ version }) => version)
}

async function firstVersionOnly(): Promise<void> {
  expect((await it.migrate(it.target.fleet(FIRST))).code).toBe(0)
}

test('a safe migration is rehearsed, applied, verified and leaves only its snapshot behind', async () => {
  const { code, operation } = await it.migrate(it.target.fleet({ ...FIRST, ...SECOND }))
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(code).toBe(0)
  const steps = Object.values(MIGRATE_STEPS).filter(({ id }) => id !== 'approve' && id !== 'carry-over')
  expect(operation.steps.map(({ id, state }) => [id, state])).toEqual(steps.map(({ id }) => [id, 'done']))
  expect(await it.rows('SELECT count(*) AS n FROM items WHERE colour IS NULL')).toEqual([{ n: ROWS }])
  expect(await it.target.leftovers()).toEqual([])
  expect(await it.target.snapshots(operation.id)).toEqual([`cap-${operation.id}-snapshot`])
  expect(await it.locked()).toBe(false)

  const again = await it.migrate(it.target.fleet({ ...FIRST, ...SECOND }))
  expect(again).toMatchObject({ code: 0, operation: { status: 'succeeded' } })
  expect(again.operation.steps.map(({ id }) => id)).toEqual(['lock', 'plan', 'evidence', 'unlock'])
})

test('a canary that says no leaves the target untouched', async () => {
  await firstVersionOnly()
  const rewrite = { 'V2__price.sql': 'SELECT 1;\n\nALTER TABLE items ALTER price TYPE numeric;' }
  const { code, operation } = await it.migrate(it.target.fleet({ ...FIRST, ...rewrite }))
  expect(operation).toMatchObject({ status: 'failed', verdict: 'fail', failure: null })
  expect(code).toBe(1)
  const judged = operation.steps.find(({ id }) => id === 'judge')
  expect(judged?.detail.findings).toEqual([
    expect.objectContaining({ rule: 'rewrite', script: 'V2__price.sql', line: 3, measured: ROWS, allowed: 1000 }),
  ])
  await recordHistory(it.capstan.temporal, operation.id, 'migrate-refused-by-canary')
  expect(await versions()).toEqual(['1'])
  expect(
    await it.rows(
      `SELECT atttypid::regtype::text AS type FROM pg_attribute WHERE attrelid = 'items'::regclass AND attname = 'price'`,
    ),
  ).toEqual([{ type: 'integer' }])
  expect(await it.target.leftovers()).toEqual([])
  expect(await it.locked()).toBe(false)
})

test('a check that fails on the canary leaves the target untouched', async () => {
  await firstVersionOnly()
  const { code, operation } = await it.migrate(it.target.fleet({ ...FIRST, 'V2__lose.sql': 'DELETE FROM items WHERE id = 1;' }))
  expect(operation).toMatchObject({ status: 'failed', verdict: 'fail' })
  expect(code).toBe(1)
  expect(operation.steps.find(({ id }) => id === 'check-canary')?.detail.findings).toHaveLength(1)
  expect(await versions()).toEqual(['1'])
  expect(await it.rows('SELECT count(*) AS n FROM items')).toEqual([{ n: ROWS }])
})

test('a migration that fails on the target after passing the canary leaves it at a recorded version and can be resumed', async () => {
  await firstVersionOnly()
  const onlyHere = (message: string) => `DO $$ BEGIN
  IF host(inet_server_addr()) = '${it.target.host}' THEN RAISE EXCEPTION '${message}'; END IF;
END $$;`
  const files = {
    ...FIRST,
    ...SECOND,
    'V3__size.sql': `ALTER TABLE items ADD COLUMN size int;\n${onlyHere('not on the target')}`,
  }
  const { code, operation } = await it.migrate(it.target.fleet(files))
  expect(operation).toMatchObject({ status: 'failed', failure: { code: 'MIGRATION_FAILED' } })
  expect(operation.failure?.message).toContain('V3__size.sql:2')
  expect(operation.failure?.message).toContain('not on the target')
  expect(operation.steps.find(({ id }) => id === 'apply')?.detail).toMatchObject({
    applied: ['V2__add_colour.sql'],
    current: '2',
  })
  expect(code).toBe(3)
  expect(await versions()).toEqual(['1', '2'])
  expect(await it.rows(`SELECT attname FROM pg_attribute WHERE attrelid = 'items'::regclass AND attname = 'size'`)).toEqual([])
  expect(await it.target.leftovers()).toEqual([])

  const mended = await it.migrate(it.target.fleet({ ...files, 'V3__size.sql': 'ALTER TABLE items ADD COLUMN size int;' }))
  expect(mended.code).toBe(0)
  expect(await versions()).toEqual(['1', '2', '3'])
})

test('a lock that cannot be had is given up after a bounded number of attempts, naming who held it', async () => {
  await firstVersionOnly()
  const reader = await it.target.app()
  await reader.execute('BEGIN; SELECT count(*) FROM public.items')
  const { code, operation } = await it.migrate(it.target.fleet({ ...FIRST, ...SECOND }))
  await reader.execute('COMMIT')
  await reader.close()
  expect(operation).toMatchObject({ status: 'failed', failure: { code: 'MIGRATION_LOCK_TIMEOUT' } })
  expect(operation.failure?.message).toContain('e2e stock_app')
  expect(code).toBe(3)
  expect(await versions()).toEqual(['1'])
  expect(await it.target.leftovers()).toEqual([])
})

test('a file that changed after it was applied is drift, before anything is made', async () => {
  await firstVersionOnly()
  const { code, operation } = await it.migrate(
    it.target.fleet({ 'V1__items.sql': `${FIRST['V1__items.sql']}-- edited\n`, ...SECOND }),
  )
  expect(operation).toMatchObject({ status: 'failed', failure: { code: 'MIGRATION_CHECKSUM_CHANGED' } })
  expect(operation.failure?.message).toContain('V1__items.sql')
  expect(code).toBe(5)
  expect(await it.target.snapshots(operation.id)).toEqual([])
})

test('a second migration of the same instance is refused, naming the first', async () => {
  await firstVersionOnly()
  // It waits to be approved, and so holds the lock however fast the machine is.
  const first = it.begin(it.target.fleet({ ...FIRST, ...SECOND }, '      approval: required'), 'first-one')
  await it.until('the question', async () => isAt(await it.capstan.ledger.getOperation('first-one'), 'approve', 'running'))
  expect(await it.locked()).toBe(true)
  const second = await it.migrate(it.target.fleet({ ...FIRST, ...SECOND }), '--operation', 'second-one')
  expect(second.code).toBe(3)
  expect(second.operation.failure).toMatchObject({ code: 'INSTANCE_LOCKED', message: expect.stringContaining('first-one') })
  expect((await it.capstan.capstan(['ops', 'approve', 'first-one', '--by', 'bob'])).code).toBe(0)
  expect((await first.ended).code).toBe(0)
})

test('a plan shows what would happen and changes nothing', async () => {
  await firstVersionOnly()
  const { code, stdout } = await it.capstan.capstan([
    'migrate',
    'stock',
    '--fleet',
    it.target.fleet({ ...FIRST, ...SECOND }),
    '--plan',
    '--json',
  ])
  expect(code).toBe(0)
  expect(stdout).toContain('V2__add_colour.sql')
  expect(await versions()).toEqual(['1'])
  expect(await it.locked()).toBe(false)
})

test('with a policy that asks, nothing is made until somebody else approves that very plan', async () => {
  await firstVersionOnly()
  const fleet = it.target.fleet({ ...FIRST, ...SECOND }, '      approval: required')
  const { ended } = it.begin(fleet, 'asks-first')
  await it.until('the question', async () => (await it.capstan.ledger.getOperation('asks-first'))?.status === 'awaiting-approval')
  expect(await it.target.snapshots('asks-first')).toEqual([])
  expect((await it.capstan.capstan(['ops', 'approve', 'asks-first', '--by', 'alice'])).code).toBe(3)
  expect((await it.capstan.capstan(['ops', 'approve', 'asks-first', '--by', 'bob', '--digest', 'f'.repeat(64)])).code).toBe(5)
  expect((await it.capstan.capstan(['ops', 'approve', 'asks-first', '--by', 'bob'])).code).toBe(0)
  expect((await ended).code).toBe(0)
  const operation = await it.operation('asks-first')
  expect(operation.steps.map(({ id }) => id)).toEqual(
    Object.values(MIGRATE_STEPS)
      .map(({ id }) => id)
      .filter((id) => id !== 'carry-over'),
  )
  expect(operation.steps.find(({ id }) => id === 'approve')?.detail.summary).toBe('approved by bob')
  await recordHistory(it.capstan.temporal, 'asks-first', 'migrate-approved')
})

test('a plan that was overtaken is made again and asked for again', async () => {
  await firstVersionOnly()
  const { ended } = it.begin(it.target.fleet({ ...FIRST, ...SECOND }, '      approval: required'), 'overtaken')
  const asked = async () => (await it.capstan.ledger.getOperation('overtaken'))?.status === 'awaiting-approval'
  await it.until('the question', asked)
  const before = (await it.operation('overtaken')).planDigest
  await it.rows('ALTER TABLE items ADD COLUMN stray text')
  expect((await it.capstan.capstan(['ops', 'approve', 'overtaken', '--by', 'bob'])).code).toBe(0)
  await it.until('another plan', async () => (await asked()) && (await it.operation('overtaken')).planDigest !== before)
  expect((await it.capstan.capstan(['ops', 'reject', 'overtaken', '--by', 'bob', '--reason', 'who added stray?'])).code).toBe(0)
  expect((await ended).code).toBe(7)
  expect(await it.operation('overtaken')).toMatchObject({ status: 'rejected' })
  expect(await versions()).toEqual(['1'])
})

test('a finding in the bake fails the operation and leaves the schema, saying what the choices are', async () => {
  await firstVersionOnly()
  const { ended } = it.begin(it.target.fleet({ ...FIRST, ...SECOND }, '      bake: 60s'), 'bakes-badly')
  await it.until('the bake', async () => isAt(await it.capstan.ledger.getOperation('bakes-badly'), 'bake', 'running'))
  await it.rows(`UPDATE items SET name = '' WHERE id = 7`)
  expect((await ended).code).toBe(1)
  const operation = await it.operation('bakes-badly')
  expect(operation).toMatchObject({ status: 'failed', verdict: 'fail' })
  expect(operation.steps.find(({ id }) => id === 'bake')?.detail.choices).toContain('restore the snapshot')
  expect(await versions()).toEqual(['1', '2'])
  expect(await it.target.leftovers()).toEqual([])
})

describe('what is wrong with the request is told before anything is made', () => {
  const door = (host: string) => `secret: "env:SHOP_MIGRATOR_PASSWORD", tls: disable, host: ${host}, port: 1`
  const secret = 'secret: "env:SHOP_MIGRATOR_PASSWORD"'
  test.each([
    ['an account that is another', '"000000000000"', '"111111111111"', 'ACCOUNT_MISMATCH', 3],
    ['an instance that is not there', 'instance: stock', 'instance: stack', 'INSTANCE_NOT_FOUND', 3],
    ['a database that cannot be reached', `${secret}, tls: disable`, door('127.0.0.1'), 'DATABASE_UNREACHABLE', 4],
    ['wrong credentials', secret, 'secret: "env:SHOP_ADMIN_PASSWORD"', 'CREDENTIALS_REJECTED', 3],
    ['a secret that is not there', secret, 'secret: "env:SHOP_NO_SUCH_PASSWORD"', 'SECRET_UNRESOLVED', 2],
    ["the control plane's own secret", secret, 'secret: "env:CAPSTAN_SECRET_KEY"', 'SECRET_UNRESOLVED', 2],
  ])('%s', async (_what, from, to, expected, exit) => {
    const fleet = it.target.fleet(FIRST, '', (yaml) => {
      expect(yaml).toContain(from)
      return yaml.replace(from, to)
    })
    const { code, operation } = await it.migrate(fleet)
    expect(operation).toMatchObject({ status: 'failed', failure: { code: expected } })
    expect(code).toBe(exit)
    expect(await it.target.snapshots(operation.id)).toEqual([])
    expect(await it.rows(`SELECT nspname FROM pg_namespace WHERE nspname = 'capstan'`)).toEqual([])
  })
})
