/** The call waits before it is carried out. */
import { CALLS, type PlainKind } from './acting'

export const delay: PlainKind = {
  ...CALLS,
  summary: 'the call waits for the time that --delay names, then it is carried out',
  before: () => undefined,
}
