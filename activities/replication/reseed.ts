/** A standby that is seeded anew, of one table or of all. What it has is given up at the first step, so all that can be refused is asked before; what was
 *  begun and not finished leaves one whose rows are to come, and never one that thinks that it has them. */
import { failure } from '../../contracts/failures'
import type { StandbyId, StandbyNames, StandbyState } from '../../contracts/standby'
import { DEFAULT_HISTORY, readHistory } from '../../postgres/migrate/history'
import { type ResolvedMigration, resolveMigrations } from '../../postgres/migrate/resolve'
import { refuseAnonymous, refuseReferred, refuseUnreadable } from '../../postgres/replicate/before-seeding'
import { buildIndexes } from '../../postgres/replicate/build-indexes'
import { historyValues, PUBLISHED_TABLES } from '../../postgres/replicate/preflight/relations'
import { recopyTables } from '../../postgres/replicate/recopy'
import { emptyTables, finishSeeding, readOrigin, startReseeding } from '../../postgres/replicate/seeding'
import { dropSlot } from '../../postgres/replicate/slot'
import { resolveTables } from '../../postgres/replicate/tables'
import { dropSubscription } from '../../postgres/replicate/teardown'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { appliedMigrations, hasFilesOf } from './applied'
import type { Replicating } from './contract'
import { existing } from './discard'
import { findMade, type MadeDocument, writeMade } from './made'
import { OWN_TABLES, onBoth, onSide, placeOf, unknownTo } from './make'
import { publishedTables } from './published'
import { change, refuseOtherThan, standing } from './record'
import { applyOn } from './schema'
import { type BehindFence, type Both, bothOf, looking, opener, raisedOn, type SideName } from './sides'
import { RESUMABLE, refuseWritersOf } from './stand'
import { admitOldWriter, refuseWriterAsStandby } from './turned'

type Told = { readonly summary: string }
type Sides = Readonly<Record<SideName, BehindFence>>

/** The ledger says so first. Of all: nothing reads the source's log any more and nothing holds it back. Of one: it is emptied, and its copying begins anew
 *  while the others go on. */
export async function stopFollowing(deps: ActivityDeps, input: Replicating): Promise<Told> {
  const { operation } = input
  const both = await bothOf(deps, input.bundle)
  const { id, request, table } = both
  const { names, state } = await standing(deps, id)
  const only = table === null ? null : [table]
  const from: readonly StandbyState[] =
    only === null ? [...RESUMABLE, 'to-be-seeded', 'building', 'switching'] : ['following', 'late']
  refuseOtherThan([...from, 'building'], id, state)
  const wasWriter = await admitOldWriter(deps, input, both, { overwrites: table === null })
  // of a switchover that was ended before it moved anything it may be the writer still
  if (!wasWriter) refuseOtherThan([...from.filter((one) => one !== 'switching'), 'building'], id, state)
  await refuseWriterAsStandby(deps, input, both)
  // a repeat has given up already what it would be refused for
  const made = (await findMade(deps, operation)) ?? (await toBeMade(deps, input, both, names))
  const { tables } = await writeMade(deps, operation, made)
  const { declared } = request
  await change(deps, id, from, {
    ...{ to: 'building', reason: `${operation} seeds ${table ?? 'it'} anew.`, operation, declared },
  })
  await onBoth(deps, input, async (on) => {
    if (only === null) await forgetAll(on, names)
    assertMayAct()
    const { token, migrator } = on.standby
    await startReseeding(migrator, { token, source: id.source, operation, tables: only })
    if (only !== null) await recopy(on, id, made, only)
  })
  if (only === null) await catchUp(deps, input, both)
  return { summary: `${table ?? `${tables.length} tables`} of ${request.standby.name} to be copied anew` }
}

/** What the source has applied since runs before the rows are copied, in tables that are empty: it follows nothing meanwhile, so that no line is waited at. */
async function catchUp(deps: ActivityDeps, input: Replicating, { id }: Both): Promise<void> {
  const lacking = await lackingFiles(deps, input)
  if (lacking.length === 0) return
  await onSide(deps, input, 'standby', async ({ migrator, token }) => {
    const tables = await migrator.query<{ shown: string }>(PUBLISHED_TABLES, historyValues(DEFAULT_HISTORY))
    assertMayAct()
    await emptyTables(migrator, {
      source: id.source,
      tables: tables.map(({ shown }) => shown),
      token,
      signal: currentAct().signal,
    })
  })
  const standby = await placeOf(deps, input, 'standby')
  const token = await raisedOn(deps, standby, input.epochs.standby)
  // a file may drop, or rename, what an earlier attempt has set aside
  await buildIndexes({ connect: opener(deps, standby, 'migrator', token), token, signal: currentAct().signal })
  await applyOn(deps, standby, input.epochs.standby, lacking)
}

