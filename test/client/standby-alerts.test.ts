import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { STANDBY_ALERT_CODES, standbyAlerts } from '../../client/standby-alerts'
import { standbyMetrics } from '../../client/standby-metrics'
import type { ComparisonTold, StandbyRecord } from '../../contracts/standby'
import { LOOK, MB, RECORD } from '../postgres/replicate/watch/looks'

const NOW = Date.parse(LOOK.at) + 60_000
const standby = (more: Partial<StandbyRecord> = {}): StandbyRecord => ({ ...RECORD, look: LOOK, ...more })
const codesOf = (more: Partial<StandbyRecord>, now = NOW) => standbyAlerts(standby(more), now).map(({ code }) => code)
const found = (rule: string) => ({ look: { ...LOOK, findings: [{ rule, message: 'found' }] } })

test('what nobody has to hear of raises nothing', () => {
  for (const state of ['building', 'copying', 'following', 'paused', 'switching'] as const) expect(codesOf({ state })).toEqual([])
  expect(codesOf({ state: 'gone', look: null }, NOW + 1e9)).toEqual([])
  expect(codesOf({}, NOW + 9 * 60_000)).toEqual([])
  expect(codesOf(found('enabled-while-paused'))).toEqual([])
})

test.each([
  ['late', { state: 'late' }],
  ['broken', { state: 'broken' }],
  ['to-be-seeded', { state: 'to-be-seeded' }],
  ['switching', { state: 'switching', since: '2026-11-29T23:55:00.000Z' }],
  ['slot-retention', found('slot-retention')],
  ['standby-disk', found('standby-disk')],
  ['schema-differs', found('schema-differs')],
  ['not-published', found('not-published')],
  ['unguarded', found('unguarded')],
  ['lacks-files', found('lacks-files')],
  ['unreached', found('unreached')],
  ['not-looked-at', { look: { ...LOOK, at: '2026-11-29T23:50:00.000Z' } }],
  ['not-looked-at', { look: null, since: '2026-11-29T23:50:00.000Z' }],
] as const)('%s is an alert of its own', (code, more) => {
  expect(codesOf(more)).toEqual([code])
})

