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

function replay(bundle: string, history: string): Promise<void> {
  return Worker.runReplayHistory({ workflowBundle: { code: bundle } }, readHistory(history), history)
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
  'snapshot',
  'snapshot-aborted',
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
