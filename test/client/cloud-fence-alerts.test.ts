import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { fenceListLines } from '../../client/cli/render/fences'
import { CLOUD_FENCE_ALERT_CODES, cloudFenceAlerts } from '../../client/cloud-fence-alerts'
import { cloudFenceMetrics } from '../../client/cloud-fence-metrics'
import { standingFence } from '../../client/cloud-fences'
import type { FencedInstance } from '../../contracts/instance-fence'

const AT = '2026-11-30T03:00:00.000Z'
const NOW = Date.parse(AT) + 60_000
const fence = (more: Partial<FencedInstance> = {}): FencedInstance => ({
  ...{ version: 1, cloud: 'aws', account: '1', region: 'eu-central-1', instance: 'shop-db', instanceId: 'db-1' },
  ...{ database: 'shop', state: 'fenced', operation: 'failover-1', bundle: 'b', since: AT, requestedBy: 'ada' },
  ...{ reason: 'dead', before: null, leftIn: [], keep: 'stopped', means: ['networks', 'stop'], reasserted: 2, lifted: null },
  look: { at: AT, state: 'stopped', found: null },
  ...more,
})
const codesOf = (more: Partial<FencedInstance>) => cloudFenceAlerts(fence(more), NOW).map(({ code }) => code)

test.each([
  ['nothing', {}, []],
  ['nothing of one that is lifted', { state: 'lifted', means: [], look: null, since: '2026-11-01T00:00:00.000Z' }, []],
  ['that it was opened', { look: { at: AT, state: 'running', found: 'It ran; it was stopped again.' } }, ['not-as-left']],
  ['that nobody looks', { look: { at: '2026-11-30T02:50:00.000Z', state: 'stopped', found: null } }, ['not-looked-at']],
  ['that it could not be stopped', { means: ['networks'], look: { at: AT, state: 'running', found: null } }, ['no-means']],
] as const)('somebody hears %s', (_, more, codes) => {
  expect(codesOf(more as Partial<FencedInstance>)).toEqual(codes)
})

test('metrics are by instance, and the rules ask for metrics and codes that there are', () => {
  const lines = cloudFenceMetrics([fence()], NOW)
  const of = 'cloud="aws",region="eu-central-1",instance="shop-db",database="shop"'
  expect(lines).toContain('# TYPE capstan_fence_reasserted_total counter')
  expect(lines).toContain(`capstan_fence_reasserted_total{${of}} 2`)
  expect(lines).toContain(`capstan_cloud_fence_state{${of},state="fenced"} 1`)
  const text = readFileSync(join(__dirname, '../../infra/alerts/cloud-fences.rules.yml'), 'utf8')
  const { groups } = parse(text) as { groups: { rules: { expr: string }[] }[] }
  const exprs = groups.flatMap(({ rules }) => rules.map(({ expr }) => expr))
  const written = new Set(lines.map((line) => line.split(' ')[2]))
  expect(exprs.flatMap((expr) => expr.match(/capstan_\w+/g) ?? []).filter((name) => !written.has(name))).toEqual([])
  const codes = exprs.flatMap((expr) => [...expr.matchAll(/code=~?"([^"]+)"/g)].flatMap(([, all = '']) => all.split('|')))
  expect(codes.sort()).toEqual([...CLOUD_FENCE_ALERT_CODES].sort())
})

test('a fence is found by its instance, its database or its place, and not when several are meant', async () => {
  const other = fence({ cloud: 'gcp', region: 'europe-west3', instanceId: 'db-2' })
  const among = (...fences: FencedInstance[]) => ({ listFences: async () => fences })
  for (const name of ['shop-db', 'shop', 'aws/1/eu-central-1/shop-db'])
    expect(await standingFence(among(fence()), name)).toEqual(fence())
  await expect(standingFence(among(fence(), other), 'shop')).rejects.toMatchObject({
    code: 'OPTION_INVALID',
    message: expect.stringContaining('aws/1/eu-central-1/shop-db, gcp/1/europe-west3/shop-db'),
  })
  await expect(standingFence(among(fence({ state: 'lifted' })), 'shop')).rejects.toMatchObject({
    message: 'No instance "shop" is fenced; "capstan fence list" shows those that were.',
  })
})

test('the list says what its cloud was told, and what somebody has to hear of', () => {
  const paint = (_: unknown, text: string): string => text
  const shown = fence({ look: { at: AT, state: 'running', found: 'It ran; it was stopped again.' } })
  const lines = fenceListLines([{ ...shown, alerts: cloudFenceAlerts(shown, NOW) }], { paint, now: NOW }).join('\n')
  expect(lines).toMatch(/shop-db +shop +aws +fenced +1 min +closed, stopped +2 times/)
  expect(lines).toContain('It ran; it was stopped again.')
})
