/** That nobody's credentials were found, which is told apart from a cloud that does not answer: a worker's may come back, a person has to do
 *  something. Set by `failures.ts` of each cloud, so that whoever sees the failure need not know the vendor's words. */
import { Failure, type FailureFacts } from '../contracts/failures'

/** Where the vendor's library looks by itself there were none; the call was not made. */
export const NO_CREDENTIALS = { credentials: 'none' } as const satisfies FailureFacts

export function isWithoutCredentials(error: unknown): error is Failure & { readonly facts: typeof NO_CREDENTIALS } {
  return error instanceof Failure && error.facts.credentials === NO_CREDENTIALS.credentials
}
