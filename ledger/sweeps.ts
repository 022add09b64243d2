/** What the newest search for orphans came to, for each place. */
import type { PlaceId, Sweep } from '../contracts/orphans'
import type { LedgerDatabase } from './connect'
import { sealDocument, unsealDocument } from './digest'

/** Takes the place of the one before. */
export async function putSweep(db: LedgerDatabase, sweep: Sweep): Promise<void> {
  const sealed = sealDocument(sweep)
  await db
    .insertInto('sweeps')
    .values({ place: sweep.place, ...sealed })
    .onConflict((conflict) => conflict.column('place').doUpdateSet({ ...sealed, updated_at: new Date() }))
    .execute()
}

/** Null: none has ended yet. */
export async function getSweep(db: LedgerDatabase, place: PlaceId): Promise<Sweep | null> {
  const row = await db.selectFrom('sweeps').select(['digest', 'body']).where('place', '=', place).executeTakeFirst()
  return row === undefined ? null : (unsealDocument(row, `sweep of ${place}`) as Sweep)
}
