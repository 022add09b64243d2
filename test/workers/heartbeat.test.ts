/** A machine that stood still: how long an attempt was silent is told by whichever clock went on. */
import type { Context } from '@temporalio/activity'
import { startHeartbeat } from '../../workers/interceptors/heartbeat'

const TIMEOUT_MS = 60_000
const HOUR_MS = 3_600_000
let beats = 0
let startedAt = 0
const context = { info: { heartbeatTimeoutMs: TIMEOUT_MS }, heartbeat: () => (beats += 1) } as unknown as Context
let heartbeat: ReturnType<typeof startHeartbeat>
beforeEach(() => {
  beats = 0
  jest.useFakeTimers()
  startedAt = performance.now()
  heartbeat = startHeartbeat(context)
})
afterEach(() => {
  heartbeat.stop()
  jest.restoreAllMocks()
  jest.useRealTimers()
})

/** The monotonic clock, so long after the start. */
const monotonic = (ms: number) => jest.spyOn(performance, 'now').mockReturnValue(startedAt + ms)
const wall = (ms: number) => jest.setSystemTime(Date.now() + ms)

test('a paused machine, whose monotonic clock stood still, is told by the wall’s; it beats no more and says so once', () => {
  monotonic(0)
  expect(heartbeat.stale()).toBe(false)
  wall(HOUR_MS)
  expect(heartbeat.stale()).toBe(true)
  expect(heartbeat.signal.reason).toMatchObject({ code: 'HEARTBEAT_GAP' })
  // the time that was lost does not come back
  wall(-HOUR_MS)
  expect(heartbeat.stale()).toBe(true)
  jest.advanceTimersByTime(1_000)
  expect(beats).toBe(0)
})

test('a wall clock that was put back hides nothing from the monotonic one', () => {
  wall(-HOUR_MS)
  expect(heartbeat.stale()).toBe(false)
  monotonic(HOUR_MS)
  expect(heartbeat.stale()).toBe(true)
})

test('it is stale before the server may give the work to another worker', () => {
  monotonic(0.79 * TIMEOUT_MS)
  expect(heartbeat.stale()).toBe(false)
  monotonic(0.81 * TIMEOUT_MS)
  expect(heartbeat.stale()).toBe(true)
})
