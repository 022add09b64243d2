/** Fencing epochs: one counter per lock scope, never reset. The same operation always gets the same epoch of a scope again. */
import { sql } from 'kysely'
import type { OperationId } from '../contracts/operation'
import type { LedgerDatabase } from './connect'

export interface EpochQuery {
  readonly scope: string
  readonly operation: OperationId
}

export async function nextEpoch(db: LedgerDatabase, q: EpochQuery): Promise<number> {
  return await db.transaction().execute(async (tx) => {
    await tx
      .insertInto('epoch_counters')
      .values({ scope: q.scope, last: 0 })
      .onConflict((conflict) => conflict.column('scope').doNothing())
      .execute()
    // The row's lock makes callers of one scope wait for each other, so none sees the other's half.
    await tx.selectFrom('epoch_counters').select('last').where('scope', '=', q.scope).forUpdate().executeTakeFirstOrThrow()
    const granted = await epochOf(tx, q)
    if (granted !== null) return granted
    const counter = await tx
      .updateTable('epoch_counters')
      .set({ last: sql<number>`last + 1` })
      .where('scope', '=', q.scope)
      .returning('last')
      .executeTakeFirstOrThrow()
    const epoch = Number(counter.last)
    await tx.insertInto('epochs').values({ scope: q.scope, epoch, operation: q.operation }).execute()
    return epoch
  })
}

export async function epochOf(db: LedgerDatabase, q: EpochQuery): Promise<number | null> {
  const row = await db
    .selectFrom('epochs')
    .select('epoch')
    .where('scope', '=', q.scope)
    .where('operation', '=', q.operation)
    .executeTakeFirst()
  return row === undefined ? null : Number(row.epoch)
}
