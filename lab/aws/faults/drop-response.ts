/** Acts, then closes the connection without an answer. A call that is refused is not struck. */
import { type AwsFaultKind, CALLS } from './kind'

export const dropResponse: AwsFaultKind = {
  ...CALLS,
  summary: 'the call is carried out, and the connection is cut instead of an answer',
  dropsAnswer: true,
}
