/** The standbys in other clouds, one row each: its state, and the newest look at it. Operations and the watch write it at the same time, so a state
 *  is changed only from the one in which its writer has read it, and a look never touches the state. */
import { failure } from '../contracts/failures'
import type { IsoInstant, OperationId } from '../contracts/operation'
import type { StandbyDisk, StandbyId, StandbyLook, StandbyRecord, StandbyState } from '../contracts/standby'
import type { LedgerDatabase } from './connect'
import { sealDocument, unsealDocument } from './digest'

export interface NewStandby extends StandbyId, Pick<StandbyRecord, 'instances' | 'names' | 'declared'> {
  readonly operation: OperationId
  readonly at: IsoInstant
}

/** Begins as `building`. Safe to repeat by the same operation, which is answered with what is held. Fails with STANDBY_EXISTS while there is one that is not
 *  gone. */
export async function openStandby(db: LedgerDatabase, standby: NewStandby): Promise<StandbyRecord> {
  const { source, target, operation, at, instances, names, declared } = standby
  const record: StandbyRecord = {
    ...{ version: 1, source, target, state: 'building', reason: null, since: at, operation },
    ...{ instances, names, declared, look: null },
  }
  const inserted = await db
    .insertInto('standbys')
    .values({ source, target, ...sealDocument(record) })
    .onConflict((conflict) => conflict.columns(['source', 'target']).doNothing())
    .executeTakeFirst()
  if (inserted.numInsertedOrUpdatedRows === 1n) return record
  return inTurn(db, standby, (held) => {
    if (held.state === 'gone') return record
    if (held.operation === operation) return held
    throw failure(
      'STANDBY_EXISTS',
      `${source} has a standby ${target} already, which is ${shown(held)}: remove it first, or seed it anew.`,
      { source, target, state: held.state },
    )
  })
}

export interface StandbyChange extends StandbyId, Partial<Pick<StandbyRecord, 'instances' | 'names' | 'declared'>> {
  /** In which its writer has read it. */
  readonly from: StandbyState
  readonly to: StandbyState
  /** One sentence; null where the state says it all. */
  readonly reason: string | null
  /** Null: the watch. */
  readonly operation: OperationId | null
  readonly at: IsoInstant
}

/** Safe to repeat: what stands there already is left as it is. The state may stay, with another reason. Fails with STANDBY_CHANGED when it is in another state than
 *  `from` by now, STANDBY_UNKNOWN. */
export async function changeStandby(db: LedgerDatabase, change: StandbyChange): Promise<StandbyRecord> {
  const { source, target, from, to, reason, operation, at, ...replaced } = change
  return inTurn(db, change, (held) => {
    if (held.state === to && held.reason === reason && held.operation === operation) return { ...held, ...replaced }
    if (held.state !== from)
      throw failure(
        'STANDBY_CHANGED',
        `The standby ${target} of ${source} is ${shown(held)} by now; it was ${from} when it was looked at, and cannot become ${to} from here: look again.`,
        { source, target, state: held.state, from, to },
      )
    return { ...held, ...replaced, state: to, reason, operation, since: held.state === to ? held.since : at }
  })
}

/** Keeps the newest: a look that comes late is left out. Says nothing of the state. Fails with STANDBY_UNKNOWN. */
export async function noteLook(db: LedgerDatabase, { look, ...id }: StandbyId & { readonly look: StandbyLook }): Promise<void> {
  await inTurn(db, id, (held) => (held.look !== null && held.look.at > look.at ? held : { ...held, look }))
}

/** Keeps the newest. Says nothing of the state. Fails with STANDBY_UNKNOWN. */
export async function noteDisk(db: LedgerDatabase, { disk, ...id }: StandbyId & { readonly disk: StandbyDisk }): Promise<void> {
  await inTurn(db, id, (held) => (held.disk !== undefined && held.disk.at > disk.at ? held : { ...held, disk }))
}

/** Null: there has never been one. */
export async function getStandby(db: LedgerDatabase, { source, target }: StandbyId): Promise<StandbyRecord | null> {
  const row = await db
    .selectFrom('standbys')
    .select(['digest', 'body'])
    .where('source', '=', source)
    .where('target', '=', target)
    .executeTakeFirst()
  return row === undefined ? null : (unsealDocument(row, `standby ${target} of ${source}`) as StandbyRecord)
}

/** By their names, those that are gone too. */
export async function listStandbys(db: LedgerDatabase): Promise<StandbyRecord[]> {
  const rows = await db
    .selectFrom('standbys')
    .select(['source', 'target', 'digest', 'body'])
    .orderBy('source')
    .orderBy('target')
    .execute()
  return rows.map((row) => unsealDocument(row, `standby ${row.target} of ${row.source}`) as StandbyRecord)
}

/** The row's lock makes its writers wait for each other, so that none overwrites what the other wrote. */
export async function inTurn(
  db: LedgerDatabase,
  { source, target }: StandbyId,
  next: (held: StandbyRecord) => StandbyRecord,
): Promise<StandbyRecord> {
  return await db.transaction().execute(async (tx) => {
    const row = await tx
      .selectFrom('standbys')
      .select(['digest', 'body'])
      .where('source', '=', source)
      .where('target', '=', target)
      .forUpdate()
      .executeTakeFirst()
    if (row === undefined) {
      const message = `The ledger holds no standby ${target} of ${source}: set it up with "capstan replicate".`
      throw failure('STANDBY_UNKNOWN', message, { source, target })
    }
    const record = next(unsealDocument(row, `standby ${target} of ${source}`) as StandbyRecord)
    const sealed = sealDocument(record)
    if (sealed.digest === row.digest) return record
    await tx
      .updateTable('standbys')
      .set({ ...sealed, updated_at: new Date() })
      .where('source', '=', source)
      .where('target', '=', target)
      .execute()
    return record
  })
}

function shown({ state, reason }: StandbyRecord): string {
  return reason === null ? state : `${state} (${reason})`
}
