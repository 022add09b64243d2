import { appliedMigrations, hasFilesOf, lackingFiles } from '../../activities/replication/applied'
import type { HistoryRow } from '../../postgres/migrate/history'
import { failureOf, resolve } from '../postgres/support/apply'

const FILES = {
  'V1__one.sql': 'SELECT 1;',
  'V2__two.sql': 'SELECT 2;',
  'V3__three.sql': 'SELECT 3;',
  'R__view.sql': 'SELECT 4;',
}

/** As the history has them once they ran. */
function ran(...scripts: string[]): HistoryRow[] {
  return scripts.map((script, at) => {
    const migration = resolve(FILES).find((one) => one.script === script)
    if (migration === undefined) throw new Error(`no ${script}`)
    return {
      ...{
        installedRank: at + 1,
        type: 'SQL',
        installedBy: 'migrator',
        installedOn: '2026-01-01 00:00:00',
        executionTimeMs: 1,
        success: true,
      },
      ...{ version: migration.version, description: migration.description, script, checksum: migration.checksum },
    }
  })
}

const scriptsOf = (rows: readonly HistoryRow[]) => appliedMigrations(resolve(FILES), rows).map(({ script }) => script)

test('what is pending on the source builds no part of its standby', () => {
  expect(scriptsOf(ran('V1__one.sql', 'V2__two.sql'))).toEqual(['V1__one.sql', 'V2__two.sql'])
  expect(scriptsOf(ran('V1__one.sql', 'R__view.sql'))).toEqual(['V1__one.sql', 'R__view.sql'])
  expect(scriptsOf([])).toEqual([])
})

test('one that came out of order is a part of it', () => {
  expect(scriptsOf(ran('V1__one.sql', 'V3__three.sql', 'V2__two.sql'))).toEqual(['V1__one.sql', 'V2__two.sql', 'V3__three.sql'])
})

test('of a baseline all that is at or below it counts as applied', () => {
  const [first] = ran('V1__one.sql')
  if (first === undefined) throw new Error('one ran')
  const baseline = { ...first, version: '2', description: 'baseline', script: '<< Baseline >>', type: 'BASELINE', checksum: null }
  expect(scriptsOf([baseline])).toEqual(['V1__one.sql', 'V2__two.sql'])
})

test('a repeatable migration whose file is another one by now is refused: what ran is in no file', async () => {
  const rows = ran('V1__one.sql', 'R__view.sql').map((row) => (row.version === null ? { ...row, checksum: 7 } : row))
  const refused = await failureOf(
    Promise.resolve().then(() => appliedMigrations(resolve(FILES), rows)),
    'PLAN_DRIFTED',
  )
  expect(refused.message).toContain('R__view.sql has changed since it ran')
})

test('a standby has the files of its source by what stands: not by a repeatable one’s first content, nor what failed, nor another checksum of one that has a version', () => {
  const [one, view] = ran('V1__one.sql', 'R__view.sql') as [HistoryRow, HistoryRow]
  const older = { ...view, checksum: 7 }
  const failed = { ...one, script: 'V2__two.sql', version: '2', success: false }
  expect(hasFilesOf([one, older, failed, view], [view, one])).toBe(true)
  expect(hasFilesOf([{ ...one, checksum: 8 }, view], [one, view])).toBe(true)
  expect(hasFilesOf([one, older, view], [one, older])).toBe(false)
  expect(hasFilesOf([one, view], [failed, view])).toBe(false)
  expect(hasFilesOf([one], [{ ...one, success: false }])).toBe(false)
  expect(lackingFiles([older, one, view], [older])).toEqual(['R__view.sql', 'V1__one.sql'])
})
