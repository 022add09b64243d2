import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { limitedTo } from '../../clouds/limit'
import { collectGarbage } from '../support/garbage'

test('a limit is kept although nobody holds it and garbage is collected before its time', async () => {
  const signal = limitedTo(500, new AbortController().signal)
  const aborted = once(signal, 'abort')
  await turn()
  collectGarbage()
  await aborted
  expect(signal.reason).toMatchObject({ name: 'TimeoutError' })
})

test('whatever else ends it ends it at once, with its own reason', () => {
  const other = new AbortController()
  const signal = limitedTo(600_000, other.signal, new AbortController().signal)
  expect(signal.aborted).toBe(false)
  other.abort(new Error('given up'))
  expect(signal.reason).toMatchObject({ message: 'given up' })
})
