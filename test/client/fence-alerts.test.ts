import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { FENCE_ALERT_CODES, FENCED_MS_MAX, fenceAlerts, fencedBy } from '../../client/fence-alerts'
import { fenceMetrics } from '../../client/fence-metrics'
import { EXCHANGE_STEPS } from '../../contracts/exchange'
import { FAILOVER_STEPS } from '../../contracts/failover'
import type { OperationDocument, StepRecord } from '../../contracts/operation'
import { SWITCHOVER_STEPS } from '../../contracts/switchover'

const UP = '2026-11-30T03:00:00.000Z'
const at = (ms: number) => Date.parse(UP) + ms
const step = (name: { id: string; title: string }, state: StepRecord['state']): StepRecord => ({
  ...{ ...name, state, attempts: 1, startedAt: UP, finishedAt: null, detail: {} },
})
const operation = (steps: readonly StepRecord[], more: Partial<OperationDocument> = {}): OperationDocument => ({
  ...{ version: 1, id: 'switchover-shop-1', kind: 'switchover', databases: ['shop', 'shop-azure'], status: 'running' },
  ...{ verdict: null, requestedBy: 'ada', startedAt: UP, finishedAt: null, evidence: null, failure: null, planDigest: null },
  ...{ steps, ...more },
})
const { cross, open, resume, follow } = SWITCHOVER_STEPS
const closed = operation([step(cross, 'running')])

test('before the fence, once whoever was held goes on, and once all is taken back, writers are served', () => {
  expect(fencedBy(operation([]))).toBeNull()
  expect(fencedBy(operation([step(cross, 'done'), step(open, 'done'), step(resume, 'done')]))).toBeNull()
  expect(fencedBy(operation([step(cross, 'done'), step(resume, 'undo-skipped'), step(follow, 'failed')]))).toBeNull()
  expect(fencedBy(operation([step(cross, 'undone')]))).toBeNull()
  expect(fencedBy({ ...closed, finishedAt: UP })).toBeNull()
  expect(fencedBy({ ...closed, kind: 'migrate' })).toBeNull()
})

test('one that stands for longer than it should is told, and one that waits for a person at once', () => {
  const fenced = fencedBy(closed)
  if (fenced === null) throw new Error('it is fenced')
  expect(fenceAlerts(fenced, at(FENCED_MS_MAX))).toEqual([])
  expect(fenceAlerts(fenced, at(FENCED_MS_MAX + 1)).map(({ code }) => code)).toEqual(['fence-up'])
  const waits = fencedBy(operation([step(cross, 'undo-failed')], { status: 'needs-operator' }))
  if (waits === null) throw new Error('it is fenced')
  expect(fenceAlerts(waits, at(1)).map(({ code }) => code)).toEqual(['fence-needs-operator'])
})

test('a question that is asked behind the fence is told at once, and one before it is none of the fence', () => {
  const { fence, drain, probe } = FAILOVER_STEPS
  const asks = { kind: 'failover', status: 'awaiting-approval' } as const
  const fenced = fencedBy(operation([step(fence, 'done'), step(drain, 'done')], asks))
  if (fenced === null) throw new Error('nobody is served')
  expect(fenceAlerts(fenced, at(1)).map(({ code }) => code)).toEqual(['fence-needs-operator'])
  expect(fencedBy(operation([step(probe, 'done')], asks))).toBeNull()
})

test('whoever was held waits still where the standby is open and nobody has let him go on', () => {
  const held = fencedBy(
    operation([step(cross, 'done'), step(open, 'done'), step(resume, 'failed')], { status: 'needs-operator' }),
  )
  if (held === null) throw new Error('they are held')
  expect(fenceAlerts(held, at(1)).map(({ code }) => code)).toEqual(['fence-needs-operator'])
})

test.each([
  ['failover', FAILOVER_STEPS.fence, FAILOVER_STEPS.move],
  ['exchange', EXCHANGE_STEPS.exchange, EXCHANGE_STEPS.move],
] as const)('a %s that is stuck before applications are led somewhere is told', (kind, up, down) => {
  const stuck = { kind, status: 'needs-operator' } as const
  const fenced = fencedBy(operation([step(up, 'done')], stuck))
  if (fenced === null) throw new Error('nobody is served')
  expect(fenceAlerts(fenced, at(60 * 60_000)).map(({ code }) => code)).toEqual(['fence-up', 'fence-needs-operator'])
  expect(fencedBy(operation([step(up, 'done'), step(down, 'done')], stuck))).toBeNull()
  expect(fencedBy(operation([step(up, 'undone')], stuck))).toBeNull()
})

test('metrics are instants by operation, and what is not fenced is left out', () => {
  const fenced = fencedBy(closed)
  const lines = fenceMetrics(fenced === null ? [] : [fenced], at(FENCED_MS_MAX + 1))
  const of = 'operation="switchover-shop-1",kind="switchover",database="shop"'
  expect(lines).toContain(`capstan_operation_fenced_timestamp_seconds{${of}} ${at(0) / 1_000}`)
  expect(lines).toContain(`capstan_operation_fence_alert{${of},code="fence-up"} 1`)
  expect(lines).toContain(`capstan_operation_fence_alert{${of},code="fence-needs-operator"} 0`)
  expect(fenceMetrics([], at(0)).filter((line) => line.includes('{'))).toEqual([])
})

test('the rules ask for metrics and codes that there are, and for every code', () => {
  const text = readFileSync(join(__dirname, '../../infra/alerts/fences.rules.yml'), 'utf8')
  const { groups } = parse(text) as { groups: { rules: { expr: string }[] }[] }
  const exprs = groups.flatMap(({ rules }) => rules.map(({ expr }) => expr))
  const written = new Set(fenceMetrics([], at(0)).map((line) => line.split(' ')[2]))
  expect(exprs.flatMap((expr) => expr.match(/capstan_\w+/g) ?? []).filter((name) => !written.has(name))).toEqual([])
  const codes = exprs.flatMap((expr) => [...expr.matchAll(/code=~?"([^"]+)"/g)].flatMap(([, all = '']) => all.split('|')))
  expect(codes.sort()).toEqual([...FENCE_ALERT_CODES].sort())
})
