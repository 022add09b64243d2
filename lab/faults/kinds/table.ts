/** Kind → what it does, in the words of one cloud. A kind that is not here cannot be ordered. */
import type { ActingKind, Wording } from './acting'
import { busyTail } from './busy-tail'
import { crashInstance } from './crash-instance'
import { cutNetwork } from './cut-network'
import { delay } from './delay'
import { dropResponse } from './drop-response'
import { fail } from './fail'
import { failOperation } from './fail-operation'
import { fillDisk } from './fill-disk'
import { freezeInstance } from './freeze-instance'
import { hang } from './hang'
import { staleReads } from './stale-reads'
import { throttle } from './throttle'

export type FaultTable<State> = Readonly<Record<string, ActingKind<State>>>

export function faultTable<State>(wording: Wording): FaultTable<State> {
  return {
    'busy-tail': busyTail(wording),
    'crash-instance': crashInstance,
    'cut-network': cutNetwork,
    delay,
    'drop-response': dropResponse,
    fail: fail(wording),
    'fail-operation': failOperation(wording),
    'fill-disk': fillDisk(wording),
    'freeze-instance': freezeInstance,
    hang,
    'stale-reads': staleReads(wording),
    throttle: throttle(wording),
  }
}
