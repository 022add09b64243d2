/** How much room the data and the log need, and whether it is there. Bytes, all of it. */

/** The log of what is copied, what is sorted while indexes are built, and the margin by which the two are not known beforehand. */
const SPARE = 0.2

export type RoomForData = 'enough' | 'tight' | 'none'

/** `held`: of the standby's database already, by an unfinished set-up. */
export function roomForData({ data, held, log, free }: { data: number; held: number; log: number; free: number }): RoomForData {
  const needed = Math.max(0, data - held)
  if (free < needed) return 'none'
  return free < needed + data * SPARE + log ? 'tight' : 'enough'
}
