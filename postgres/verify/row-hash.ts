/** A row as one 64-bit number, the same on every server for the same values and for nothing else but by chance.
 *
 *  PostgreSQL's own hashes follow equality and fold: 1 and 4294967296, 5 and -5, 1.0 and 1.00, a month and 30 days are the same to them, and
 *  since `hash_record_extended` is a linear sum over columns, two rows that swapped a value leave a table's sum as it was two times in three
 *  (docs/decisions/0012). So only types that hash all their bytes go in as they are; every other goes in as PostgreSQL's binary form, which
 *  depends on no setting and no machine, or as text where that form holds oids; and the record's hash is hashed once more. */
import { type CatalogColumn, columnText } from './catalog'

/** Hash every byte, or are a bijection of it: equal hashes mean equal values. Text too, in the same encoding under a deterministic
 *  collation. */
const WHOLE = new Set(['boolean', 'smallint', 'integer', 'oid', '"char"', 'date', 'uuid', 'bytea'])
const WHOLE_TEXT = new Set(['text', 'character varying'])

/** How both sides' columns of one name are told: as they are, in binary form, or as text. */
export type Form = 'whole' | 'binary' | 'text'

/** `sameEncoding`: of the two servers. Different types are told as text, which is what they have in common. */
export function formOf(source: CatalogColumn, target: CatalogColumn, sameEncoding: boolean): Form {
  if (source.base !== target.base || source.send === null || source.send !== target.send) return 'text'
  if (WHOLE.has(source.base)) return 'whole'
  const deterministic = source.collation?.deterministic === true && target.collation?.deterministic === true
  return WHOLE_TEXT.has(source.base) && sameEncoding && deterministic ? 'whole' : 'binary'
}

export interface FormedColumn {
  readonly column: CatalogColumn
  readonly form: Form
}

/** SQL of the hash, an int8 that is never NULL, over a row `t` of the table. */
export function rowHash(columns: readonly FormedColumn[]): string {
  const texts = columns.filter(({ form }) => form === 'text')
  const pieces = columns.filter(({ form }) => form !== 'text').map(piece)
  // The output functions themselves, by a record's: a cast to text may be somebody's own, or lose blanks.
  if (texts.length > 0) pieces.push(`textsend(ROW(${texts.map(({ column }) => columnText(column)).join(', ')})::text)`)
  return mixed(`hash_record_extended(ROW(${pieces.join(', ')}), 0::bigint)`)
}

/** Without it, sums over many rows would still be sums over each column. */
const mixed = (hash: string): string => `hash_record_extended(ROW(int8send(${hash})), 1::bigint)`

function piece({ column, form }: FormedColumn): string {
  const text = column.type === column.base ? columnText(column) : `CAST(${columnText(column)} AS ${column.base})`
  return form === 'whole' ? text : `${column.send}(${text})`
}