/** All that the source has applied, where the standby has not all of it; the engine leaves out what is there. */
async function lackingFiles(deps: ActivityDeps, input: Replicating): Promise<readonly ResolvedMigration[]> {
  const rowsOn = async (side: SideName) =>
    looking(deps, await placeOf(deps, input, side), 'migrator', async (session) => (await readHistory(session)).rows)
  const [there, here] = [await rowsOn('source'), await rowsOn('standby')]
  if (hasFilesOf(there, here)) return []
  const { migrations } = await deps.ledger.getBundle(input.bundle)
  return appliedMigrations(resolveMigrations(migrations), there)
}

/** From the source and not from its publication, which may have lost a table, and has none that was made since. Changes nothing. */
async function toBeMade(deps: ActivityDeps, input: Replicating, both: Both, names: StandbyNames): Promise<MadeDocument> {
  const { id, table, request } = both
  const { published, missing } = await looking(deps, await placeOf(deps, input, 'source'), 'migrator', async (source) => {
    const found = await publishedTables(source, names)
    await refuseAnonymous(source, table === null ? found.missing : found.missing.filter((one) => one === table))
    const copied = [...found.published, ...found.missing].filter((one) => table === null || one === table)
    await refuseUnreadable(source, copied, request.declared.publisher.user)
    return found
  })
  const known = [...published, ...missing]
  if (table !== null && !known.includes(table)) throw noSuchTable(table, published)
  if (known.length === 0) {
    const message =
      'The source has no table any more that could be published: look whether it is the right database, or remove the standby.'
    throw failure('DATABASE_REFUSED', message, { source: id.source })
  }
  const again = table === null ? known : [table]
  if (table === null) await refuseWritersOf(deps, input, both)
  // what it lacks of the source's tables comes by the files that it lacks
  const catchesUp = table === null && (await lackingFiles(deps, input)).length > 0
  await looking(deps, await placeOf(deps, input, 'standby'), 'migrator', async (standby) => {
    const there = catchesUp ? await existing(standby, again) : again
    await resolveTables(standby, there)
    await refuseReferred(standby, there)
  })
  const tables = table === null ? known : [...new Set([...published, table])]
  return { version: 1, ...id, names, tables }
}

function noSuchTable(table: string, published: readonly string[]): Error {
  const shown = `${published.slice(0, 10).join(', ')}${published.length > 10 ? ' and others' : ''}`
  const message = `--table is ${table}, which is no table of the source that could be published; it publishes ${shown}.`
  return failure('OPTION_INVALID', message, { option: 'table' })
}

/** The publication stays. */
async function forgetAll({ source, standby }: Sides, names: StandbyNames): Promise<void> {
  await dropSubscription(standby.admin, { name: names.subscription, source: source.admin })
  await dropSlot(source.admin, { name: names.slot, signal: currentAct().signal })
}

async function recopy(
  { source, standby }: Sides,
  { source: from }: StandbyId,
  { names, tables: published }: MadeDocument,
  tables: readonly string[],
): Promise<void> {
  assertMayAct()
  await recopyTables({
    ...{ from, names, tables, published: [...published, ...OWN_TABLES], viaPartitionRoot: true },
    ...{ source: source.migrator, subscriber: standby.admin, owner: standby.migrator },
  })
}

/** The undo of `stopFollowing`: what was begun anew was not finished. Of all, nothing follows any more. Of one table the others have gone on, and go on: what
 *  was begun with it is brought as far as that PostgreSQL copies it by itself, and the watch tells how that goes. */
export async function leaveToBeSeeded(deps: ActivityDeps, input: Replicating): Promise<void> {
  const { operation } = input
  const { id, table } = await bothOf(deps, input.bundle)
  const record = await deps.ledger.getStandby(id)
  if (record?.state !== 'building' || record.operation !== operation) return
  if (table !== null) await goOn(deps, input, id, table)
  const to = table === null ? 'to-be-seeded' : 'following'
  const reason = table === null ? `${operation} did not finish seeding it.` : null
  await change(deps, id, ['building'], { to, reason, operation })
}

async function goOn(deps: ActivityDeps, input: Replicating, { source, target }: StandbyId, table: string): Promise<void> {
  const { operation } = input
  const made = await findMade(deps, operation)
  if (made === null) return
  await onBoth(deps, input, async (on) => {
    const { migrator, token } = on.standby
    const mark = await readOrigin(migrator)
    // nothing was given up yet
    if (mark?.operation !== operation || mark.state !== 'preparing') return
    if (await isLeftOut(on, made, table)) await recopy(on, { source, target }, made, [table])
    assertMayAct()
    await finishSeeding(migrator, { token, source, operation })
  })
}

/** The publication or the subscription does not have it: it would stay as it is for ever. */
async function isLeftOut({ source, standby }: Sides, { names }: MadeDocument, table: string): Promise<boolean> {
  const { published } = await publishedTables(source.migrator, names)
  return !published.includes(table) || (await unknownTo(standby.admin, names, [table])).length > 0
}
