/** The new writer is watched once writing has moved, through the death of a worker, until its time is over or a person ends it. One stack for all. */
import { eventually } from '../support/eventually'
import { recordHistory } from '../support/histories'
import { Switching } from '../support/switching'

let it: Switching

beforeAll(async () => {
  it = await Switching.start('gcp')
  await it.isFollowing('stock', it.pair.name)
})
afterAll(() => it?.close())

test('what is found makes it inconclusive and says what to do; a worker that dies amid it costs nothing of the time', async () => {
  it.capstan.arm('observeWriter#1:before')
  const operation = await it.ended('there', 'switchover', 'stock', '--observe', '8s')
  expect(it.capstan.disarm('observeWriter#1:before')).toBe(false)
  const step = operation.steps.find(({ id }) => id === 'observe')
  const [began, ended] = [step?.startedAt, step?.finishedAt].map((at) => Date.parse(at ?? ''))
  expect((ended ?? 0) - (began ?? 0)).toBeGreaterThanOrEqual(8_000)
  // the probe knocks at both sides all the time
  const { findings = [], observed } = { ...step?.detail } as {
    findings?: readonly { rule: string }[]
    observed?: { sessionsMax: number }
  }
  expect(findings.map(({ rule }) => rule)).toContain('observe:turned-away')
  expect(observed?.sessionsMax).toBeGreaterThan(0)
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'inconclusive', failure: null })
  await it.isWholeOnBothSides()
})

test('a person ends it, and nothing is taken back', async () => {
  await it.isFollowing(it.pair.name, 'stock')
  const running = it.ended('back', 'switchover', it.pair.name, '--to', 'stock', '--observe', '1h')
  await eventually('it to be watched', async () => {
    const found = await it.capstan.ledger.getOperation('back')
    return found?.steps.some(({ id, state }) => id === 'observe' && state === 'running') === true ? true : undefined
  })
  expect(await it.pair.cli('ops', 'abort', 'back', '--by', 'ada', '--reason', 'all is well')).toMatchObject({ code: 0 })
  const operation = await running
  expect(operation).toMatchObject({ status: 'succeeded', failure: null })
  await recordHistory(it.capstan.temporal, 'back', 'switchover-observed')
  const step = operation.steps.find(({ id }) => id === 'observe')
  expect(step).toMatchObject({ state: 'done', detail: { endedBy: 'ada', endedFor: 'all is well' } })
  await it.writesGoOn()
  await it.isWholeOnBothSides()
  expect(it.writers()).toEqual(['source', 'standby', 'source'])
})
