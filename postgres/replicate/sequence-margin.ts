/** Where the sequences of a standby have to stand when its source cannot be asked. What is known of each: where it stands here, which is where a migration or an earlier
 *  crossing left it; the rows that came over and drew from it; and, where no column draws from it, what was seen on the source last. A margin comes on top, for
 *  what was given since. */
import { quoteIdentifier, quoteQualified } from '../connect/quote'
import { inTransaction, type Session } from '../connect/session'
import { readSequences, type SequenceRead, type SequencesRead } from './watch/sequences'

export interface SequenceTarget {
  /** `"schema"."name"`. */
  readonly name: string
  /** A bigint as text: the last one that counts as given. */
  readonly last: string
}

export interface SequenceTargets {
  readonly targets: readonly SequenceTarget[]
  /** No column draws from them, and nobody saw them: what is set is a guess. */
  readonly unseen: readonly string[]
  /** The role may not read or set them. */
  readonly hidden: readonly string[]
  /** No value is left after the margin. */
  readonly exhausted: readonly string[]
}

/** By `"schema"."name"`, as text. */
export type SeenSequences = Readonly<Record<string, string>>

interface Drawn {
  readonly sequence: string
  readonly schema: string
  readonly table: string
  readonly column: string
}

/** Owned by a column, or named in its default. */
const DRAWN = `
  SELECT DISTINCT pg_catalog.format('%s.%s', '"' || replace(sn.nspname, '"', '""') || '"', '"' || replace(s.relname, '"', '""') || '"') AS sequence,
         tn.nspname::text AS schema, t.relname::text AS table, a.attname::text AS column
    FROM pg_catalog.pg_class s JOIN pg_catalog.pg_namespace sn ON sn.oid = s.relnamespace
    JOIN (SELECT d.objid AS sequence, d.refobjid AS relation, d.refobjsubid AS attribute FROM pg_catalog.pg_depend d
           WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
             AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
          UNION
          SELECT d.refobjid, f.adrelid, f.adnum FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attrdef f ON f.oid = d.objid
           WHERE d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass) u ON u.sequence = s.oid
    JOIN pg_catalog.pg_class t ON t.oid = u.relation AND t.relkind IN ('r', 'p') JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = u.attribute AND NOT a.attisdropped
    JOIN pg_catalog.pg_type y ON y.oid = a.atttypid AND y.typcategory = 'N'
   WHERE s.relkind = 'S' ORDER BY 1, 2, 3, 4`

/** Which sequences no column draws from, and where each stands: what has to be seen while the source lives. Reads only. */
export async function undrawnSequences(source: Session, max: number): Promise<SeenSequences> {
  const drawn = new Set((await source.query<Drawn>(DRAWN)).map(({ sequence }) => sequence))
  const { sequences } = await readSequences(source)
  const undrawn = sequences.map((one) => [quoteQualified(one.schema, one.name), String(one.last)] as const)
  return Object.fromEntries(undrawn.filter(([name]) => !drawn.has(name)).slice(0, max))
}

/** As who may read the tables. Reads only. Throws ServerError (57014: a column took too long), CONNECTION_LOST. */
export async function sequenceTargets(standby: Session, seen: SeenSequences, margin: number): Promise<SequenceTargets> {
  const read: SequencesRead = await readSequences(standby)
  const drawn = await standby.query<Drawn>(DRAWN)
  const found = { targets: [] as SequenceTarget[], unseen: [] as string[], hidden: [...read.hidden], exhausted: [] as string[] }
  for (const one of read.sequences) {
    const name = quoteQualified(one.schema, one.name)
    const columns = drawn.filter(({ sequence }) => sequence === name)
    if (!one.settable) {
      found.hidden.push(name)
      continue
    }
    const known = [await farthest(standby, one, columns), seen[name] === undefined ? null : BigInt(seen[name])]
    if (columns.length === 0 && seen[name] === undefined) found.unseen.push(name)
    const { last, isExhausted } = marginPosition(one, known, BigInt(margin))
    found.targets.push({ name, last: String(last) })
    if (isExhausted) found.exhausted.push(name)
  }
  return found
}

async function farthest(standby: Session, { increment }: SequenceRead, columns: readonly Drawn[]): Promise<bigint | null> {
  const values: bigint[] = []
  for (const { schema, table, column } of columns) {
    const end = increment > 0n ? 'max' : 'min'
    const [row] = await inTransaction(
      standby,
      async () => {
        await standby.execute(`SET LOCAL statement_timeout = '60s'; SET LOCAL lock_timeout = '5s'`)
        return standby.query<{ value: string | null }>(
          `SELECT ${end === 'max' ? 'floor' : 'ceil'}(${end}(${quoteIdentifier(column)})::numeric)::text AS value FROM ${quoteQualified(schema, table)}`,
        )
      },
      'BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY',
    )
    if (row?.value != null) values.push(BigInt(row.value))
  }
  return values.length === 0 ? null : values.reduce((far, one) => (increment > 0n === one > far ? one : far))
}

/** Pure. Never behind where it stands; never beyond its end. A column may hold what was not drawn, as a hand gave it, beyond the end: then it counts for nothing. One
 *  that begins anew by its own declaration has no place that is beyond another: it stays within its bounds. */
export function marginPosition(
  { last, increment, min, max }: Pick<SequenceRead, 'last' | 'increment' | 'min' | 'max'>,
  known: readonly (bigint | null)[],
  margin: bigint,
): { readonly last: bigint; readonly isExhausted: boolean } {
  const up = increment > 0n
  const [low, high] = [min, max]
  const counted = known.filter((one): one is bigint => one !== null && one >= low && one <= high)
  const from = counted.reduce((far, one) => (up === one > far ? one : far), last)
  const to = from + margin * increment
  const end = up ? high : low
  const isExhausted = up ? to + increment > end : to + increment < end
  return { last: up ? (to > end ? end : to) : to < end ? end : to, isExhausted }
}

/** Safe to repeat: none is put back. `setval` obeys no transaction. As who may set them. */
export async function advanceSequences(standby: Session, targets: readonly SequenceTarget[]): Promise<number> {
  const { sequences } = await readSequences(standby)
  const there = new Map(sequences.map((one) => [quoteQualified(one.schema, one.name), one]))
  const moves = targets.filter(({ name, last }) => {
    const now = there.get(name)
    if (now === undefined) return false
    const to = BigInt(last)
    return to === now.last ? !now.isCalled : now.increment > 0n === to > now.last
  })
  for (let at = 0; at < moves.length; at += 500) {
    const some = moves.slice(at, at + 500)
    await standby.query(
      'SELECT pg_catalog.setval(s.name::pg_catalog.regclass, s.last, true) FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::bigint[])) AS s(name, last)',
      [some.map(({ name }) => name), some.map(({ last }) => last)],
    )
  }
  return moves.length
}
