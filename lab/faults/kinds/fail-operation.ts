/** The call is accepted, and what it promised ends badly, in the state that the cloud has for that. A call that is refused is not struck. */
import { CALLS, type PlainKind, type Wording } from './acting'

export function failOperation({ promises }: Wording): PlainKind {
  return {
    ...CALLS,
    summary: 'the call is accepted, and what it promised ends as failed',
    operations: promises,
    failsPromise: true,
  }
}
