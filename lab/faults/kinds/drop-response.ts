/** Acts, then closes the connection without an answer. A call that is refused is not struck. */
import { CALLS, type PlainKind } from './acting'

export const dropResponse: PlainKind = {
  ...CALLS,
  summary: 'the call is carried out, and the connection is cut instead of an answer',
  dropsAnswer: true,
}
