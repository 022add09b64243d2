/** Sequences are in no publication: their positions have to be carried over before the standby is written to. All of them, owned by a column or not, by
 *  what each says of itself. The highest value in a column is none of it: rows are deleted, and values are given that never become rows. */
import { failure } from '../../../contracts/failures'
import type { Finding } from '../../../contracts/operation'
import { quoteQualified } from '../../connect/quote'
import type { Session } from '../../connect/session'
import { carriedPosition, type SequencePosition, type SequenceShape } from './carried-value'

export interface SequenceRead extends SequenceShape, SequencePosition {
  readonly schema: string
  readonly name: string
  /** The role may set it. */
  readonly settable: boolean
}

export interface SequencesRead {
  readonly sequences: readonly SequenceRead[]
  /** By `"schema"."name"`: the role may not read where they stand. */
  readonly hidden: readonly string[]
}

interface ShapeRow extends Record<'increment' | 'min' | 'max', string> {
  readonly schema: string
  readonly name: string
  readonly cycles: boolean
  readonly readable: boolean
  readonly settable: boolean
}

/** Temporary ones end with their session, those of an extension are its own, and ours are ours. */
const SHAPES = `
  SELECT n.nspname::text AS schema, c.relname::text AS name, q.seqincrement::text AS increment, q.seqmin::text AS min, q.seqmax::text AS max,
         q.seqcycle AS cycles, has_sequence_privilege(c.oid, 'SELECT') AS readable, has_sequence_privilege(c.oid, 'UPDATE') AS settable
    FROM pg_sequence q JOIN pg_class c ON c.oid = q.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'capstan') AND c.relpersistence <> 't'
     AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
   ORDER BY n.nspname, c.relname`

/** Of one implicit transaction with what is asked, so that asking is one round trip: while writing moves nobody is served, and the other cloud is far. */
const LIMITS = `SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ ONLY;
  SET LOCAL search_path = pg_catalog; SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s';`

/** Each is a relation of its own, and one statement takes a lock on each that it names. */
const READ_AT_ONCE = 1_000
const SET_AT_ONCE = 1_000

/** What the sequences of a database are, without where they stand. */
export type SequenceShapes = readonly ShapeRow[]

const shapesOf = (session: Session, signal?: AbortSignal): Promise<SequenceShapes> =>
  session.query<ShapeRow>(`${LIMITS} ${SHAPES}`, [], { signal })

/** `shapes`: where they are known, and nobody can have changed them since. Throws ServerError, CONNECTION_LOST. */
export async function readSequences(session: Session, signal?: AbortSignal, shapes?: SequenceShapes): Promise<SequencesRead> {
  const all = shapes ?? (await shapesOf(session, signal))
  const sequences: SequenceRead[] = []
  for (const { some, name, sql } of statementsFor(all)) {
    const asked = planned.get(session)?.get(name) === sql ? `EXECUTE ${name}` : sql
    const rows = await session.query<{ at: number; last: string; called: boolean }>(`${LIMITS} ${asked}`, [], { signal })
    for (const { at, last, called } of rows) {
      const shape = some[at]
      if (shape !== undefined) sequences.push(toSequence(shape, { last: BigInt(last), isCalled: called }))
    }
  }
  const hidden = all.filter((shape) => !shape.readable).map(({ schema, name }) => quoteQualified(schema, name))
  return { sequences, hidden }
}

/** What each session has planned, by the statement's name. */
const planned = new WeakMap<Session, Map<string, string>>()

/** For a session that reads them once more when nobody is served: of a thousand sequences most of the time goes into planning. Where others are there by then, it is
 *  planned anew. Resolves to what there is. Throws ServerError, CONNECTION_LOST. */
export async function planSequences(session: Session, signal?: AbortSignal): Promise<SequenceShapes> {
  const known = planned.get(session) ?? new Map<string, string>()
  planned.set(session, known)
  const shapes = await shapesOf(session, signal)
  for (const { name, sql } of statementsFor(shapes)) {
    if (known.get(name) === sql) continue
    const forgotten = known.delete(name) ? `DEALLOCATE ${name}; ` : ''
    // asked for once: it is planned when it is first run
    await session.query(`${forgotten}${LIMITS} PREPARE ${name} AS ${sql}; EXECUTE ${name}`, [], { signal })
    known.set(name, sql)
  }
  return shapes
}

/** One for so many as are read at once. */
function statementsFor(shapes: SequenceShapes): { readonly some: SequenceShapes; readonly name: string; readonly sql: string }[] {
  const readable = shapes.filter((shape) => shape.readable)
  return inChunks(readable, READ_AT_ONCE).map((some, n) => ({ some, name: `capstan_sequences_${n}`, sql: positionsSql(some) }))
}

/** What a session has taken in advance (CACHE) counts as given: `last_value` is beyond it. */
function positionsSql(shapes: SequenceShapes): string {
  const each = shapes.map(
    ({ schema, name }, at) =>
      `SELECT ${at} AS at, last_value::text AS last, is_called AS called FROM ${quoteQualified(schema, name)}`,
  )
  return each.join(' UNION ALL ')
}

