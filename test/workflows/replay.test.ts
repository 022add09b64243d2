import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker'
import { readHistory } from '../support/histories'

const code = readFileSync(join(__dirname, '../../dist/workflow-bundle.js'), 'utf8')

beforeAll(() => {
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    telemetryOptions: { logging: { filter: 'OFF', forward: {} } },
  })
})

function replay(bundle: string, history: string, recorded = readHistory(history)): Promise<void> {
  return Worker.runReplayHistory({ workflowBundle: { code: bundle } }, recorded, history)
}

/** The same bundle with one activity called in another's place, as a careless change would. */
function changed(from: string, to: string): string {
  const calls = code.split(from).length - 1
  expect(calls).toBe(1)
  return code.replace(from, to)
}

const HISTORIES = [
  'migrate-approved',
  'migrate-refused-by-canary',
  'migrate-aborted',
  'migrate-on-azure',
  'migrate-with-standbys',
  'migrate-carries-what-was-left',
  'snapshot',
  'snapshot-aborted',
  'restore',
  'retire-copy',
  'retire-snapshot',
  'retire-old',
  'snapshot-between-manifests',
  'snapshot-between-manifests-aborted',
  'snapshot-copied',
  'snapshot-copies-taken-back',
  'verify-backup',
  'verify-backup-moment',
  'verify-backup-aborted',
  'verify-backup-by-turns',
  'scout',
  'scheduled-start',
  'recover-rows',
  'recover-rows-rejected',
  'recover-rows-aborted',
  'find-moment',
  'replace',
  'replace-aborted',
  'overwrite',
  'overwrite-aborted',
  'replicate',
  'replicate-aborted',
  'replicate-pause',
  'replicate-rebuild',
  'switchover',
  'switchover-rehearsed',
  'switchover-undone',
  'switchover-one-way',
  'switchover-observed',
  'failover',
  'salvage',
  'standby',
  'standby-compared',
  'instance-lock',
  'exchange',
  'upgrade',
  'sweep-orphans',
]

test.each(HISTORIES)('%s replays', async (history) => {
  await replay(code, history)
})

test('another order of activities is noticed', async () => {
  await expect(
    replay(changed('act.canaryChecks.checkCanary(', 'act.canaryChecks.verifyTarget('), 'migrate-approved'),
  ).rejects.toThrow(expect.objectContaining({ name: 'DeterminismViolationError' }))
})

const TAKEN = '{ ...input, snapshot: '

test('a step that is left out is noticed', async () => {
  await expect(
    replay(changed(`(0, arrange_1.arrangeRetirement)(${TAKEN}`, `(async () => {})(${TAKEN}`), 'migrate-approved'),
  ).rejects.toThrow(expect.objectContaining({ name: 'DeterminismViolationError' }))
})

test('a verification whose plan knew no manifest from before its moment goes on', async () => {
  let plans = 0
  const earlier: unknown = JSON.parse(JSON.stringify(readHistory('verify-backup')), (key, value: unknown) => {
    if (key !== 'data' || typeof value !== 'string') return value
    const text = Buffer.from(value, 'base64').toString()
    const without = text.replace('"since":null,', '')
    if (without !== text) plans += 1
    return Buffer.from(without).toString('base64')
  })
  expect(plans).toBe(1)
  await replay(code, 'verify-backup', earlier)
})
