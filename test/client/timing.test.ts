import { checkCron } from '../../client/schedules/cron'
import { derivedJitterMs, specOf, timingOf, timingWords } from '../../client/schedules/timing'

const NOTHING = { at: undefined, cron: undefined, everyMs: undefined, timeZone: undefined }
const MINUTE = 60_000
const HOUR = 60 * MINUTE

test.each([
  ['0 3 * * *', 24 * 60],
  ['*/15 * * * *', 15],
  ['0,20 1-3 * * *', 20],
  ['5 0/6 * * sun', 6 * 60],
  ['50 23 * * *', 24 * 60],
  ['0 0,23 1 jan-mar *', 60],
  ['0 0 29 2 *', 24 * 60],
])('the cron expression %s is taken, %i minutes apart at least', (cron, minutes) => {
  expect(checkCron(cron)).toEqual({ shortestGapMs: minutes * MINUTE })
})

test.each([
  ['0 3 * *', 'five fields'],
  ['0  3 * * *', 'five fields'],
  ['@daily', 'five fields'],
  ['60 3 * * *', 'its minute must be 0 to 59'],
  ['0 24 * * *', 'its hour must be 0 to 23'],
  ['0 3 0 * *', 'its day of the month must be 1 to 31'],
  ['0 3 * foo *', 'its month must be 1 to 12 or jan to dec'],
  ['0 3 * * 7', 'its day of the week must be 0 to 6 or sun to sat'],
  ['0 3 * * fri-mon', 'its day of the week must be'],
  ['*/0 3 * * *', 'its minute must be'],
  ['*-5 3 * * *', 'its minute must be'],
  ['1,, 3 * * *', 'its minute must be'],
  ['0 3 1 * mon', 'as *'],
  ['0 3 30 2 *', 'that its month has'],
])('in the cron expression %s the field that is wrong is named', (cron, rule) => {
  expect(checkCron(cron)).toEqual({ rule: expect.stringContaining(rule) })
})

test('a fleet that is scheduled alike is spread: by jitter over the same time of the day, by its name over an interval', () => {
  const daily = timingOf({ ...NOTHING, at: '03:00' })
  expect([daily, timingOf({ ...NOTHING, at: '03:00', everyMs: HOUR })].map(derivedJitterMs)).toEqual([30 * MINUTE, 6 * MINUTE])
  expect(derivedJitterMs(timingOf({ ...NOTHING, cron: '*/10 * * * *' }))).toBe(MINUTE)
  const every = timingOf({ ...NOTHING, everyMs: 24 * HOUR })
  const hours = Array.from({ length: 1000 }, (_, n) => {
    const { intervals = [] } = specOf(every, { id: `schedule/snapshot/db-${n}`, jitterMs: 0 })
    return Math.floor(Number(intervals[0]?.offset) / HOUR)
  })
  const counts = Array.from({ length: 24 }, (_, hour) => hours.filter((one) => one === hour).length)
  expect(Math.min(...counts)).toBeGreaterThan(20)
  expect(Math.max(...counts)).toBeLessThan(70)
})

test('a time of the day that comes round several times is kept for each of them', () => {
  const timing = timingOf({ ...NOTHING, at: '21:30', everyMs: 6 * HOUR, timeZone: 'Europe/Berlin' })
  expect(specOf(timing, { id: 'schedule/snapshot/shop', jitterMs: 0 })).toEqual({
    calendars: [{ hour: [21, 3, 9, 15], minute: 30 }],
    timezone: 'Europe/Berlin',
    jitter: 0,
  })
  expect(timingWords(timing)).toBe('every 6 h from 21:30 Europe/Berlin')
})
