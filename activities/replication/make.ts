/** The publication and the slot on the source, and the subscription on the standby: what the one follows the other by. */
import type { StandbyNames } from '../../contracts/standby'
import { quoteIdentifier } from '../../postgres/connect/quote'
import type { Session } from '../../postgres/connect/session'
import { ensureControlSchema } from '../../postgres/migrate/control-schema'
import { ensureBound, LINE_TABLE, readLines } from '../../postgres/migrate/schema-line'
import type { Publisher } from '../../postgres/replicate/conninfo'
import { MARKER_TABLE } from '../../postgres/replicate/marker'
import { dropPublication, ensurePublication } from '../../postgres/replicate/publication'
import { emptyTables } from '../../postgres/replicate/seeding'
import { setIndexesAside } from '../../postgres/replicate/set-aside'
import { dropSlot, ensureSlot } from '../../postgres/replicate/slot'
import { ensureSubscription } from '../../postgres/replicate/subscription'
import { dropSubscription } from '../../postgres/replicate/teardown'
import { BEAT_TABLE } from '../../postgres/replicate/watch/beat'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import type { Replicating } from './contract'
import { toldKeptOut } from './keyhole'
import { findMade, madeBy } from './made'
import { refuseOtherThan, standing } from './record'
import { type BehindFence, type Both, behindFence, bothOf, looking, type Place, type SideName } from './sides'

type Told = { readonly summary: string }

/** Followed as the users' own are. */
export const OWN_TABLES = [BEAT_TABLE, MARKER_TABLE, LINE_TABLE] as const

export async function publish(deps: ActivityDeps, input: Replicating): Promise<Told> {
  const { names, tables } = await madeBy(deps, input.operation)
  const { request } = await stillBuilding(deps, input)
  const { signal } = currentAct()
  return onSide(deps, input, 'source', async ({ migrator, admin, token }) => {
    // the row that beats and the marker are among those that are published
    await ensureControlSchema(migrator)
    assertMayAct()
    await letRead(migrator, request.declared.publisher.user)
    await ensurePublication(migrator, {
      ...{ name: names.publication, tables: [...tables, ...OWN_TABLES], viaPartitionRoot: true },
      ...{ token, signal },
    })
    assertMayAct()
    await ensureSlot(admin, { name: names.slot, signal })
    return { summary: `${tables.length} tables, publication ${names.publication}, slot ${names.slot}` }
  })
}

export async function subscribe(deps: ActivityDeps, input: Replicating): Promise<Told> {
  const { names, tables, source } = await madeBy(deps, input.operation)
  const { action, table } = await stillBuilding(deps, input)
  const { signal } = currentAct()
  // its schema is the source's, which nobody migrates meanwhile
  const lines = await looking(deps, await placeOf(deps, input, 'source'), 'migrator', readLines)
  const publisher = await publisherOf(deps, input)
  const failover = await looking(deps, await placeOf(deps, input, 'source'), 'admin', (session) => isKeptInStep(session, names))
  // one that stands may have readers, let in by a person: a copy of one table is no reason to end them
  const apart =
    action === 'set-up'
      ? await toldKeptOut(deps, await placeOf(deps, input, 'standby'), input.epochs.standby, null)
      : 'who may connect is as it was'
  return onSide(deps, input, 'standby', async ({ migrator, admin, token }) => {
    await ensureControlSchema(migrator)
    assertMayAct()
    if (table === null) await ensureBound(migrator, { line: lines.at(-1)?.line ?? 0, again: true, token, signal })
    const empty = await unknownTo(admin, names, [...tables, ...OWN_TABLES])
    if (empty.length > 0) {
      // what migrations brought by themselves comes from the source as well; rows that have come since are another matter
      assertMayAct()
      await emptyTables(migrator, { tables: empty, source, token, signal })
      await setIndexesAside(migrator, { tables: empty, token, signal })
    }
    assertMayAct()
    const { keepers } = await ensureSubscription(admin, {
      ...{ name: names.subscription, slot: names.slot, publication: names.publication, publisher, failover },
      ...{ copyData: true, origin: 'any', enabled: true, signal },
    })
    return { summary: [`subscription ${names.subscription}; ${apart}`, ...keepers].join('. ') }
  })
}

/** The watch drops a slot that holds back too much, whoever made it: who made it anew after that would fight with the watch without end. */
async function stillBuilding(deps: ActivityDeps, { bundle }: Replicating): Promise<Both> {
  const both = await bothOf(deps, bundle)
  const { state } = await standing(deps, both.id)
  refuseOtherThan(['building'], both.id, state)
  return both
}

/** Tables that the subscription, if there is one, has not heard of: nothing has come to them by it yet. */
export async function unknownTo(admin: Session, { subscription }: StandbyNames, tables: readonly string[]): Promise<string[]> {
  const rows = await admin.query<{ name: string }>(
    `SELECT w.name FROM pg_catalog.unnest($2::text[]) w(name)
      WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid AND d.datname = pg_catalog.current_database()
                          JOIN pg_catalog.pg_subscription_rel r ON r.srsubid = s.oid
                         WHERE s.subname = $1 AND r.srrelid = pg_catalog.to_regclass(w.name))`,
    [subscription, tables],
  )
  return rows.map(({ name }) => name)
}

