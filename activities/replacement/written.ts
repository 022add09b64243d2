/** Under the fence nobody reads the closed databases, we neither. What was written between the last look and the fence is told by the server's own
 *  counters, from the database that stays open: no more rows than these, and none where they stand still, as long as none of them began anew. */

import { type Failure, failure } from '../../contracts/failures'
import { type DeltaReport, REPLACE_DOCUMENTS, type WrittenRows, type WrittenSince } from '../../contracts/replace'
import type { Session } from '../../postgres/connect/session'
import { enterKeyhole, KEYHOLE } from '../../postgres/fence/keyhole'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import { openSession } from '../schema/open-session'
import type { ReplacementDataActivities } from './contract'
import { writtenRows } from './delta'
import { databaseRows } from './old-inside'
import { cameToBe, relationsOf } from './relations'

export async function reportWritten(
  deps: ActivityDeps,
  { operation, step, bundle, live, fencedAt, acceptLaterWrites }: Parameters<ReplacementDataActivities['reportWritten']>[0],
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
  const now = await underTheFence(session).finally(() => session.close())
  const databases = writtenBetween(last.written, now.written)
  // a report of an earlier version has none
  const later = last.relations == null ? [] : cameToBe(last.relations, now.relations)
  const document: WrittenSince = {
    ...{ version: 1, since: last.asOf, sinceLsn: last.lsn, fencedAt, databases },
    ...{ cameToBe: later, databaseRows: now.databaseRows },
  }
  assertMayAct()
  await ledger.putDocument({ operation, name: REPLACE_DOCUMENTS.written, document })
  if (later.length > 0 && !acceptLaterWrites) throw drifted(operation, later)
  const rowsMax = databases.some((one) => one.rowsMax === null)
    ? null
    : databases.reduce((sum, one) => sum + (one.rowsMax ?? 0), 0)
  const came = later.length === 0 ? '' : `; behind the last list came to be ${later.join(', ')}`
  return { summary: `${shownWritten(document)}${came}`, rowsMax }
}

async function underTheFence(session: Session) {
  const written = await writtenRows(session)
  return { written, relations: await relationsOf(session), databaseRows: await databaseRows(session) }
}

function drifted(operation: string, later: readonly string[]): Failure {
  const message = `Between the last list and the fence came to be: ${later.join(', ')}. What they are called cannot be read under the fence. Nobody approved that they are lost, and the fence is lowered again. Start again; or, if whatever comes meanwhile may be lost, with --accept-later-writes.`
  return failure('PLAN_DRIFTED', message, { operation, later: later.length })
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
