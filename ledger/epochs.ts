/** Fencing epochs: one counter per lock scope, never reset. The same operation gets the same epoch of a scope again. */
import { sql } from 'kysely'
import type { OperationId } from '../contracts/operation'
import type { LedgerDatabase } from './connect'

export interface EpochQuery {
  readonly scope: string
  readonly operation: OperationId
}

/** The operation's epoch of the scope: the one it already has, or the next. With `above`, one that is higher than that: a database that was
 *  restored from elsewhere, or whose ledger is new, may stand behind a higher fence than this counter knows. */
export async function nextEpoch(db: LedgerDatabase, q: EpochQuery & { readonly above?: number }): Promise<number> {
  const above = q.above ?? 0
  return await db.transaction().execute(async (tx) => {
    await tx
      .insertInto('epoch_counters')
      .values({ scope: q.scope, last: 0 })
      .onConflict((conflict) => conflict.column('scope').doNothing())
      .execute()
    // The row's lock makes callers of one scope wait for each other, so none sees the other's half.
    await tx.selectFrom('epoch_counters').select('last').where('scope', '=', q.scope).forUpdate().executeTakeFirstOrThrow()
    const granted = await epochOf(tx, q)
    if (granted !== null && granted > above) return granted
    const counter = await tx
      .updateTable('epoch_counters')
      .set({ last: sql<number>`greatest(last, ${above}) + 1` })
      .where('scope', '=', q.scope)
      .returning('last')
      .executeTakeFirstOrThrow()
    const epoch = Number(counter.last)
    if (granted !== null)
      await tx.deleteFrom('epochs').where('scope', '=', q.scope).where('operation', '=', q.operation).execute()
    await tx.insertInto('epochs').values({ scope: q.scope, epoch, operation: q.operation }).execute()
    return epoch
  })
}

async function epochOf(db: LedgerDatabase, q: EpochQuery): Promise<number | null> {
  const row = await db
    .selectFrom('epochs')
    .select('epoch')
    .where('scope', '=', q.scope)
    .where('operation', '=', q.operation)
    .executeTakeFirst()
  return row === undefined ? null : Number(row.epoch)
}
