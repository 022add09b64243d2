/** How much room the data and the log need, and whether it is there. Bytes, all of it. */

/** The log of what is copied, what is sorted while indexes are built, and the margin by which the two are not known beforehand. */
const SPARE = 0.2

const GIB = 1024 ** 3
/** What the system, its logs and its temporary files take, and a server that is to go on. */
const RESERVE = 0.1

/** Reckoned: clouds tell the size of a disk, and what is free on it only minutes later, elsewhere. `used`: by all databases, and by the log. */
export function estimatedFree({ sizeGib, used }: { sizeGib: number; used: number }): number {
  return Math.max(0, Math.floor(sizeGib * GIB * (1 - RESERVE)) - used)
}

/** In GiB, the smallest disk on which there is room enough by `roomForData`. */
export function sizeForData({ data, held, log, used }: { data: number; held: number; log: number; used: number }): number {
  const free = Math.max(0, data - held) + data * SPARE + log
  return Math.ceil((free + used) / (1 - RESERVE) / GIB)
}

export type RoomForData = 'enough' | 'tight' | 'none'

/** `held`: of the standby's database already, by an unfinished set-up. */
export function roomForData({ data, held, log, free }: { data: number; held: number; log: number; free: number }): RoomForData {
  const needed = Math.max(0, data - held)
  if (free < needed) return 'none'
  return free < needed + data * SPARE + log ? 'tight' : 'enough'
}
