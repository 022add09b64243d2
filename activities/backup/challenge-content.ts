/** L4 is shown a copy that lacks one row of a table which it had proven. */
import { createHash } from 'node:crypto'
import type { OperationId } from '../../contracts/operation'
import type { NegativeControl } from '../../contracts/verify-backup'
import { ServerError } from '../../postgres/connect/errors'
import { deleteOneRow, serverMark } from '../../postgres/proof/challenge'
import { type ContentProof, contentFindings } from '../../postgres/proof/content'
import type { Manifest } from '../../postgres/proof/manifest'
import type { TableManifest } from '../../postgres/proof/table-manifest'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { openSession, withSession } from '../schema/open-session'
import { type ManifestsAround, manifestsAround } from './content'
import type { BackupProofActivities } from './contract'
import { beginControl } from './control-begun'
import { JOBS } from './intact'

/** Of a table with all partitions of its root, since they are read together: a second time in moments. Without one so small it is the smallest. */
const ROWS_MAX = 1_000_000

export async function challengeContent(
  deps: ActivityDeps,
  { operation, step, bundle, copy, around }: Parameters<BackupProofActivities['challengeContent']>[0],
): Promise<NegativeControl> {
  const manifests = await manifestsAround(deps.ledger, around)
  if (typeof manifests === 'string') return notMade(manifests)
  const drawn = drawnTables(manifests, operation)
  const [first] = drawn
  if (first === undefined) return notMade('no table is proven to its last row')
  const { database: entry } = await deps.ledger.getBundle(bundle)
  const about = { entry, operation, step, address: copy, canary: true } as const
  // Only a copy lets its master in by the password that the takeover gave it: what answers it is no production.
  const mark = await withSession(deps, { ...about, role: 'admin' }, serverMark)
  await beginControl(deps.ledger, operation)
  const deleted = await withSession(deps, { ...about, role: 'migrator' }, (session) =>
    deleteOneRow(session, {
      oids: drawn.map(({ oid }) => oid),
      horizon: manifests.before.horizon,
      mark,
      signal: assertMayAct().signal,
    }),
  ).catch((error) => {
    // A publication, a constraint of its own kind: the expectation can be falsified all the same.
    if (!(error instanceof ServerError)) throw error
    return null
  })
  const table = drawn.find(({ oid }) => oid === deleted?.oid) ?? first
  const of = deleted === null ? withOneMore(manifests, table) : manifests
  const proof = await contentFindings(onlyTable(of.before, table), onlyTable(of.after, table), {
    connect: () => openSession(deps, { ...about, role: 'admin' }),
    jobs: JOBS,
    only: [table.root],
    signal: currentAct().signal,
  })
  const damage =
    deleted === null ? `a row of ${table.name} expected that never was` : `a row of ${table.name} deleted in the copy`
  return judgeContentChallenge(proof, table, damage)
}

/** Tables that are proven row for row, in an order that the operation's id decides, so that by and by each is damaged; an attempt that is repeated
 *  draws the same. Pure. */
export function drawnTables({ before, after }: ManifestsAround, operation: OperationId): TableManifest[] {
  const later = new Map(after.tables.map((table) => [table.name, table]))
  const read = new Map<string, number>()
  for (const table of before.tables) read.set(table.root, (read.get(table.root) ?? 0) + rowsOf(table) + table.newer)
  const readOf = ({ root }: TableManifest): number => read.get(root) ?? 0
  const proven = before.tables
    .filter((table) => rowsOf(table) > 0 && isUnchanged(table, later.get(table.name)))
    .sort((a, b) => readOf(a) - readOf(b) || a.oid - b.oid)
  const small = proven.filter((table) => readOf(table) <= ROWS_MAX)
  if (small.length === 0) return proven.slice(0, 1)
  const first = createHash('sha256').update(`control/${operation}`).digest().readUIntBE(0, 6) % small.length
  return [...small.slice(first), ...small.slice(0, first)]
}

const rowsOf = ({ parts }: TableManifest): number => parts.reduce((sum, [rows]) => sum + rows, 0)

function isUnchanged(before: TableManifest, after: TableManifest | undefined): boolean {
  const told = ({ oid, fileNode, columns, parts }: TableManifest): string => JSON.stringify([oid, fileNode, columns, parts])
  return after !== undefined && told(before) === told(after)
}

function onlyTable(manifest: Manifest, { root }: TableManifest): Manifest {
  return { ...manifest, tables: manifest.tables.filter((table) => table.root === root), unread: [] }
}

function withOneMore({ before, after }: ManifestsAround, { name }: TableManifest): ManifestsAround {
  const more = (table: TableManifest): TableManifest => {
    if (table.name !== name) return table
    return { ...table, parts: table.parts.map(([rows, sum], at) => (at === 0 ? [rows + 1, sum] : [rows, sum])) }
  }
  const of = (manifest: Manifest): Manifest => ({ ...manifest, tables: manifest.tables.map(more) })
  return { before: of(before), after: of(after) }
}

/** A table may be named as not proven for rows that were written since, and was read all the same: what it says of the row counts then. Pure. */
export function judgeContentChallenge(
  { findings, notProven, complete }: Pick<ContentProof, 'findings' | 'notProven' | 'complete'>,
  { name }: Pick<TableManifest, 'name'>,
  damage: string,
): NegativeControl {
  const noticed = findings.some(({ rule, message }) => rule.startsWith('content:rows-') && message.startsWith(`Table ${name}`))
  if (noticed) return { rung: 'content', outcome: 'noticed', summary: `L4: ${damage}: noticed` }
  if (complete) return { rung: 'content', outcome: 'missed', summary: `L4: ${damage}: not noticed` }
  return notMade(`${damage}, and ${name} not read again: ${notProven.map(({ what, why }) => `${what}: ${why}`).join(' ')}`)
}

function notMade(why: string): NegativeControl {
  return { rung: 'content', outcome: 'not-made', summary: `L4: no damage: ${why}` }
}
