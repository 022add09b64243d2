/** One request that arrives twice, as when a network repeats it: both are carried out, and the caller hears of one. A call that is refused the first time is not struck.
 *  With a delay the second comes long after the first was answered, when nobody thinks of it any more. */
import { oneOf } from '../kind'
import { CALLS, type PlainKind } from './acting'

export const deliverTwice: PlainKind = {
  ...CALLS,
  summary: 'the call arrives twice, the second time after --delay; the caller gets the answer that --heard names',
  settings: { heard: oneOf(['first', 'second'], 'first') },
  arrivesAgain: true,
}
