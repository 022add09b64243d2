/** The cloud's refusal of too many requests, before anything is done. */
import { CALLS, type PlainKind, type Wording } from './acting'

export function throttle({ throttled }: Wording): PlainKind {
  return { ...CALLS, summary: throttled.says, before: () => throttled.error() }
}
