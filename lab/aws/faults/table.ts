/** Kind → what it does in simulated RDS. A kind that is not here cannot be ordered. */
import { busyTail } from './busy-tail'
import { delay } from './delay'
import { dropResponse } from './drop-response'
import { fail } from './fail'
import { failOperation } from './fail-operation'
import type { AwsFaultKind } from './kind'
import { staleReads } from './stale-reads'
import { throttle } from './throttle'

export const AWS_FAULTS: Readonly<Record<string, AwsFaultKind>> = {
  'busy-tail': busyTail,
  delay,
  'drop-response': dropResponse,
  fail,
  'fail-operation': failOperation,
  'stale-reads': staleReads,
  throttle,
}
