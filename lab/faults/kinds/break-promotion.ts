/** A promotion or a switchover comes apart on the way, as when the connection to the server that takes over breaks: what has happened by
 *  then has happened, and whoever carries it out has to find out what that is. */
import { oneOf } from '../kind'
import type { PlainKind } from './acting'

export const BREAK_PROMOTION = 'break-promotion'

/** `marked`: of a switchover, once the old writer is stopped and is none any more; `before`: the new one follows still; `after`: it
 *  writes. */
const MOMENTS = ['marked', 'before', 'after'] as const

export const breakPromotion: PlainKind = {
  strikes: 'promotions',
  operations: null,
  times: 1,
  takesDelay: true,
  summary:
    'making --instance a writer fails at --moment: marked (in a switchover, the old writer is stopped), before or after it writes',
  settings: { moment: oneOf(MOMENTS, 'before') },
}
