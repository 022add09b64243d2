import fc from 'fast-check'
import { writingLibraries } from '../../../postgres/replicate/other-writers'

const cron = (cronWorkers: string | null, cronLaunch: string | null) =>
  writingLibraries({ preloaded: 'rdsutils,pg_cron,pg_stat_statements', cronWorkers, cronLaunch })

test('pg_cron is in the way where it runs jobs by workers of its own', () => {
  expect(cron('on', 'on')).toEqual([expect.stringContaining('set cron.use_background_workers to off')])
  expect(cron('on', null)).toHaveLength(1)
  expect([cron('off', 'on'), cron('on', 'off'), cron(null, null)]).toEqual([[], [], []])
})

test('a library that writes is told wherever it stands among others, and what may not be read is told as well', () => {
  const harmless = fc.array(
    fc.constantFrom('pg_stat_statements', 'auto_explain', 'timescaledb_not', 'pgaudit', '$libdir/pg_hint_plan'),
  )
  const writing = fc.constantFrom('timescaledb', '$libdir/pglogical', '"pg_partman_bgw"')
  fc.assert(
    fc.property(harmless, writing, harmless, fc.constantFrom(',', ', '), (before, one, after, comma) => {
      const among = (list: readonly string[]) =>
        writingLibraries({ preloaded: list.join(comma), cronWorkers: null, cronLaunch: null })
      expect(among([...before, one, ...after])).toHaveLength(1)
      expect(among([...before, ...after])).toEqual([])
    }),
  )
  expect(writingLibraries({ preloaded: null, cronWorkers: null, cronLaunch: null })).toEqual([
    expect.stringContaining('grant pg_read_all_settings'),
  ])
})