function toSequence({ schema, name, cycles, settable, ...numbers }: ShapeRow, position: SequencePosition): SequenceRead {
  const [increment, min, max] = [BigInt(numbers.increment), BigInt(numbers.min), BigInt(numbers.max)]
  return { schema, name, settable, increment, min, max, cycles, ...position }
}

export interface CarryInput {
  readonly source: SequencesRead
  /** Nobody may draw from its sequences meanwhile, and nothing that changes them be applied: a TRUNCATE that is replicated puts them back. */
  readonly standby: Session
  /** How many more values each may have given since `source` was read: none behind a fence. */
  readonly margin: number
  /** Of the standby, as `readSequences` takes them. */
  readonly shapes?: SequenceShapes | undefined
}

export interface SequencesCarried {
  /** Of the source's. */
  readonly sequences: number
  /** Those that did not stand there already. */
  readonly set: number
  /** `sequence-hidden`, `-missing`, `-not-settable`, `-backwards`: it was not carried; `-exhausted`, `-cycles`: it was. */
  readonly findings: readonly Finding[]
}

/** Sets the standby's sequences so that none gives what the source has given, or gives while `margin` lasts. Safe to repeat: none is put back. `setval`
 *  obeys no transaction, and needs none. Throws ServerError, CONNECTION_LOST. */
export async function carrySequences({ source, standby, margin, shapes }: CarryInput): Promise<SequencesCarried> {
  const there = await readSequences(standby, undefined, shapes)
  const known = new Map(there.sequences.map((one) => [quoteQualified(one.schema, one.name), one]))
  const findings: Finding[] = source.hidden.map((name) =>
    told('hidden', `The sequence ${name} may not be read on the source: GRANT SELECT on it.`),
  )
  const moves: { readonly name: string; readonly to: SequencePosition }[] = []
  for (const one of source.sequences) {
    const name = quoteQualified(one.schema, one.name)
    const other = known.get(name)
    if (other === undefined) {
      findings.push(
        there.hidden.includes(name)
          ? notSettable(name)
          : told('missing', `The sequence ${name} is not on the standby: create it there.`),
      )
      continue
    }
    const { kind, to, isExhausted } = carriedPosition({ source: one, standby: other, margin: BigInt(margin) })
    if (kind === 'backwards')
      findings.push(
        told(
          'backwards',
          `The sequence ${name} counts the other way on the standby, and would give again what was given: give it the source's INCREMENT.`,
        ),
      )
    if (kind === 'set' && !other.settable) findings.push(notSettable(name))
    if (kind === 'set' && other.settable) moves.push({ name, to })
    if (isExhausted) findings.push(exhausted(name, one, margin))
    if (other.cycles && !one.cycles)
      findings.push(
        told(
          'cycles',
          `The sequence ${name} begins anew on the standby once it has come to its end, and would give again what was given: ALTER SEQUENCE … NO CYCLE.`,
        ),
      )
  }
  for (const some of inChunks(moves, SET_AT_ONCE)) {
    await standby.query(SET, [
      some.map(({ name }) => name),
      some.map(({ to }) => String(to.last)),
      some.map(({ to }) => to.isCalled),
    ])
  }
  return { sequences: source.sequences.length + source.hidden.length, set: moves.length, findings }
}

const SET = `SELECT pg_catalog.setval(s.name::pg_catalog.regclass, s.last, s.called)
  FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::bigint[]), pg_catalog.unnest($3::boolean[])) AS s(name, last, called)`

function told(what: string, message: string): Finding {
  return { rule: `sequence-${what}`, message }
}

const notSettable = (name: string): Finding =>
  told('not-settable', `The sequence ${name} may not be set on the standby by this role: GRANT SELECT, UPDATE on it.`)

function exhausted(name: string, { last, increment, max, min }: SequenceRead, margin: number): Finding {
  const up = increment > 0n
  return told(
    'exhausted',
    `The sequence ${name} has no value left on the standby: its source stands at ${last}${margin === 0 ? '' : `, a margin of ${margin} comes on top`}, and it ends at ` +
      `${up ? max : min}. The next nextval() fails there: give it room on both sides, ALTER SEQUENCE … ${up ? 'MAXVALUE' : 'MINVALUE'}.`,
  )
}

function inChunks<T>(all: readonly T[], size: number): (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size))
}

/** Those that have come to their end are told by the watch, and stop nobody from moving. */
export function refuseUncarried(findings: readonly Finding[]): void {
  const uncarried = findings.filter(({ rule }) => rule !== 'sequence-exhausted')
  if (uncarried.length === 0) return
  const message = `Sequences cannot be carried over, and would give again what was given: ${uncarried.map((one) => one.message).join(' ')}`
  throw failure('DATABASE_REFUSED', message, { sequences: uncarried.length })
}
