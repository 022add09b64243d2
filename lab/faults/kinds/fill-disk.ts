/** An instance's disk is full. What its cloud makes of that is the cloud's own: RDS has no room for the write-ahead log and the server is
 *  down, Azure makes it read-only. Growing the storage ends it, as does the end of the fault. */
import { INSTANCES, type PlainKind, type Wording } from './acting'

export function fillDisk({ full }: Wording): PlainKind {
  return {
    ...INSTANCES,
    summary: full,
    lasts: true,
    effect: {
      begin: (patient) => patient.fillDisk(),
      end: (patient) => patient.freeDisk(),
    },
  }
}
