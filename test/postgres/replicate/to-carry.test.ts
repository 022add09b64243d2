/** What a standby lacks, by both histories and the lines of its source. */
import type { HistoryRow } from '../../../postgres/migrate/history'
import { lineHad, type SchemaLine } from '../../../postgres/migrate/schema-line'
import { type CarryStep, type ToCarryInput, toCarry } from '../../../postgres/replicate/to-carry'
import { failureOf, resolve } from '../support/apply'

const FILES = {
  'V1__base.sql': 'CREATE TABLE t (id int PRIMARY KEY)',
  'V2__column.sql': 'ALTER TABLE t ADD COLUMN a int',
  'V3__rows.sql': 'UPDATE t SET a = 1',
  'V4__free.sql': 'CREATE INDEX CONCURRENTLY i ON t (a)',
  'V5__more.sql': 'ALTER TABLE t ADD COLUMN b int',
  'R__view.sql': 'CREATE OR REPLACE VIEW v AS SELECT 1',
} as const
type Script = keyof typeof FILES

const resolved = resolve(FILES)
const checksumOf = (script: Script) => resolved.find((one) => one.script === script)!.checksum

function ran(script: Script, checksum = checksumOf(script)): HistoryRow {
  const version = resolved.find((one) => one.script === script)!.version
  const rest = { description: 'x', type: 'SQL', installedBy: 'm', installedOn: '', executionTimeMs: 1, success: true }
  return { installedRank: 0, version, script, checksum, ...rest }
}

const lines = (...scripts: readonly (readonly [Script, number?])[]): SchemaLine[] =>
  scripts.map(([script, checksum], index) => ({ line: index + 1, script, checksum: checksum ?? checksumOf(script) }))

const SOURCE: ToCarryInput = {
  resolved,
  lines: lines(['V2__column.sql'], ['V5__more.sql'], ['R__view.sql', 7], ['R__view.sql']),
  sourceHistory: [
    ran('V1__base.sql'),
    ran('V2__column.sql'),
    ran('V3__rows.sql'),
    ran('V4__free.sql'),
    ran('V5__more.sql'),
    ran('R__view.sql', 7),
    ran('R__view.sql'),
  ],
  standbyHistory: [ran('V1__base.sql')],
  bound: 0,
}

const shown = (steps: readonly CarryStep[]) => steps.map(({ script, line, way }) => [script, line, way])

test('in the source’s order, each in its way; of what is repeatable the content that is gone is run no more', async () => {
  expect(shown(await toCarry(SOURCE))).toEqual([
    ['V2__column.sql', 1, 'at-the-line'],
    ['V3__rows.sql', null, 'rows'],
    ['V4__free.sql', null, 'free'],
    ['V5__more.sql', 2, 'at-the-line'],
    ['R__view.sql', 3, 'superseded'],
    ['R__view.sql', 4, 'at-the-line'],
  ])
})

test('what it has is not carried again, but where its line is not passed yet', async () => {
  const standbyHistory = [ran('V1__base.sql'), ran('V2__column.sql'), ran('V3__rows.sql')]
  expect(shown(await toCarry({ ...SOURCE, standbyHistory, bound: 0 })).slice(0, 2)).toEqual([
    ['V2__column.sql', 1, 'at-the-line'],
    ['V4__free.sql', null, 'free'],
  ])
  expect(shown(await toCarry({ ...SOURCE, standbyHistory, bound: 1 }))[0]).toEqual(['V4__free.sql', null, 'free'])
  expect(await toCarry({ ...SOURCE, standbyHistory: SOURCE.sourceHistory, bound: 4 })).toEqual([])
})

test('a file that was passed and is gone from its history is named, where nothing else is to be carried', async () => {
  const standbyHistory = SOURCE.sourceHistory.filter(({ script }) => script !== 'V3__rows.sql')
  const missed = await failureOf(toCarry({ ...SOURCE, standbyHistory, bound: 4 }), 'DATABASE_REFUSED')
  expect(missed.facts.script).toBe('V3__rows.sql')
  const repaired = SOURCE.sourceHistory.map((row) => (row.version === null ? row : { ...row, checksum: 5 }))
  expect(await toCarry({ ...SOURCE, standbyHistory: repaired, bound: 4 })).toEqual([])
})

test('refused: a schema without a line, a file that is gone or another one, and what no standby can have', async () => {
  await failureOf(toCarry({ ...SOURCE, lines: [] }), 'DATABASE_REFUSED')
  await failureOf(
    toCarry({ ...SOURCE, resolved: resolved.filter(({ script }) => script !== 'V3__rows.sql') }),
    'DATABASE_REFUSED',
  )
  const other = { ...SOURCE, sourceHistory: [ran('V1__base.sql'), ran('V3__rows.sql', 99)] }
  await failureOf(toCarry(other), 'MIGRATION_CHECKSUM_CHANGED')
  const hidden = resolve({ ...FILES, 'V3__rows.sql': 'CALL f()' })
  const sourceHistory = [
    ran('V1__base.sql'),
    ran('V3__rows.sql', hidden.find(({ script }) => script === 'V3__rows.sql')!.checksum),
  ]
  const stuck = await failureOf(toCarry({ ...SOURCE, resolved: hidden, sourceHistory }), 'DATABASE_REFUSED')
  expect(stuck.message).toMatch(/^V3__rows\.sql:1 .*the source has it already.*capstan standby reseed/)
})

test('a database has gone as far as the first line whose file its history lacks', () => {
  const all = SOURCE.lines
  expect(lineHad(all, SOURCE.sourceHistory)).toBe(4)
  expect(lineHad(all, [ran('V1__base.sql')])).toBe(0)
  expect(lineHad(all, [ran('V2__column.sql'), ran('R__view.sql', 7)])).toBe(1)
  // it was built with the content that there is now, and has none of the first
  const built = Object.keys(FILES).map((script) => ran(script as Script))
  expect(lineHad(all, built)).toBe(4)
  expect(lineHad(lines(['R__view.sql', 7], ['V2__column.sql'], ['R__view.sql']), [ran('R__view.sql')])).toBe(1)
  // a repaired history has other checksums
  expect(lineHad(all, [ran('V2__column.sql', 5), ran('V5__more.sql')])).toBe(2)
})
