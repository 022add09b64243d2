/** Kind → what it does in simulated RDS. A kind that is not here cannot be ordered. */
import { busyTail } from './busy-tail'
import { crashInstance } from './crash-instance'
import { cutNetwork } from './cut-network'
import { delay } from './delay'
import { dropResponse } from './drop-response'
import { fail } from './fail'
import { failOperation } from './fail-operation'
import { freezeInstance } from './freeze-instance'
import type { AwsFaultKind } from './kind'
import { staleReads } from './stale-reads'
import { throttle } from './throttle'

export const AWS_FAULTS: Readonly<Record<string, AwsFaultKind>> = {
  'busy-tail': busyTail,
  'crash-instance': crashInstance,
  'cut-network': cutNetwork,
  delay,
  'drop-response': dropResponse,
  fail,
  'fail-operation': failOperation,
  'freeze-instance': freezeInstance,
  'stale-reads': staleReads,
  throttle,
}
