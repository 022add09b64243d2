/** Whether the source could follow the standby, once writing has moved there. */
import { typeable } from '../../health/words'
import { wayBackSince } from '../way-back'
import type { Look } from './check'
import { subscribing } from './subscribing'

const SETTINGS = `
  SELECT current_setting('wal_level') AS "walLevel", current_setting('max_logical_replication_workers')::int AS workers,
         current_setting('max_replication_slots')::int AS slots, current_setting('max_wal_senders')::int AS senders`

interface Settings extends Record<string, unknown> {
  readonly walLevel: string
  readonly workers: number
  readonly slots: number
  readonly senders: number
}

/** One sentence; null: it could. */
export async function noWayBack({ source, standby }: Look): Promise<string | null> {
  const needed = wayBackSince(source.versionNum)
  const major = Math.floor(source.versionNum / 10_000)
  if (source.versionNum >= 160_000 && source.versionNum < needed)
    return `the source is PostgreSQL ${major}.${source.versionNum % 10_000}, and before ${major}.${needed % 10_000} a limit of connections keeps out whoever applies what comes back.`
  if (source.versionNum < 160_000)
    return `the source is PostgreSQL ${major}, and only from 16 on a subscription can leave out what came from the other side (origin = none).`
  const { may, shown, shownDatabase, creates } = await subscribing(source)
  if (may === 'no') return `${typeable(shown)} may not subscribe on the source (pg_create_subscription).`
  if (!creates)
    return `${typeable(shown)} may create nothing in the source's database ${typeable(shownDatabase)}, so not subscribe.`
  const [there] = await standby.query<Settings>(SETTINGS)
  if (there === undefined) throw new Error('the standby does not say how it is set')
  if (there.walLevel !== 'logical') return `wal_level of the standby is ${there.walLevel}, and it would have to be logical.`
  if (there.slots === 0 || there.senders === 0) return 'the standby has no replication slots or no senders at all.'
  const [here] = await source.query<Settings>(SETTINGS)
  return here?.workers === 0 ? 'max_logical_replication_workers of the source is 0.' : null
}