describe('of comparisons', () => {
  const hours = (n: number): string => new Date(NOW - n * 3_600_000).toISOString()
  const told = (more: Partial<ComparisonTold>): ComparisonTold => ({
    ...{
      startedAt: hours(2),
      endedAt: hours(1),
      verdict: 'equal',
      tables: 3,
      differing: [],
      tablesDiffering: 0,
      left: [],
      tablesLeft: 0,
    },
    ...more,
  })
  const compared = (last: ComparisonTold | null, equalAt: string | null = hours(2), since = hours(100)) => ({
    declared: { ...RECORD.declared, compare: { everyMs: 24 * 3_600_000, withinMs: 3_600_000 } },
    compared: { since, askedAt: null, running: null, last, equalAt },
  })
  const differing = [{ table: 'public.orders', onlyInSource: 1, onlyInStandby: 2, changed: 3, exact: false }]
  const different = told({ verdict: 'different', differing, tablesDiffering: 1 })
  const without = told({ verdict: 'inconclusive', left: [{ table: 'public.bag', why: 'It has no key.' }], tablesLeft: 2 })

  test('rows that differ are heard at once, with their tables and counts', () => {
    const [alert, ...others] = standbyAlerts(standby(compared(different)), NOW)
    expect([alert?.code, others]).toEqual(['rows-differ', []])
    expect(alert?.message).toContain('public.orders: at least 1 rows are in the source alone, 2 in the standby alone, 3 differ')
    expect(alert?.message).toContain('capstan standby reseed shop --to shop-azure --table public.orders')
  })

  test('one that was not found equal in two turns is heard, whatever kept it from that, and one that is inconclusive through that alone', () => {
    expect(codesOf(compared(told({})))).toEqual([])
    expect(codesOf(compared(without))).toEqual([])
    expect(codesOf(compared(null, null, hours(47)))).toEqual([])
    expect(codesOf(compared(null, null, hours(49)))).toEqual(['comparison-too-old'])
    expect(codesOf({ ...compared(null, null, hours(49)), declared: RECORD.declared })).toEqual([])
    const [alert] = standbyAlerts(standby(compared(without, hours(49))), NOW)
    expect(alert?.message).toMatch(
      /was found equal last at .* The newest comparison could not say: public.bag: It has no key. \(and 1 more\)$/,
    )
    expect(codesOf(compared(different, hours(49)))).toEqual(['rows-differ', 'comparison-too-old'])
  })

  test('metrics are when, and how many tables differ', () => {
    const of = 'source="shop",standby="shop-azure"'
    const lines = standbyMetrics([standby(compared(different))], NOW)
    expect(lines).toContain(`capstan_standby_compared_timestamp_seconds{${of}} ${NOW / 1_000 - 3_600}`)
    expect(lines).toContain(`capstan_standby_equal_timestamp_seconds{${of}} ${NOW / 1_000 - 7_200}`)
    expect(lines).toContain(`capstan_standby_tables_differing{${of}} 1`)
    expect(standbyMetrics([standby()], NOW).filter((line) => /^capstan_standby_(compared|equal|tables)\w*\{/.test(line))).toEqual(
      [],
    )
  })
})

test('one that waits at its line is heard of once that lasts longer than it may be late', () => {
  const waiting = (since: string) => ({
    look: { ...found('waits-for-migration').look, waits: { since, script: 'V2__a.sql', files: 1 } },
  })
  expect(codesOf(waiting('2026-11-30T00:00:01.000Z'))).toEqual([])
  expect(codesOf(waiting('2026-11-29T23:59:59.000Z'))).toEqual(['waits-for-migration'])
})

test('metrics are figures and instants, by source and standby, and what was not seen is left out', () => {
  const broken = standby({ state: 'broken', reason: 'so', look: { ...LOOK, lagMs: 1_500, lagBytes: 7 } })
  const lines = standbyMetrics([broken], NOW)
  const of = 'source="shop",standby="shop-azure"'
  expect(lines).toContain(`capstan_standby_state{${of},state="broken"} 1`)
  expect(lines).toContain(`capstan_standby_state{${of},state="following"} 0`)
  expect(lines).toContain(`capstan_standby_looked_timestamp_seconds{${of}} ${NOW / 1_000 - 60}`)
  expect(lines).toContain(`capstan_standby_lag_seconds{${of}} 1.5`)
  expect(lines).toContain(`capstan_standby_lag_bytes{${of}} 7`)
  expect(lines).toContain(`capstan_standby_retained_bytes{${of}} ${MB}`)
  expect(lines).toContain(`capstan_standby_retained_bytes_max{${of}} ${100 * MB}`)
  expect(lines).toContain(`capstan_standby_alert{${of},code="broken"} 1`)
  expect(lines).toContain(`capstan_standby_alert{${of},code="late"} 0`)
  expect(lines.at(-1)).toBe(`capstan_standbys_report_timestamp_seconds ${NOW / 1_000}`)
  const blind = standbyMetrics([standby({ look: { ...LOOK, source: null, lagMs: null, lagBytes: null, beatAt: null } })], NOW)
  expect(blind.filter((line) => /_(lag_seconds|lag_bytes|retained_bytes|beat_timestamp_seconds)\{/.test(line))).toEqual([])
})

test('the rules ask for metrics and codes that there are, and for every code', () => {
  const text = readFileSync(join(__dirname, '../../infra/alerts/standbys.rules.yml'), 'utf8')
  const { groups } = parse(text) as { groups: { rules: { expr: string }[] }[] }
  const exprs = groups.flatMap(({ rules }) => rules.map(({ expr }) => expr))
  const written = new Set(standbyMetrics([], NOW).map((line) => line.split(' ')[2]))
  const asked = exprs.flatMap((expr) => expr.match(/capstan_\w+/g) ?? [])
  expect(asked.length).toBeGreaterThan(exprs.length - 1)
  expect(asked.filter((name) => !written.has(name))).toEqual([])
  const codes = exprs.flatMap((expr) => [...expr.matchAll(/code=~?"([^"]+)"/g)].flatMap(([, all = '']) => all.split('|')))
  expect(codes.sort()).toEqual([...STANDBY_ALERT_CODES].sort())
})
