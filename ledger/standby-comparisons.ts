/** What comparisons of a standby with its source tell, in the standby's row, and how far the one is that is under way, beside it: looks read the row every few
 *  seconds. */
import type { IsoInstant } from '../contracts/operation'
import type { ComparisonTold, DifferingTable, StandbyComparisons, StandbyId, StandbyRecord } from '../contracts/standby'
import type { LedgerDatabase } from './connect'
import { sealDocument, unsealDocument } from './digest'
import { inTurn } from './standbys'

export type ComparisonNote =
  /** It is to be compared from now on. */
  | { readonly kind: 'awaited'; readonly at: IsoInstant }
  /** Somebody asks for one. */
  | { readonly kind: 'asked'; readonly at: IsoInstant }
  /** Nothing where one is under way. */
  | { readonly kind: 'begun'; readonly at: IsoInstant }
  /** Of the one that began at `since`; nothing where that is over. */
  | { readonly kind: 'under-way'; readonly since: IsoInstant; readonly tables: number; readonly tablesDone: number }
  | { readonly kind: 'ended'; readonly since: IsoInstant; readonly told: ComparisonTold }
  /** By an operation that has copied rows. `table`: that one alone; null: all of them. */
  | { readonly kind: 'seeded'; readonly told: ComparisonTold; readonly table: string | null }

/** Safe to repeat. Says nothing of the state. Fails with STANDBY_UNKNOWN. */
export async function noteComparison(
  db: LedgerDatabase,
  { source, target, note }: StandbyId & { readonly note: ComparisonNote },
): Promise<StandbyRecord> {
  return inTurn(db, { source, target }, (held) => {
    const compared = noted(held.compared, note)
    return compared === held.compared || compared === undefined ? held : { ...held, compared }
  })
}

const beginningAt = (since: IsoInstant): StandbyComparisons => ({
  ...{ since, askedAt: null, running: null, last: null, equalAt: null },
})

/** What is held where nothing changes. */
function noted(held: StandbyComparisons | undefined, note: ComparisonNote): StandbyComparisons | undefined {
  switch (note.kind) {
    case 'awaited':
      return held ?? beginningAt(note.at)
    case 'asked':
      return { ...(held ?? beginningAt(note.at)), askedAt: note.at }
    case 'begun': {
      const now = held ?? beginningAt(note.at)
      if (now.running !== null) return held
      return { ...now, askedAt: null, running: { since: note.at, tables: 0, tablesDone: 0 } }
    }
    case 'under-way': {
      if (held?.running?.since !== note.since) return held
      const { since, tables, tablesDone } = note
      return { ...held, running: { since, tables, tablesDone } }
    }
    case 'ended':
      return held?.running?.since === note.since ? concluded({ ...held, running: null }, note.told) : held
    case 'seeded': {
      // what was under way looked at rows that are gone; of the other tables it has to be done again, as somebody may wait for it
      const before = held ?? beginningAt(note.told.startedAt)
      const now = { ...before, running: null }
      if (note.table === null) return concluded(now, note.told)
      const asked = before.running === null ? now : { ...now, askedAt: now.askedAt ?? note.told.endedAt }
      return withOneTable(asked, note.told, note.table)
    }
  }
}

function concluded(held: StandbyComparisons, told: ComparisonTold): StandbyComparisons {
  return { ...held, last: told, equalAt: told.verdict === 'equal' ? told.startedAt : held.equalAt }
}

/** One that is equal now is no difference any more. That all are equal takes a comparison of all, which is due then. */
function withOneTable(held: StandbyComparisons, told: ComparisonTold, table: string): StandbyComparisons {
  const { last } = held
  if (last === null || told.verdict !== 'equal') return held
  const differing = last.differing.filter((one: DifferingTable) => one.table !== table)
  if (differing.length === last.differing.length) return held
  const tablesDiffering = last.tablesDiffering - 1
  const verdict = tablesDiffering > 0 ? last.verdict : 'inconclusive'
  const askedAt = tablesDiffering > 0 ? held.askedAt : told.endedAt
  return { ...held, askedAt, last: { ...last, verdict, differing, tablesDiffering } }
}

/** Takes the place of the one before. The document is whoever compares' own, as plain JSON. */
export async function putComparison(
  db: LedgerDatabase,
  { source, target, document }: StandbyId & { readonly document: unknown },
): Promise<void> {
  const sealed = sealDocument(document)
  await db
    .insertInto('standby_comparisons')
    .values({ source, target, ...sealed })
    .onConflict((conflict) => conflict.columns(['source', 'target']).doUpdateSet({ ...sealed, updated_at: new Date() }))
    .execute()
}

/** Null: there is none. Perhaps of another version of this program. */
export async function getComparison(db: LedgerDatabase, { source, target }: StandbyId): Promise<unknown> {
  const row = await db
    .selectFrom('standby_comparisons')
    .select(['digest', 'body'])
    .where('source', '=', source)
    .where('target', '=', target)
    .executeTakeFirst()
  return row === undefined ? null : unsealDocument(row, `comparison of ${target} with ${source}`)
}
