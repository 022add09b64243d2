/** A standby that was not finished: what came into its tables goes, what was set aside is as it was, and the ledger says that there is none. Its schema and
 *  the mark stay: whoever begins again goes on from there. */
import type { Session } from '../../postgres/connect/session'
import { buildIndexes } from '../../postgres/replicate/build-indexes'
import { emptyTables, readOrigin, startReseeding } from '../../postgres/replicate/seeding'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import type { Replicating } from './contract'
import { letInWhereKeptOut } from './keyhole'
import { findMade } from './made'
import { onSide, placeOf } from './make'
import { discardRecord } from './remove'
import { opener, raisedOn } from './sides'

export async function discardStandby(deps: ActivityDeps, input: Replicating): Promise<void> {
  const made = await findMade(deps, input.operation)
  if (made === null) return
  const { source, tables, takesOver = null } = made
  const { operation } = input
  await onSide(deps, input, 'standby', async ({ migrator, token }) => {
    const guarded = { token, signal: currentAct().signal }
    const mark = await readOrigin(migrator)
    if (mark === null || mark.source !== source) return
    // another one's: what stands there this operation has neither made nor been told to throw away
    if (mark.operation !== operation && mark.operation !== takesOver) return
    // it was finished, and what came after that failed
    if (mark.state === 'following') await startReseeding(migrator, { ...guarded, source, operation, tables: null })
    await emptyTables(migrator, { ...guarded, source, tables: await existing(migrator, tables) })
  })
  const standby = await placeOf(deps, input, 'standby')
  const token = await raisedOn(deps, standby, input.epochs.standby)
  await buildIndexes({ connect: opener(deps, standby, 'migrator', token), token, signal: currentAct().signal })
  // before what may need a person: who skips that must leave nothing that looks half made, since a set-up takes that over with the rows in it
  await discardRecord(deps, input)
  const keptOut = await letInWhereKeptOut(deps, standby, input.epochs.standby)
  if (keptOut !== null) currentAct().log?.(keptOut, { operation: input.operation, database: standby.entry.name })
}

/** It may not have come as far as to make all of them. */
export async function existing(standby: Session, tables: readonly string[]): Promise<string[]> {
  const rows = await standby.query<{ name: string }>(
    'SELECT w.name FROM pg_catalog.unnest($1::text[]) w(name) WHERE pg_catalog.to_regclass(w.name) IS NOT NULL',
    [tables],
  )
  return rows.map(({ name }) => name)
}
