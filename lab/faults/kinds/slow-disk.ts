/** An instance's disk is slow to write: each time its log is flushed, which a commit waits for, takes --latency longer. PostgreSQL's own
 *  `commit_delay` does it, where the log is flushed and one at a time, so concurrent commits share a flush as they do on a slow disk. It
 *  goes no further than 100 ms. Reads are as quick as ever. */
import { timeWithin } from '../kind'
import { INSTANCES, type PlainKind } from './acting'

const LATENCY_MAX_MS = 100

export const slowDisk: PlainKind = {
  ...INSTANCES,
  summary: 'each flush of an instance’s log, and so each commit, takes --latency longer (50ms unless told otherwise)',
  lasts: true,
  settings: { latency: timeWithin(LATENCY_MAX_MS, 50) },
  effect: {
    // its settings say so by now, or no more
    begin: (patient) => patient.configure(),
    end: (patient) => patient.configure(),
  },
}
