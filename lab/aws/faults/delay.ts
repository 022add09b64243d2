/** The call waits before it is carried out. */
import { type AwsFaultKind, CALLS } from './kind'

export const delay: AwsFaultKind = {
  ...CALLS,
  summary: 'the call waits for the time that --delay names, then it is carried out',
  before: () => undefined,
}
