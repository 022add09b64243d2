import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { STANDBY_ALERT_CODES, standbyAlerts } from '../../client/standby-alerts'
import { standbyMetrics } from '../../client/standby-metrics'
import type { StandbyRecord } from '../../contracts/standby'
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
  ['schema-differs', found('schema-differs')],
  ['unreached', found('unreached')],
  ['not-looked-at', { look: { ...LOOK, at: '2026-11-29T23:50:00.000Z' } }],
  ['not-looked-at', { look: null, since: '2026-11-29T23:50:00.000Z' }],
] as const)('%s is an alert of its own', (code, more) => {
  expect(codesOf(more)).toEqual([code])
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
