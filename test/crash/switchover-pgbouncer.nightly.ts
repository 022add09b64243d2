/** A switchover behind PgBouncers, disturbed at each of its boundaries: whatever happens, no client sees an error, and none is left waiting. */
import { describeWithPgBouncer } from '../support/pgbouncer'
import { pooledFront } from '../support/pooled'
import { disturbed } from './support/switchovers'

describeWithPgBouncer('behind poolers', () => {
  const front = pooledFront()
  disturbed({
    front,
    isRight: async ({ bank }) => {
      expect([bank.errors, await front.paused()]).toEqual([[], [false, false]])
    },
  })
})
