/** Removals under a policy that asks for our tag: what is gone has no tags, so that IAM refuses the SDK's own repeat of a removal whose answer was lost,
 *  where RDS would say that there is nothing to remove. */
import { errorName } from './failures'

/** @throws the error, unless it refuses access to what `isThere` does not find any more. */
export async function unlessGone(error: unknown, isThere: () => Promise<boolean>): Promise<void> {
  if (!errorName(error).startsWith('AccessDenied') || (await isThere())) throw error
}
