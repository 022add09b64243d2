/** What a file means for standbys of the database it changes, and why it may not be carried over. Rows come to a standby by themselves; the schema is brought,
 *  at the line that the file leaves in what comes. So a file is schema, or rows, or schema and then rows. Nothing is split by us: what ran has to be a file that
 *  somebody can read. docs/decisions/0035-migrations-and-standbys.md. */
import { failure } from '../../contracts/failures'
import type { StandbyStatement } from './standby-statement'

/** `schema`: with a line; `mixed`: with a line, the schema and then rows; `rows`: never run on a standby; `free`: without a line, run on both while changes
 *  come in (CONCURRENTLY, VACUUM, REINDEX; also a file that changes nothing that lasts). */
export type StandbyClass = 'schema' | 'rows' | 'free' | 'mixed'

export interface StandbyRefusal {
  /** 1-based, in the file. */
  readonly line: number
  /** What it is and what to write instead. */
  readonly reason: string
}

export interface ForStandbys {
  readonly class: StandbyClass
  /** In order of lines; none: it may be carried over. */
  readonly refusals: readonly StandbyRefusal[]
  /** Of a mixed file: the index of the first statement that is rows. */
  readonly rowsFrom: number | null
  /** Published tables may have other names afterwards, or be others. */
  readonly changesTables: boolean
  /** What the standby's server has to have. */
  readonly extensions: readonly string[]
  /** Without those that the file makes. */
  readonly roles: readonly string[]
}

interface Statement {
  readonly line: number
  readonly standby: StandbyStatement
}

/** A planned file, as far as it is looked at here. */
interface Planned {
  readonly script: string
  readonly standby: ForStandbys
}

export function forStandbys(statements: readonly Statement[]): ForStandbys {
  const kinds = new Set(statements.map(({ standby }) => standby.class))
  const found = classOf(kinds)
  const made = new Set(statements.flatMap(({ standby }) => standby.makesTable ?? []))
  const own = new Set(statements.flatMap(({ standby }) => standby.makesRole ?? []))
  const firstRows = statements.findIndex(({ standby }) => standby.class === 'rows')
  const refusals = statements.flatMap((statement, index) => refusalsOf(statement, { statements, index, found, made }))
  return {
    class: found,
    refusals,
    rowsFrom: found === 'mixed' ? firstRows : null,
    changesTables: statements.some(({ standby }) => standby.changesTables),
    extensions: unique(statements.flatMap(({ standby }) => standby.extensions)),
    roles: unique(statements.flatMap(({ standby }) => standby.roles)).filter((role) => !own.has(role)),
  }
}

/** What else is in a file of free statements is refused. */
function classOf(kinds: ReadonlySet<string>): StandbyClass {
  if (kinds.has('free')) return 'free'
  if (kinds.has('schema')) return kinds.has('rows') ? 'mixed' : 'schema'
  return kinds.has('rows') ? 'rows' : 'free'
}

const FIRES_BEHIND =
  'its event trigger would fire on a standby too for what stands behind it in the file, and on the source before a table that the file makes is followed: put it into a file of its own'

/** By a file that is carried over; nothing that is said of an event trigger fires one. */
const isRunThere = ({ standby }: Statement): boolean => standby.class !== 'rows' && !standby.eventTrigger

interface Within {
  readonly statements: readonly Statement[]
  readonly index: number
  readonly found: StandbyClass
  /** Tables that the file makes. */
  readonly made: ReadonlySet<string>
}

function refusalsOf({ line, standby }: Statement, { statements, index, found, made }: Within): StandbyRefusal[] {
  const refused = (reason: string): StandbyRefusal[] => [{ line, reason }]
  if (standby.refusal !== null) return refused(standby.refusal)
  const isNew = standby.table !== null && made.has(standby.table)
  if (standby.madeUp !== null && !isNew) return refused(standby.madeUp)
  if (standby.eventTrigger && (made.size > 0 || statements.slice(index + 1).some(isRunThere))) return refused(FIRES_BEHIND)
  if (found === 'free') {
    const other = standby.class === 'schema' || standby.class === 'rows'
    return other
      ? refused(
          'it stands in one file with what runs outside of transactions (CONCURRENTLY, VACUUM, REINDEX): put it into a file of its own',
        )
      : []
  }
  if (found !== 'mixed') return []
  if (standby.setsRole) return refused('it changes the role in a file that has both schema and rows: make two files of it')
  if (standby.class !== 'schema') return []
  if (statements.slice(0, index).some((before) => before.standby.class === 'rows'))
    return refused(
      'it changes the schema behind statements that change rows: put those into a file behind it, or it into one behind them',
    )
  if (standby.narrows && !isNew)
    return refused(
      'it removes, renames or narrows, and rows are changed in the same file: put those into a file of their own, before or behind it',
    )
  return []
}

const unique = (names: readonly string[]): string[] => [...new Set(names)]

/** So many are said. */
const SHOWN_MAX = 5

/** Throws MIGRATION_NOT_FOR_STANDBYS where any of these cannot be carried over. */
export function refuseForStandbys(pending: readonly Planned[]): void {
  const found = pending.flatMap(({ script, standby }) => standby.refusals.map((refusal) => ({ script, ...refusal })))
  const [first] = found
  if (first === undefined) return
  const shown = found.slice(0, SHOWN_MAX).map(({ script, line, reason }) => `${script}:${line}: ${reason}.`)
  const more = found.length > SHOWN_MAX ? ` And ${found.length - SHOWN_MAX} more.` : ''
  throw failure('MIGRATION_NOT_FOR_STANDBYS', `This database has standbys, and nothing was applied. ${shown.join(' ')}${more}`, {
    script: first.script,
    line: first.line,
    refusals: found.length,
  })
}

/** Files that are applied before the next ones are begun, each stretch carried over in between. What runs outside of transactions takes hours, in which what is
 *  behind a line would pile up; and a standby asks its source which tables there are as it is now, so that no stretch has two files that change them. */
export function stretches<T extends Pick<Planned, 'standby'>>(pending: readonly T[]): readonly (readonly T[])[] {
  const all: T[][] = []
  for (const one of pending) {
    const last = all.at(-1) ?? []
    const joins =
      last.length > 0 &&
      last.every(({ standby }) => (standby.class === 'free') === (one.standby.class === 'free')) &&
      !(one.standby.changesTables && last.some(({ standby }) => standby.changesTables))
    if (joins) last.push(one)
    else all.push([one])
  }
  return all
}
