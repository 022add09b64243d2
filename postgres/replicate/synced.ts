/** When what a subscription has applied is on its server's disk, and is confirmed to the source: by default once the log's writer comes round, up to a fifth of a
 *  second later, and with `synchronous_commit = on` at once. Its worker hears of it without a new start. docs/decisions/0028-guests-of-a-fence.md. */
import { failure } from '../../contracts/failures'
import { quoteIdentifier } from '../connect/quote'
import type { Session } from '../connect/session'
import { behindFence } from './behind-fence'
import type { NamedSubscription } from './subscription'

const SYNCED = ['off', 'local', 'remote_write', 'remote_apply', 'on'] as const
export type Synced = (typeof SYNCED)[number]

/** Throws DATABASE_REFUSED where there is no such subscription. */
export async function readSynced(standby: Session, name: string): Promise<Synced> {
  const [row] = await standby.query<{ synced: string }>(
    `SELECT s.subsynccommit AS synced FROM pg_catalog.pg_subscription s
      WHERE s.subname = $1 AND s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())`,
    [name],
  )
  const { host, database } = standby.endpoint
  if (row === undefined) {
    const message = `There is no subscription ${name} in ${database} on ${host}: somebody has removed it.`
    throw failure('DATABASE_REFUSED', message, { host, database, subscription: name })
  }
  const known = SYNCED.find((one) => one === row.synced)
  if (known === undefined) throw new Error(`synchronous_commit of ${name} is ${row.synced}`)
  return known
}

/** Safe to repeat. Throws FENCED_OFF, NOT_READY_YET for a lock that others hold. */
export async function setSynced(standby: Session, input: NamedSubscription & { readonly to: Synced }): Promise<void> {
  await behindFence(standby, input, 'it has to own the subscription', async () => {
    await standby.execute(`ALTER SUBSCRIPTION ${quoteIdentifier(input.name)} SET (synchronous_commit = ${input.to})`)
  })
}
