/** Under the fence nobody reads the closed databases, we neither. What was written between the last look and the fence is told by the server's own
 *  counters, from the database that stays open: no more rows than these, and none where they stand still, as long as none of them began anew. */

import { type DeltaReport, REPLACE_DOCUMENTS, type WrittenRows, type WrittenSince } from '../../contracts/replace'
import { enterKeyhole, KEYHOLE } from '../../postgres/fence/keyhole'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import { openSession } from '../schema/open-session'
import type { ReplacementDataActivities } from './contract'
import { writtenRows } from './delta'

export async function reportWritten(
  deps: ActivityDeps,
  { operation, step, bundle, live, fencedAt }: Parameters<ReplacementDataActivities['reportWritten']>[0],
): Promise<{ summary: string; rowsMax: number | null }> {
  const { ledger } = deps
  const { database: entry } = await ledger.getBundle(bundle)
  const last = (await ledger.getDocument({ operation, name: REPLACE_DOCUMENTS.remainder })) as DeltaReport | null
  if (last === null) throw new Error(`operation ${operation} has not looked before the fence`)
  const session = await enterKeyhole((database) =>
    openSession(deps, {
      entry: { ...entry, database },
      role: 'admin',
      operation,
      step,
      address: live,
      canary: false,
      ownAddress: true,
    }),
  )
  if (session === null) throw new Error(`the fence of ${live.instance} stands and has no database ${KEYHOLE}`)
  const now = await writtenRows(session).finally(() => session.close())
  const databases = writtenBetween(last.written, now)
  const document: WrittenSince = { version: 1, since: last.asOf, sinceLsn: last.lsn, fencedAt, databases }
  assertMayAct()
  await ledger.putDocument({ operation, name: REPLACE_DOCUMENTS.written, document })
  const rowsMax = databases.some((one) => one.rowsMax === null)
    ? null
    : databases.reduce((sum, one) => sum + (one.rowsMax ?? 0), 0)
  return { summary: shownWritten(document), rowsMax }
}

/** Of those in which rows were written, or may have been. */
export function writtenBetween(before: WrittenRows, now: WrittenRows): WrittenSince['databases'] {
  const ofDatabase = (name: string, { rows, since }: WrittenRows['databases'][string]): number | null => {
    if (before.sameServer === null || before.sameServer !== now.sameServer) return null
    const then = before.databases[name]
    // one that came to be since began with nothing
    if (then === undefined) return rows
    return then.since !== since || rows < then.rows ? null : rows - then.rows
  }
  return Object.entries(now.databases)
    .filter(([name]) => name !== KEYHOLE)
    .map(([database, written]) => ({ database, rowsMax: ofDatabase(database, written) }))
    .filter(({ rowsMax }) => rowsMax !== 0)
}

export function shownWritten({
  databases,
  sinceLsn,
  fencedAt,
}: Pick<WrittenSince, 'databases' | 'sinceLsn' | 'fencedAt'>): string {
  const unknown = databases.filter(({ rowsMax }) => rowsMax === null).map(({ database }) => database)
  const some = databases.flatMap(({ database, rowsMax: n }) =>
    n === null ? [] : [`${n.toLocaleString('en-US')} in ${database}`],
  )
  const said = [
    ...(databases.length === 0 ? ['by the server’s counters no row was written since the last look'] : []),
    ...(some.length === 0 ? [] : [`since the last look at most ${some.join(', ')} rows were written`]),
    ...(unknown.length === 0
      ? []
      : [
          `nobody can say how many rows were written since the last look in ${unknown.join(', ')}: the server’s counters began anew`,
        ]),
  ]
  return `${said.join('; ')}; TRUNCATE and DDL are in no counter; the log went from ${sinceLsn ?? 'an unknown place'} to ${fencedAt}`
}
