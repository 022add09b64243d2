/** Looks for damage in a database that nobody writes to (rung L3): every B-tree index against its table, every heap page and tuple, by
 *  PostgreSQL's own `amcheck`. For a copy, or an instance that was just overwritten: it creates the extension there, and its locks stop writers. */
import type { Finding } from '../../contracts/operation'
import { ServerError } from '../connect/errors'
import { refusePooler, type Session } from '../connect/session'
import { inOrder } from '../verify/in-order'
import { type Amcheck, prepareAmcheck } from './amcheck'
import { tellsOfDamage } from './damage'
import type { NotProven } from './not-proven'
import { type Relation, relationsOf } from './relations'

export interface IntegrityOptions {
  /** Opens a session on the copy, as its master; called `jobs` times. */
  readonly connect: () => Promise<Session>
  readonly jobs: number
  /** After every relation. */
  readonly onProgress?: (progress: IntegrityProgress) => void
  readonly signal?: AbortSignal
  /** It is no copy: an extension of somebody's own is used as it is. */
  readonly inPlace?: true | undefined
}

export interface IntegrityProgress {
  readonly relations: number
  readonly relationsDone: number
  /** The one that was begun last. */
  readonly relation: string | null
  readonly findings: number
}

export interface IntegrityProof {
  /** `integrity:index`, `integrity:heap`: each names the relation, and the block where PostgreSQL tells it. No values. */
  readonly findings: readonly Finding[]
  /** More of the same that are not told. */
  readonly untold: number
  readonly notProven: readonly NotProven[]
  /** Whether all that amcheck knows how to check was checked. */
  readonly complete: boolean
  readonly indexes: number
  /** Tables, TOAST tables, materialized views and sequences. */
  readonly heaps: number
}

/** What a relation says is returned, never thrown. Throws as `connect` does, POOLER_REFUSED, CONNECTION_LOST (damage may end a server), or the
 *  signal's reason. */
export async function checkIntegrity(options: IntegrityOptions): Promise<IntegrityProof> {
  const sessions: Session[] = []
  try {
    for (let n = 0; n < Math.max(1, options.jobs); n += 1) {
      const session = await options.connect()
      sessions.push(session)
      refusePooler(session)
      for (const [name, value] of Object.entries(PINNED)) await session.set(name, value)
    }
    return await checkWith(sessions, options)
  } finally {
    await Promise.all(sessions.map((session) => session.close()))
  }
}

const PINNED: Readonly<Record<string, string>> = {
  search_path: 'pg_catalog',
  // A check takes as long as its relation is large.
  statement_timeout: '0',
  // Nobody else is there as a rule; whoever is may hold a lock, but not keep a proof waiting.
  lock_timeout: '10s',
  // What is missing from an index is found by a filter of this size: a smaller one misses more.
  maintenance_work_mem: '64MB',
}

/** Told one by one. */
const TOLD_MAX = 200

async function checkWith(
  sessions: readonly Session[],
  { onProgress, signal, inPlace }: IntegrityOptions,
): Promise<IntegrityProof> {
  const [first] = sessions
  if (first === undefined) throw new Error('no session was opened')
  signal?.throwIfAborted()
  const amcheck = await prepareAmcheck(first, { copy: inPlace !== true })
  if (typeof amcheck === 'string') {
    const notProven = [{ what: 'every index and table', why: amcheck }]
    return { findings: [], untold: 0, notProven, complete: false, indexes: 0, heaps: 0 }
  }
  const relations = await relationsOf(first)
  const free = [...sessions]
  const queue = relations.values()
  const results: Checked[] = []
  const tell = (relation: string | null) =>
    onProgress?.({
      relations: relations.length,
      relationsDone: results.length,
      relation,
      findings: results.filter(({ finding }) => finding !== null).length,
    })
  await inOrder<Relation, Checked>({
    lanes: sessions.length,
    next: () => {
      signal?.throwIfAborted()
      return queue.next().value ?? null
    },
    work: async (relation) => {
      const session = free.pop()
      if (session === undefined) throw new Error('there are as many sessions as lanes')
      try {
        tell(relation.name)
        return await checkRelation(session, relation, amcheck, signal)
      } finally {
        free.push(session)
      }
    },
    hear: (checked) => {
      results.push(checked)
      tell(checked.relation.name)
    },
  })
  return proofOf(results, amcheck)
}