/** Who follows copies ours as any other; of the users' own tables it is for their owners to grant, and the preflight asks it. */
export async function letRead(migrator: Session, publisher: string): Promise<void> {
  const role = quoteIdentifier(publisher)
  await migrator.execute(`GRANT USAGE ON SCHEMA capstan TO ${role}; GRANT SELECT ON ${OWN_TABLES.join(', ')} TO ${role}`)
}

/** The undo of `letRead`. Not of a role that owns what is ours, nor of one by which another standby of this source follows. */
export async function letReadNoMore(deps: ActivityDeps, migrator: Session, { id, request }: Both): Promise<void> {
  const { user } = request.declared.publisher
  const others = (await deps.ledger.listStandbys()).filter(({ source, target }) => source === id.source && target !== id.target)
  if (others.some(({ state, declared }) => state !== 'gone' && declared.publisher.user === user)) return
  const [granted] = await migrator.query(
    `SELECT FROM pg_catalog.pg_namespace n, pg_catalog.pg_roles r
      WHERE n.nspname = 'capstan' AND r.rolname = $1 AND n.nspowner <> r.oid AND pg_catalog.to_regclass($2) IS NOT NULL`,
    [user, BEAT_TABLE],
  )
  if (granted === undefined) return
  const role = quoteIdentifier(user)
  assertMayAct()
  // of one that was made before all of them were there
  await ensureControlSchema(migrator)
  await migrator.execute(`REVOKE SELECT ON ${OWN_TABLES.join(', ')} FROM ${role}; REVOKE USAGE ON SCHEMA capstan FROM ${role}`)
}

/** As the standby's server sees the source. */
export async function publisherOf(deps: ActivityDeps, { bundle, sides }: Replicating): Promise<Publisher> {
  const { entries, request } = await bothOf(deps, bundle)
  const { user, secret, host, port, tls } = request.declared.publisher
  const { source } = sides
  const password = await deps.resolveSecret(secret)
  return { host: host ?? source.host, port: port ?? source.port, database: entries.source.database, user, password, tls }
}

/** The source's own standbys keep the slot. */
async function isKeptInStep(source: Session, { slot }: StandbyNames): Promise<boolean> {
  if (source.serverVersionNum < 170_000) return false
  const [row] = await source.query<{ failover: boolean }>(
    'SELECT failover FROM pg_catalog.pg_replication_slots WHERE slot_name = $1',
    [slot],
  )
  return row?.failover === true
}

export async function unsubscribe(deps: ActivityDeps, input: Replicating): Promise<void> {
  const made = await findMade(deps, input.operation)
  const { table } = await bothOf(deps, input.bundle)
  // of one table: the others follow by it
  if (made === null || table !== null) return
  await onBoth(deps, input, ({ source, standby }) =>
    dropSubscription(standby.admin, { name: made.names.subscription, source: source.admin }),
  )
}

export async function unpublish(deps: ActivityDeps, input: Replicating): Promise<void> {
  const made = await findMade(deps, input.operation)
  const both = await bothOf(deps, input.bundle)
  if (made === null || both.table !== null) return
  const { names } = made
  await onSide(deps, input, 'source', async (source) => {
    if (both.action === 'set-up') {
      await dropAtSource(source, names)
      return letReadNoMore(deps, source.migrator, both)
    }
    assertMayAct()
    await dropSlot(source.admin, { name: names.slot, signal: currentAct().signal })
  })
}

/** A slot before its publication: who reads it would fail without that. */
export async function dropAtSource({ admin, migrator, token }: BehindFence, { slot, publication }: StandbyNames): Promise<void> {
  const { signal } = currentAct()
  assertMayAct()
  await dropSlot(admin, { name: slot, signal })
  assertMayAct()
  await dropPublication(migrator, { name: publication, token, signal })
}

export function onBoth<T>(
  deps: ActivityDeps,
  input: Replicating,
  act: (on: Readonly<Record<SideName, BehindFence>>) => Promise<T>,
): Promise<T> {
  return onSide(deps, input, 'source', (source) =>
    onSide(deps, input, 'standby', (standby) => {
      assertMayAct()
      return act({ source, standby })
    }),
  )
}

export async function onSide<T>(
  deps: ActivityDeps,
  input: Replicating,
  side: SideName,
  act: (on: BehindFence) => Promise<T>,
): Promise<T> {
  return behindFence(deps, await placeOf(deps, input, side), input.epochs[side], act)
}

export async function placeOf(deps: ActivityDeps, input: Replicating, side: 'source' | 'standby'): Promise<Place> {
  const { entries } = await bothOf(deps, input.bundle)
  return { ref: input, entry: entries[side], address: input.sides[side] }
}
