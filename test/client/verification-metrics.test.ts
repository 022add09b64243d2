import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { ALERT_CODES, alertsOf } from '../../client/verification-alerts'
import { verificationMetrics } from '../../client/verification-metrics'
import type { VerificationStanding } from '../../client/verification-report'

const NOW = Date.parse('2026-11-29T06:00:00.000Z')
const RULES = join(__dirname, '../../infra/alerts/backup-proofs.rules.yml')

const LADDER = [
  { id: 'exists', outcome: 'pass', findings: [], summary: '', durationMs: 1, promised: true },
  { id: 'use', outcome: 'not-proven', findings: [], summary: '', durationMs: 1, promised: false },
] as const

const RTO = { provisionMs: 1, verifyMs: 1, totalMs: 2_000 }
const LAST = { operation: 'verify-shop', ladder: LADDER, proven: true, verdict: 'pass', rpoMs: 1_000, rto: RTO } as const

const QUIET = {
  lasts: [LAST],
  provenAt: '2026-11-29T03:00:00.000Z',
  stale: false,
  objectives: { rpoMs: 1_000, rtoMs: 2_000 },
  failedRun: null,
  unpayable: null,
} as const

const standing: VerificationStanding = {
  database: 'shop',
  environment: 'production',
  last: { ...LAST, at: QUIET.provenAt, point: { kind: 'moment', at: QUIET.provenAt } },
  provenAt: QUIET.provenAt,
  provenPoint: null,
  ageMs: 1,
  objectives: { rpoMs: 300_000, rtoMs: null, verifyEveryHours: 24 },
  stale: false,
  alerts: [],
}

test('what nobody has to hear of raises nothing', () => {
  expect(alertsOf(QUIET)).toEqual([])
  expect(alertsOf({ ...QUIET, lasts: [], provenAt: null })).toEqual([])
})

test.each([
  ['never-proven', { stale: true, provenAt: null }],
  ['proof-too-old', { stale: true }],
  ['verdict-fail', { lasts: [{ ...LAST, ladder: [{ ...LADDER[0], outcome: 'fail' }], proven: false, verdict: 'fail' }] }],
  ['verdict-inconclusive', { lasts: [{ ...LAST, proven: false, verdict: 'inconclusive' }] }],
  ['rpo-missed', { objectives: { rpoMs: 999, rtoMs: null } }],
  ['rto-missed', { objectives: { rpoMs: null, rtoMs: 1_999 } }],
  ['control-missed', { lasts: [{ ...LAST, controls: [{ rung: 'content', outcome: 'missed', summary: '' }] }] }],
  ['control-not-made', { lasts: [{ ...LAST, controls: [{ rung: 'content', outcome: 'failed', summary: '' }] }] }],
  ['run-failed', { failedRun: { operation: 'verify-next', code: 'VERIFICATION_TIMED_OUT' } }],
  ['price-missing', { unpayable: { code: 'price-missing', why: 'no price' } }],
  ['beyond-budget', { unpayable: { code: 'beyond-budget', why: 'too much' } }],
] as const)('%s is an alert of its own', (code, more) => {
  expect(alertsOf({ ...QUIET, ...more }).map((alert) => alert.code)).toEqual([code])
})

test('a missed objective alone finds no backup wanting, and a control that had nothing to damage is none to hear of', () => {
  const last = { ...LAST, verdict: 'fail', controls: [{ rung: 'content', outcome: 'not-made', summary: '' }] } as const
  const raised = alertsOf({ ...QUIET, lasts: [last], objectives: { rpoMs: 999, rtoMs: null } })
  expect(raised.map(({ code }) => code)).toEqual(['rpo-missed'])
  // Nor does it hide that nothing was proven.
  const unproven = alertsOf({ ...QUIET, lasts: [{ ...last, proven: false }], objectives: { rpoMs: 999, rtoMs: null } })
  expect(unproven.map(({ code }) => code)).toEqual(['verdict-inconclusive', 'rpo-missed'])
})

test('metrics are instants and figures, by database', () => {
  const lines = verificationMetrics([standing], NOW)
  const of = 'database="shop",environment="production"'
  expect(lines).toContain(`capstan_backup_proven_timestamp_seconds{${of}} 1795921200`)
  expect(lines).toContain(`capstan_backup_verify_every_seconds{${of}} 86400`)
  expect(lines).toContain(`capstan_backup_verdict{${of},verdict="pass"} 1`)
  expect(lines).toContain(`capstan_backup_verdict{${of},verdict="fail"} 0`)
  expect(lines).toContain(`capstan_backup_rto_seconds{${of}} 2`)
  expect(lines).toContain(`capstan_backup_alert{${of},code="run-failed"} 0`)
  expect(lines.at(-1)).toBe(`capstan_backup_report_timestamp_seconds ${NOW / 1_000}`)
  // What nobody declared or measured has no line.
  expect(lines.filter((line) => line.startsWith('capstan_backup_rto_objective_seconds{'))).toEqual([])
})

test('one that was never proven is as old as can be, and stands out in the metrics', () => {
  const never = { ...standing, last: null, provenAt: null, ageMs: null, stale: true }
  const alerts = alertsOf({ ...QUIET, lasts: [], provenAt: null, stale: true })
  const lines = verificationMetrics([{ ...never, alerts }], NOW)
  expect(lines).toContain('capstan_backup_proven_timestamp_seconds{database="shop",environment="production"} 0')
  expect(lines).toContain('capstan_backup_alert{database="shop",environment="production",code="never-proven"} 1')
})

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[]
}

test('the rules ask for metrics and codes that there are', () => {
  const { groups } = parse(readFileSync(RULES, 'utf8')) as Rules
  const exprs = groups.flatMap(({ rules }) => rules.map(({ expr }) => expr))
  const written = new Set(verificationMetrics([], NOW).map((line) => line.split(' ')[2]))
  const asked = exprs.flatMap((expr) => expr.match(/capstan_\w+/g) ?? [])
  expect(asked.length).toBeGreaterThan(exprs.length - 1)
  expect(asked.filter((name) => !written.has(name))).toEqual([])
  const codes = exprs.flatMap((expr) => [...expr.matchAll(/code=~?"([^"]+)"/g)].flatMap(([, all = '']) => all.split('|')))
  expect(codes.filter((code) => !ALERT_CODES.some((one) => one === code))).toEqual([])
})

test('promtool, where it is installed, has nothing to say against rules and metrics', () => {
  const promtool = (args: readonly string[], input = '') => spawnSync('promtool', args, { input, encoding: 'utf8' })
  const rules = promtool(['check', 'rules', RULES])
  if (rules.error !== undefined) {
    expect(rules.error).toMatchObject({ code: 'ENOENT' })
    return
  }
  expect([rules.status, rules.stderr]).toEqual([0, ''])
  const metrics = promtool(['check', 'metrics'], `${verificationMetrics([standing], NOW).join('\n')}\n`)
  expect([metrics.status, metrics.stderr]).toEqual([0, ''])
})
