import type { HistoryRow } from '../../postgres/migrate/history'
import { planMigrations } from '../../postgres/migrate/plan'
import { migrationStates } from '../../postgres/migrate/state'
import { assertValid, validateMigrations } from '../../postgres/migrate/validate'
import { failureOf, resolve, type Scripts } from './support/apply'

const statementsOf = async (sql: string) =>
  (await planMigrations({ resolved: resolve({ 'V1__x.sql': sql }), history: [] })).pending[0]?.statements ?? []

describe('by the grammar', () => {
  test.each([
    ['CREATE INDEX CONCURRENTLY i ON t (a)', 'CREATE INDEX CONCURRENTLY'],
    ['create unique index concurrently if not exists i on t (a)', 'CREATE INDEX CONCURRENTLY'],
    ['DROP INDEX CONCURRENTLY i', 'DROP INDEX CONCURRENTLY'],
    ['REINDEX TABLE CONCURRENTLY t', 'REINDEX TABLE CONCURRENTLY'],
    ['REINDEX (VERBOSE, CONCURRENTLY) INDEX i', 'REINDEX INDEX CONCURRENTLY'],
    ['REINDEX SCHEMA public', 'REINDEX SCHEMA'],
    ['ALTER TABLE t DETACH PARTITION p CONCURRENTLY', 'ALTER TABLE CONCURRENTLY'],
    ['VACUUM t', 'VACUUM'],
    ['CLUSTER', 'CLUSTER'],
    ["ALTER SYSTEM SET work_mem = '1MB'", 'ALTER SYSTEM'],
    ['CREATE DATABASE d', 'CREATE DATABASE'],
    ['DROP DATABASE d', 'DROP DATABASE'],
    ["CREATE TABLESPACE s LOCATION '/x'", 'CREATE TABLESPACE'],
    ["CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p", 'CREATE SUBSCRIPTION'],
    ['DISCARD ALL', 'DISCARD'],
    ['CALL p()', 'CALL'],
    ['DO $$ BEGIN LOOP COMMIT; END LOOP; END $$', 'DO'],
  ])('%s runs outside transactions', async (sql, kind) => {
    expect(await statementsOf(sql)).toMatchObject([{ kind, transactional: false }])
  })

  test.each([
    ['CREATE UNIQUE INDEX i ON t (a)', 'CREATE INDEX'],
    ['REINDEX (CONCURRENTLY false) TABLE t', 'REINDEX TABLE'],
    ['REFRESH MATERIALIZED VIEW CONCURRENTLY v', 'REFRESH MATERIALIZED VIEW'],
    ['ALTER TABLE t DETACH PARTITION p FINALIZE', 'ALTER TABLE'],
    ['ANALYZE t', 'ANALYZE'],
    ["ALTER TYPE e ADD VALUE 'x'", 'ALTER TYPE'],
    ['CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$', 'CREATE FUNCTION'],
    ['CREATE TEMP TABLE t ()', 'CREATE TABLE'],
    ["DO $$ BEGIN PERFORM 'COMMIT'; END $$", 'DO'],
    ['WITH x AS (SELECT 1) SELECT * FROM x', 'SELECT'],
  ])('%s runs inside a transaction', async (sql, kind) => {
    expect(await statementsOf(sql)).toMatchObject([{ kind, transactional: true }])
  })

  test.each([
    ['CALL p()', 'partly'],
    ['DO $$ BEGIN LOOP COMMIT; END LOOP; END $$', 'partly'],
    ['-- capstan: repeatable\nCALL p()', 'safe'],
    ['CREATE DATABASE d', 'once'],
    ['DROP DATABASE d', 'once'],
    ['DROP DATABASE IF EXISTS d', 'safe'],
    ["CREATE TABLESPACE s LOCATION '/x'", 'once'],
    ['DROP TABLESPACE IF EXISTS s', 'safe'],
    ["CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p", 'once'],
    ['DROP SUBSCRIPTION s', 'once'],
    ['ALTER SUBSCRIPTION s ADD PUBLICATION p', 'once'],
    ['ALTER SUBSCRIPTION s REFRESH PUBLICATION', 'safe'],
    ['CREATE INDEX CONCURRENTLY i ON t (a)', 'safe'],
    ['VACUUM t', 'safe'],
    ['UPDATE t SET a = a + 1', 'safe'],
  ])('%s interrupted: a second run is %s', async (sql, repeat) => {
    expect(await statementsOf(sql)).toMatchObject([{ repeat }])
  })

  test('one statement outside transactions makes its whole file run step by step', async () => {
    const { pending } = await planMigrations({
      resolved: resolve({ 'V1__x.sql': 'SELECT 1; VACUUM t', 'V2__y.sql': 'SELECT 1' }),
      history: [],
    })
    expect(pending.map(({ transactional }) => transactional)).toEqual([false, true])
  })

  test('relations are named as written', async () => {
    const [statement] = await statementsOf('INSERT INTO app.orders SELECT * FROM "Old Orders" JOIN x USING (id)')
    expect(statement?.relations).toEqual(['app.orders', 'Old Orders', 'x'])
    expect((await statementsOf('DROP TABLE a, b.c'))[0]?.relations).toEqual(['a', 'b.c'])
  })

  test.each([
    ['SELECT 1;\n\nSELECT\n  FROM WHERE;', 'MIGRATION_SYNTAX_ERROR', 'V1__x.sql:4: syntax error at or near "WHERE".'],
    [
      'SELECT 1;\nCOMMIT;',
      'MIGRATION_UNSUPPORTED',
      'V1__x.sql:2: COMMIT controls transactions, which the engine does itself: remove it.',
    ],
    [
      'START TRANSACTION',
      'MIGRATION_UNSUPPORTED',
      'V1__x.sql:1: START controls transactions, which the engine does itself: remove it.',
    ],
    [
      `SELECT '$${'{name}'}'`,
      'MIGRATION_UNSUPPORTED',
      `V1__x.sql:1: the placeholder $${'{name}'} cannot be replaced yet: write its value.`,
    ],
  ])('%j is refused with its line', async (sql, code, message) => {
    expect(await failureOf(statementsOf(sql))).toMatchObject({ code, message })
  })

  test('others have their turn while a long file is planned', async () => {
    let turns = 0
    const ticker = setInterval(() => turns++, 1)
    const statements = await statementsOf("INSERT INTO t VALUES (1, 'x');\n".repeat(20_000))
    clearInterval(ticker)
    expect(statements).toHaveLength(20_000)
    expect(turns).toBeGreaterThan(1)
  })

  test('a plan is plain JSON', async () => {
    const plan = await planMigrations({
      resolved: resolve({ 'V1__x.sql': 'CREATE INDEX CONCURRENTLY i ON t (a);\nCOPY t FROM stdin;\n1\n\\.\n' }),
      history: [],
    })
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
  })
})