interface Checked {
  readonly relation: Relation
  readonly finding: Finding | null
  readonly notProven: string | null
  /** PostgreSQL would not check what amcheck knows how to check. */
  readonly refused: boolean
}

async function checkRelation(
  session: Session,
  relation: Relation,
  amcheck: Amcheck,
  signal: AbortSignal | undefined,
): Promise<Checked> {
  const sql = sqlOf(relation, amcheck)
  const checked: Checked = { relation, finding: null, notProven: null, refused: false }
  if (sql === null) return checked
  const unchecked = whyUnchecked(relation)
  if (unchecked !== null) return { ...checked, notProven: unchecked }
  try {
    const damage = await session.query<Damage>(sql, [relation.oid], { signal })
    const [one] = relation.kind === 'heap' ? damage : []
    return { ...checked, finding: one === undefined ? null : heapFinding(relation, one, damage.length) }
  } catch (error) {
    if (!(error instanceof ServerError)) throw error
    const said = `${error.message} (SQLSTATE ${error.sqlState})`
    if (!tellsOfDamage(error.sqlState)) return { ...checked, notProven: `PostgreSQL refused the check: ${said}.`, refused: true }
    const message = `${relation.kind === 'index' ? 'Index' : 'Relation'} ${relation.name} is damaged, or cannot be read: ${said}.`
    return { ...checked, finding: { rule: `integrity:${relation.kind}`, message } }
  }
}

/** Null: the role may not execute the check of such a relation, which is said once for all of them. */
function sqlOf({ kind, unique }: Relation, { index, heap }: Amcheck): string | null {
  if (kind === 'heap') return heap
  return index === null ? null : unique ? index.unique : index.any
}

function whyUnchecked({ kind, method, usable }: Relation): string | null {
  const [known, word] = kind === 'index' ? ['btree', 'index'] : ['heap', 'table']
  if (method !== known) return `amcheck knows nothing of a ${word} of the method ${method}.`
  return usable ? null : 'The index is not valid: PostgreSQL does not use it.'
}

interface Damage extends Record<string, unknown> {
  readonly block: number | null
  readonly line: number | null
  readonly attribute: number | null
  readonly message: string
}

function heapFinding({ name }: Relation, { block, line, attribute, message }: Damage, count: number): Finding {
  const places = [['block', block] as const, ['line', line] as const, ['attribute', attribute] as const]
  const where = places.flatMap(([word, number]) => (number === null || number < 0 ? [] : [`${word} ${number}`])).join(', ')
  const more = count > 1 ? ` (and ${count - 1} more on this page; later pages were not looked at)` : ''
  return { rule: 'integrity:heap', message: `Relation ${name} is damaged at ${where}: ${message.split('\n')[0]}${more}.` }
}

function proofOf(results: readonly Checked[], { index, heap }: Amcheck): IntegrityProof {
  const findings = results.flatMap(({ finding }) => finding ?? [])
  const proven = results.filter(({ notProven }) => notProven === null).map(({ relation: { kind } }) => kind)
  const notProven = results.flatMap(({ relation, notProven: why }) => (why === null ? [] : [{ what: relation.name, why }]))
  const denied = (what: string, name: string) => ({
    what,
    why: `The role may not execute amcheck's ${name}, or it is not there.`,
  })
  return {
    findings: findings.slice(0, TOLD_MAX),
    untold: Math.max(0, findings.length - TOLD_MAX),
    notProven: [
      ...(index === null ? [denied('every index', 'bt_index_parent_check')] : []),
      ...(heap === null ? [denied('every table', 'verify_heapam')] : []),
      ...notProven,
    ],
    complete: index !== null && heap !== null && results.every(({ refused }) => !refused),
    indexes: index === null ? 0 : proven.filter((kind) => kind === 'index').length,
    heaps: heap === null ? 0 : proven.filter((kind) => kind === 'heap').length,
  }
}
