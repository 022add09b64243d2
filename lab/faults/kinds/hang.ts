/** The call gets no answer as long as the fault stands: until it is taken back or expires. Then it is carried out, whoever still waits for it:
 *  what a client has given up on may take effect long afterwards. */
import { CALLS, type PlainKind } from './acting'

export const hang: PlainKind = {
  ...CALLS,
  summary:
    'the call waits until the fault is taken back or expires, then it is carried out, also when nobody waits for it any more',
  takesDelay: false,
  holds: true,
}
