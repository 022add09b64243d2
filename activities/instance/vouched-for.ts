/** What a copy could do before it is inert, where its cloud starts it with its source's settings. */
import type { Inertness } from '../../clouds/capabilities'
import type { InstanceDescription } from '../../clouds/port'
import { failure } from '../../contracts/failures'

/** What an instance did at a moment that is over can be asked of nobody: its catalogs tell of now. Fails with CANARY_NOT_INERT unless a person
 *  vouches for that moment. */
export function assertVouchedFor(
  { name, cloud }: Pick<InstanceDescription, 'name' | 'cloud'>,
  inertCopy: Inertness,
  wasDormant: boolean,
): void {
  if (inertCopy === 'before-first-start' || wasDormant) return
  throw failure(
    'CANARY_NOT_INERT',
    `On ${cloud} the copy of ${name} runs for minutes with its source's settings of that moment before it is inert: enabled subscriptions would take their ` +
      `publishers' slots, and pg_cron would run its jobs. Nothing was changed; if you know that ${name} had neither at that moment, say so with --was-dormant.`,
    { instance: name },
  )
}
