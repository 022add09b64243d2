import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { parseFleet } from '../../client/fleet/parse-fleet'
import { ORPHAN_ALERT_CODES, orphanAlerts } from '../../client/orphan-alerts'
import { orphanMetrics } from '../../client/orphan-metrics'
import { placesOf } from '../../client/places'
import type { CopyStanding, OrphanRemoval, Sweep, SweptInstance } from '../../contracts/orphans'
import type { ScheduleTerms } from '../../contracts/schedule'
import { AZURE_FLEET, FLEET } from '../bad-input/support/world'

const NOW = Date.parse('2026-11-29T12:00:00.000Z')
const HOUR_MS = 3_600_000
const ago = (hours: number): string => new Date(NOW - hours * HOUR_MS).toISOString()

const TERMS: ScheduleTerms = {
  timing: { by: 'interval', everyMs: 6 * HOUR_MS },
  jitterMs: HOUR_MS,
  catchUpMs: 24 * HOUR_MS,
  waitForLockMs: 0,
}

const copy = (standing: CopyStanding, since: string, expiresAt: string | null = null): SweptInstance => ({
  ...{ name: 'cap-op-1-copy', instanceId: 'db-1', cloud: 'aws', account: '1', region: 'here', state: 'available' },
  ...{ operation: 'op-1', step: 'copy', expiresAt, standing, since },
})
const removal = (failure: string | null): OrphanRemoval => ({
  name: 'cap-op-1-copy',
  removed: false,
  standing: 'orphan',
  failure,
})
const QUIET: Sweep = {
  ...{ version: 1, place: 'aws/1/here', run: 'one', at: ago(6), finishedAt: ago(6), failure: null, listedAt: ago(6) },
  ...{ instances: [], removals: [] },
}
const codesOf = (sweep: Sweep | null, terms: ScheduleTerms | null = TERMS) =>
  orphanAlerts(sweep, { terms, now: NOW }).map(({ code }) => code)

test('what nobody has to hear of raises nothing', () => {
  const quiet = [
    copy('orphan', ago(30)),
    copy('kept', ago(300), ago(23)),
    copy('kept', ago(300), ago(-100)),
    copy('at-work', ago(8 * 24 - 1)),
    copy('being-removed', ago(23)),
    copy('unknown-operation', ago(23)),
    copy('not-ours', ago(23)),
    copy('protected', ago(10_000)),
    copy('took-over', ago(10_000)),
    copy('in-use', ago(10_000)),
  ]
  expect(codesOf({ ...QUIET, instances: quiet, removals: [removal(null)] })).toEqual([])
  // two gaps, the jitter, and two hours in which it works
  expect(codesOf({ ...QUIET, listedAt: ago(15) })).toEqual([])
})

test.each([
  ['not-swept', { listedAt: ago(15.1) }],
  ['not-swept', { listedAt: null }],
  ['sweep-failed', { failure: { code: 'CLOUD_UNREACHABLE', message: 'away' } }],
  ['removal-failed', { removals: [removal('CLOUD_REFUSED: no')] }],
  ['unclaimed', { instances: [copy('unknown-operation', ago(25))] }],
  ['unclaimed', { instances: [copy('not-ours', ago(25))] }],
  ['overdue', { instances: [copy('being-removed', ago(25))] }],
  ['overdue', { instances: [copy('at-work', ago(8 * 24 + 1))] }],
  ['overdue', { instances: [copy('kept', ago(1), ago(25))] }],
] as const)('%s is an alert of its own', (code, more) => {
  expect(codesOf({ ...QUIET, ...more })).toEqual([code])
})

test('a place where nobody has looked yet is told of, where somebody asks whether it was', () => {
  expect(codesOf(null)).toEqual(['not-swept'])
  expect(codesOf(null, null)).toEqual([])
})

test('metrics are instants and figures, by place', () => {
  const sweep = { ...QUIET, instances: [copy('orphan', ago(1)), copy('kept', ago(1))], removals: [removal('CLOUD_REFUSED: no')] }
  const alerts = orphanAlerts(sweep, { terms: TERMS, now: NOW })
  const lines = orphanMetrics([{ place: 'aws/1/here', everyMs: 6 * HOUR_MS, sweep, alerts }], NOW)
  const of = 'place="aws/1/here"'
  expect(lines).toContain(`capstan_orphans_listed_timestamp_seconds{${of}} ${NOW / 1_000 - 6 * 3_600}`)
  expect(lines).toContain(`capstan_orphans_every_seconds{${of}} 21600`)
  expect(lines).toContain(`capstan_orphans_instances{${of},standing="orphan"} 1`)
  expect(lines).toContain(`capstan_orphans_instances{${of},standing="not-ours"} 0`)
  expect(lines).toContain(`capstan_orphans_alert{${of},code="removal-failed"} 1`)
  expect(lines).toContain(`capstan_orphans_alert{${of},code="unclaimed"} 0`)
  expect(lines.at(-1)).toBe(`capstan_orphans_report_timestamp_seconds ${NOW / 1_000}`)
})

test('the rules ask for metrics and codes that there are, and for every code', () => {
  const text = readFileSync(join(__dirname, '../../infra/alerts/orphans.rules.yml'), 'utf8')
  const { groups } = parse(text) as { groups: { rules: { expr: string }[] }[] }
  const exprs = groups.flatMap(({ rules }) => rules.map(({ expr }) => expr))
  const written = new Set(orphanMetrics([], NOW).map((line) => line.split(' ')[2]))
  const asked = exprs.flatMap((expr) => expr.match(/capstan_\w+/g) ?? [])
  expect(asked.length).toBeGreaterThan(exprs.length - 1)
  expect(asked.filter((name) => !written.has(name))).toEqual([])
  const codes = exprs.flatMap((expr) => [...expr.matchAll(/code=~?"([^"]+)"/g)].flatMap(([, all = '']) => all.split('|')))
  expect(codes.sort()).toEqual([...ORPHAN_ALERT_CODES].sort())
})

test('a place is what a cloud lists together', () => {
  const two = (fleet: string, edit: (entry: string) => string): string => {
    const entry = fleet.slice(fleet.indexOf('  - name'))
    return `${fleet}${edit(entry.replace('name: shop', 'name: other'))}`
  }
  const idsOf = (text: string) => placesOf(parseFleet(text, 'fleet').databases).map(({ id }) => id)
  const here = 'aws/123456789012/eu-central-1'
  expect(idsOf(two(FLEET, (entry) => entry))).toEqual([here])
  const aurora = (entry: string) => entry.replace('instance: shop-db', 'instance: orders\n    aurora: true')
  expect(idsOf(two(FLEET, aurora))).toEqual([here, `${here}/aurora`])
  const copied = (entry: string) => entry.replace('bake: 10s', 'snapshotCopies: [{ region: eu-west-1 }]')
  expect(idsOf(two(FLEET, copied))).toEqual([here, 'aws/123456789012/eu-west-1'])
  // a resource group holds servers of any region, however its name is spelt
  const elsewhere = (entry: string) => entry.replace('westeurope', 'northeurope').replace('shop-group', 'Shop-Group')
  const group = 'azure/3f2c1a9e-0b4d-4c57-9d3e-6a1b2c3d4e5f/shop-group'
  expect(idsOf(two(AZURE_FLEET, elsewhere))).toEqual([group])
  const apart = (entry: string) => entry.replace('shop-group', 'shop-group\n    copiesResourceGroup: Copies')
  expect(idsOf(two(AZURE_FLEET, apart))).toEqual([group, `${group}/copies`])
})