describe('against the history', () => {
  const files: Scripts = {
    'V1__a.sql': 'SELECT 1',
    'V2__b.sql': 'SELECT 2',
    'V3__c.sql': 'SELECT 3',
    'R__v.sql': 'SELECT 4',
    'R__a.sql': 'SELECT 5',
  }
  const resolved = resolve(files)
  const applied = (scripts: readonly string[], change: (row: HistoryRow) => HistoryRow = (row) => row): HistoryRow[] =>
    scripts.map((script, i) => {
      const migration = resolve({ [script]: files[script] ?? 'SELECT 0' })[0]
      return change({
        installedRank: i + 1,
        version: migration?.version ?? null,
        description: migration?.description ?? '',
        type: 'SQL',
        script,
        checksum: migration?.checksum ?? 0,
        installedBy: 'someone',
        installedOn: '2026-01-01 00:00:00',
        executionTimeMs: 1,
        success: true,
      })
    })
  const states = (rows: HistoryRow[], options = {}) =>
    migrationStates(resolved, rows, options).map(({ state, migration, row }) => `${row?.script ?? migration?.script}: ${state}`)

  test('pending: versions ascending, then repeatables by description', async () => {
    const plan = await planMigrations({ resolved, history: applied(['V1__a.sql', 'R__v.sql']) })
    expect(plan.pending.map(({ script }) => script)).toEqual(['V2__b.sql', 'V3__c.sql', 'R__a.sql'])
    expect([plan.current, plan.target]).toEqual(['1', '3'])
  })

  test('a changed repeatable is outdated and pending again; older runs are superseded', () => {
    const rows = applied(['V1__a.sql', 'V2__b.sql', 'V3__c.sql', 'R__a.sql', 'R__v.sql', 'R__v.sql'], (row) =>
      row.script === 'R__v.sql' ? { ...row, checksum: 7 } : row,
    )
    expect(states(rows).slice(3)).toEqual([
      'R__a.sql: Success',
      'R__v.sql: Superseded',
      'R__v.sql: Outdated',
      'R__v.sql: Pending',
    ])
  })

  test('a late lower version is ignored, and pending when out-of-order is allowed', () => {
    const rows = applied(['V1__a.sql', 'V3__c.sql'])
    expect(states(rows)).toContain('V2__b.sql: Ignored')
    expect(states(rows, { outOfOrder: true })).toContain('V2__b.sql: Pending')
    expect(validateMigrations(resolved, rows)).toMatchObject([{ code: 'RESOLVED_NOT_APPLIED', script: 'V2__b.sql' }])
    expect(states(applied(['V1__a.sql', 'V3__c.sql', 'V2__b.sql']))).toContain('V2__b.sql: Out of Order')
  })

  test('an applied file that is gone is missing; above the highest file it is from the future', () => {
    const rows = applied(['V1__a.sql', 'V1.5__gone.sql', 'V2__b.sql', 'V3__c.sql', 'V9__next.sql'])
    expect(states(rows)).toEqual(expect.arrayContaining(['V1.5__gone.sql: Missing', 'V9__next.sql: Future']))
    expect(validateMigrations(resolved, rows)).toMatchObject([{ code: 'APPLIED_NOT_RESOLVED', script: 'V1.5__gone.sql' }])
  })

  test('a baseline hides what lies below it, and a DELETE row what it deleted', () => {
    const baseline = applied(['V2__b.sql'], (row) => ({
      ...row,
      type: 'BASELINE',
      script: '<< Flyway Baseline >>',
      checksum: null,
    }))
    expect(states(baseline)).toEqual(
      expect.arrayContaining(['V1__a.sql: Below Baseline', '<< Flyway Baseline >>: Baseline', 'V3__c.sql: Pending']),
    )
    const deleted = applied(['V1__a.sql', 'V1__a.sql']).map((row, i) => (i === 1 ? { ...row, type: 'DELETE' } : row))
    expect(states(deleted)).toEqual(expect.arrayContaining(['V1__a.sql: Deleted', 'V1__a.sql: Pending']))
  })

  test('findings name every file, changed checksums first', async () => {
    const rows = applied(['V1__a.sql', 'V2__b.sql', 'V3__c.sql'], (row) =>
      row.version === '1'
        ? { ...row, checksum: 1 }
        : row.version === '2'
          ? { ...row, description: 'old' }
          : { ...row, success: false },
    )
    const findings = validateMigrations(resolved, rows)
    expect(findings.map(({ code }) => code)).toEqual(['CHECKSUM_MISMATCH', 'DESCRIPTION_MISMATCH', 'FAILED_MIGRATION'])
    const changed = await failureOf(
      Promise.resolve().then(() => assertValid(findings)),
      'MIGRATION_CHECKSUM_CHANGED',
    )
    expect(changed.facts).toEqual({ scripts: 'V1__a.sql', findings: 3 })
    const rest = await failureOf(
      Promise.resolve().then(() => assertValid(findings.slice(1))),
      'MIGRATION_HISTORY_INVALID',
    )
    expect(rest.facts).toEqual({ scripts: 'V2__b.sql, V3__c.sql', findings: 2 })
    expect(() => assertValid([])).not.toThrow()
  })
})
