/** What no row tells: what an instance has besides its data that a copy of an earlier moment does not have, or has twice. */
import { Failure } from '../../contracts/failures'
import type { Session } from '../../postgres/connect/session'
import { readOrigin } from '../../postgres/replicate/seeding'

type Side = (database: string) => Promise<Session>

/** Each a sentence. */
export async function caveatsOf(sides: { live: Side; copy: Side }, database: string): Promise<string[]> {
  const [slots, subscriptions, followed] = await Promise.all([
    slotsOf(sides.live, database),
    enabledSubscriptions(sides.copy, database),
    followedBy(sides.copy, database),
  ])
  return [
    ...(slots.length === 0
      ? []
      : [
          `Logical replication slots of the instance that the replacement does not have: ${slots.join(', ')}. What reads from them has to begin anew.`,
        ]),
    ...(subscriptions === 0
      ? []
      : [
          `The copy has ${subscriptions} enabled subscription${subscriptions === 1 ? '' : 's'}: what publishers sent to the instance since that moment they do not send again.`,
        ]),
    ...(followed === null
      ? []
      : [
          `The copy is of a moment at which it followed ${followed}: it turns away whoever writes, and stops its next migration. As soon as it may act, and before applications are led there, as its migrator: DELETE FROM capstan.standby_origin; DELETE FROM capstan.standby_bound; ALTER TABLE capstan.schema_line DROP CONSTRAINT IF EXISTS schema_line_bound.`,
        ]),
    'Sequences go on from that moment: numbers that were given out since are given out once more.',
  ]
}

async function slotsOf(live: Side, database: string): Promise<string[]> {
  const session = await live(database)
  const rows = await session
    .query<{ name: string }>(
      `SELECT slot_name::text AS name FROM pg_catalog.pg_replication_slots WHERE slot_type = 'logical' ORDER BY 1`,
    )
    .finally(() => session.close())
  return rows.map(({ name }) => name)
}

/** In whatever database: those that take their publishers' slots as soon as the copy may act. */
export async function enabledSubscriptions(copy: Side, database: string): Promise<number> {
  const session = await copy(database)
  const [row] = await session
    .query<{ count: number }>('SELECT count(*) AS count FROM pg_catalog.pg_subscription WHERE subenabled')
    .finally(() => session.close())
  return Number(row?.count ?? 0)
}

/** By whose mark it is a standby still; null: by nobody's, or the schema of that name is somebody else's. */
async function followedBy(copy: Side, database: string): Promise<string | null> {
  const session = await copy(database)
  try {
    const [may] = await session.query<{ read: boolean }>(
      `SELECT coalesce(has_table_privilege(to_regclass('capstan.standby_origin'), 'SELECT'), false) AS read`,
    )
    return may?.read === true ? ((await readOrigin(session))?.source ?? null) : null
  } catch (error) {
    if (error instanceof Failure && error.code === 'CONTROL_SCHEMA_FOREIGN') return null
    throw error
  } finally {
    await session.close()
  }
}
