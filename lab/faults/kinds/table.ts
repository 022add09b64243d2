/** Kind → what it does, in the words of one cloud. A kind that is not here cannot be ordered. */
import type { ActingKind, Wording } from './acting'
import { BREAK_PROMOTION, breakPromotion } from './break-promotion'
import { busyTail } from './busy-tail'
import { crashInstance } from './crash-instance'
import { cutNetwork } from './cut-network'
import { damageBackup } from './damage-backup'
import { delay } from './delay'
import { deliverTwice } from './deliver-twice'
import { dropResponse } from './drop-response'
import { fail } from './fail'
import { failOperation } from './fail-operation'
import { fillDisk } from './fill-disk'
import { freezeInstance } from './freeze-instance'
import { hang } from './hang'
import { LINGER, linger } from './linger'
import { CUT_LINK, cutLink, SLOW_LINK, slowLink } from './link'
import { loseWal } from './lose-wal'
import { maintenanceStart } from './maintenance-start'
import { slowDisk } from './slow-disk'
import { staleReads } from './stale-reads'
import { STOP_SHORT, stopShort } from './stop-short'
import { throttle } from './throttle'

export type FaultTable<State> = Readonly<Record<string, ActingKind<State>>>

export function faultTable<State>(wording: Wording): FaultTable<State> {
  return {
    [BREAK_PROMOTION]: breakPromotion,
    'busy-tail': busyTail(wording),
    'crash-instance': crashInstance,
    [CUT_LINK]: cutLink,
    'cut-network': cutNetwork,
    'damage-backup': damageBackup,
    delay,
    'deliver-twice': deliverTwice,
    'drop-response': dropResponse,
    fail: fail(wording),
    'fail-operation': failOperation(wording),
    'fill-disk': fillDisk(wording),
    'freeze-instance': freezeInstance,
    hang,
    [LINGER]: linger,
    'lose-wal': loseWal,
    'maintenance-start': maintenanceStart,
    'slow-disk': slowDisk,
    [SLOW_LINK]: slowLink,
    'stale-reads': staleReads(wording),
    [STOP_SHORT]: stopShort,
    throttle: throttle(wording),
  }
}
