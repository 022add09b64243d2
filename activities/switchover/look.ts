/** What both databases say of whether writing can move: for the plan, and once more right before the fence, when what was made since ends it before anybody is
 *  shut out. Reads only. */
import type { Finding } from '../../contracts/operation'
import { rowsDiffering } from '../../contracts/rows-differing'
import type { StandbyRecord } from '../../contracts/standby'
import type { Session } from '../../postgres/connect/session'
import { readHistory } from '../../postgres/migrate/history'
import { readBound, readLines } from '../../postgres/migrate/schema-line'
import { accessDiffers } from '../../postgres/replicate/access-differs'
import { firingEventTriggers } from '../../postgres/replicate/event-triggers'
import { keepOutObstacles } from '../../postgres/replicate/keep-out'
import { cronOnSource, othersWhoWrite } from '../../postgres/replicate/logins'
import { barrierObstacles } from '../../postgres/replicate/marker'
import { filledViews } from '../../postgres/replicate/materialized-views'
import { otherReaders, readersInTheWay, replicasLeft } from '../../postgres/replicate/other-readers'
import { otherWriters, strangers } from '../../postgres/replicate/other-writers'
import { rightsLacking } from '../../postgres/replicate/rights'
import { shownList } from '../../postgres/replicate/tables'
import { type Uncarried, uncarriedOf } from '../../postgres/replicate/uncarried'
import { schemaDiffers } from '../../postgres/replicate/watch/schema-differs'
import { readSequences } from '../../postgres/replicate/watch/sequences'
import { noWayBackTo, wayBackLost } from '../../postgres/replicate/way-back'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { lackingFiles, lackingLines } from '../replication/applied'
import { namesKept } from '../replication/keyhole'
import { publishedTables } from '../replication/published'
import { looking, whoFollow } from '../replication/sides'
import type { Pair } from './pair'

export interface Looked {
  readonly blocks: readonly Finding[]
  readonly warnings: readonly Finding[]
  readonly tables: readonly string[]
  /** By name; those that may not be read among them. */
  readonly sequences: readonly string[]
  readonly unlogged: readonly string[]
  /** Materialized views that hold something. */
  readonly views: readonly string[]
  /** Why there can be no way back, by its versions; null: there can. */
  readonly never: string | null
}

export const found = (what: string, message: string): Finding => ({ rule: `switchover:${what}`, message })
const each = (what: string, messages: readonly string[]): Finding[] => messages.map((one) => found(what, one))

export async function lookAtBoth(deps: ActivityDeps, pair: Pair): Promise<Looked> {
  const { places } = pair
  const { signal } = currentAct()
  const standbys = await deps.ledger.listStandbys()
  const masters = await looking(deps, places.source, 'admin', (source) =>
    looking(deps, places.standby, 'admin', (standby) => byMasters({ source, standby }, pair, standbys)),
  )
  return looking(deps, places.source, 'migrator', async (source) => {
    const { waits, differs } = await looking(deps, places.standby, 'migrator', async (standby) => {
      const waits = await notCarried({ source, standby }, pair)
      if (waits !== null) return { waits, differs: [] }
      const withoutGrantee = whoFollow(pair.request.declared)
      return { waits, differs: await schemaDiffers({ source, standby }, { setAside: new Set(), withoutGrantee, signal }) }
    })
    const { sequences, hidden } = await readSequences(source)
    const { published: tables, missing } = await publishedTables(source, pair.forward)
    return {
      ...masters,
      blocks: [
        ...masters.blocks,
        ...each('migration', waits === null ? [] : [waits]),
        ...each('schema', differs.map(differing)),
        ...each(
          'unpublished',
          missing.map((table) => unpublished(table, pair)),
        ),
      ],
      tables,
      sequences: [...sequences.map(({ schema, name }) => `${schema}.${name}`), ...hidden].sort(),
      views: await filledViews(source),
    }
  })
}

/** Which file the source has applied and the standby has not; null: none. One of rows has no line at which anything would wait, and the new writer would run it over
 *  rows that have it already. Both as the migrator, who may read the histories. */
async function notCarried({ source, standby }: Both, pair: Pair): Promise<string | null> {
  const waits = lackingLines(await readLines(source), await readBound(standby))
  if (waits !== null) return waitsAtLine(waits.script, pair)
  const lacking = lackingFiles((await readHistory(source)).rows, (await readHistory(standby)).rows)
  return lacking.length === 0 ? null : lacksFiles(lacking, pair)
}

/** Asked again before anybody is shut out: other tools than ours mind no lock of ours. */
export async function notCarriedSince(deps: ActivityDeps, pair: Pair): Promise<string[]> {
  const waits = await looking(deps, pair.places.source, 'migrator', (source) =>
    looking(deps, pair.places.standby, 'migrator', (standby) => notCarried({ source, standby }, pair)),
  )
  return waits === null ? [] : [waits]
}

const waitsAtLine = (script: string, { id: { source, target } }: Pair): string =>
  `${target} waits at its line for ${script}, which ${source} has applied: "capstan standby resume ${source} --to ${target}" carries it over.`
const lacksFiles = (scripts: readonly string[], { id: { source, target } }: Pair): string =>
  `${target} has not ${shownList(scripts)} in its history, which ${source} has applied, and would run it again as the writer: "capstan standby resume ${source} --to ${target}" carries it over.`
export const differing = (one: string): string => `${one} differs between source and standby.`
export const unpublished = (table: string, { id: { source, target } }: Pick<Pair, 'id'>): string =>
  `${table} was made since and does not go to the standby: capstan standby reseed ${source} --to ${target} --table ${table}.`

interface Both {
  readonly source: Session
  readonly standby: Session
}

async function byMasters(
  { source, standby }: Both,
  pair: Pair,
  standbys: readonly StandbyRecord[],
): Promise<Omit<Looked, 'tables' | 'sequences' | 'views'>> {
  const { places, forward, request, oneWay } = pair
  const [settings] = await standby.query<{ level: string }>(`SELECT current_setting('wal_level') AS level`)
  const level = settings?.level ?? 'unknown'
  const never = noWayBackTo(source)
  const uncarried = await uncarriedOf(source)
  const readers = await otherReaders(source, forward.slot)
  const logins = loginsOf(pair)
  // one that stays closed lets nobody in, whoever he is
  const { connected, mayLogIn } = oneWay ? NOBODY : await othersWhoWrite(source, logins)
  const cron = oneWay ? NO_JOBS : await cronOnSource(source, logins)
  const left = replicasLeft(readers)
  return {
    blocks: [
      ...each('barrier', await barrierObstacles({ source, standby, ...forward })),
      ...each('keep-out', await keepOutObstacles(standby, places.standby.entry.database)),
      ...each('keep-out', await keepOutObstacles(source, places.source.entry.database)),
      ...each(
        'way-back',
        oneWay ? (never === null ? [NEEDLESS] : []) : withWayBack({ never, level, declared: request.back !== null }),
      ),
      ...each('rights', await rightsLacking({ source, standby, ...forward, oneWay })),
      ...each('other-writers', await writersBeside(source, pair)),
      ...each('other-writers', [...connected, ...cron.blocks]),
      ...each(
        'other-readers',
        readersInTheWay(readers, (slot) => standbyBy(standbys, pair, slot)),
      ),
      ...each('uncarried', largeObjects(uncarried)),
    ],
    warnings: [
      ...each('one-way', oneWay && never !== null ? [noReturn(never, pair)] : []),
      ...each('event-triggers', await eventTriggersTurned({ source, standby }, pair)),
      ...each('unlogged', uncarried.unlogged.length === 0 ? [] : [unloggedStays(uncarried.unlogged)]),
      ...each('other-writers', mayLogIn.length === 0 ? [] : [bareLogins(mayLogIn, pair)]),
      ...each('other-writers', cron.warnings),
      ...each('other-readers', left === null ? [] : [left]),
      ...each('roles', await rolesDiffering({ source, standby }, pair)),
      ...each('readers', request.rehearse ? await readersEnded(standby, pair) : []),
    ],
    unlogged: uncarried.unlogged,
    never,
  }
}

const NOBODY = { connected: [], mayLogIn: [] } as const
const NO_JOBS = { blocks: [], warnings: [] } as const

/** A sentence each. */
function withWayBack({
  never,
  level,
  declared,
}: {
  readonly never: string | null
  readonly level: string
  readonly declared: boolean
}): string[] {
  return [
    ...(never === null
      ? []
      : [
          `${never} Where that is how it has to be: --no-way-back "why" moves writing without one, and the old writer stays closed.`,
        ]),
    ...(level === 'logical' ? [] : [walLevelIs(level)]),
    ...(declared ? [] : [UNDECLARED]),
  ]
}

const NEEDLESS =
  'Nothing in the versions of both speaks against a way back: leave --no-way-back out, and mend what the plan says then.'

/** What it means, for whoever approves it. */
function noReturn(never: string, { id: { source, target }, request }: Pair): string {
  return `There is no way back. ${never} What is written once writing has moved is on ${target} alone: going back to ${source} loses it. ${source} stays closed, as it was at that moment, and nothing follows. The reason that was given: ${request.oneWay}`
}

/** Behind a fence that stays nobody writes; what the source gets from elsewhere would come to nobody. */
function writersBeside(source: Session, { forward, back, oneWay }: Pair): Promise<string[]> {
  return oneWay ? strangers(source, back.subscription) : otherWriters(source, { ...forward, subscription: back.subscription })
}

/** Rules of warnings that an approval does not bind to. */
export const PASSING: readonly string[] = ['switchover:roles', 'switchover:readers']

/** Whom a rehearsal keeps out of the standby, as the switchover would: whom a person let in to read there. */
async function readersEnded(standby: Session, { places, request }: Pair): Promise<string[]> {
  const { entry } = places.standby
  const rows = await standby.query<{ role: string }>(
    `SELECT DISTINCT a.usename::text AS role FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid
      WHERE a.datname = pg_catalog.current_database() AND a.backend_type = 'client backend' AND NOT r.rolsuper AND a.usename <> ALL ($1::text[]) ORDER BY 1`,
    [namesKept(entry, request.back?.publisher.user ?? null)],
  )
  if (rows.length === 0) return []
  return [
    `Sessions of ${shownList(rows.map(({ role }) => role))} are in ${entry.name}: a rehearsal ends them, and lets them in again once it is over.`,
  ]
}

/** Nothing of it is carried, and nobody finds it out before applications come. */
async function rolesDiffering(on: Both, { places, request }: Pair): Promise<string[]> {
  const masters = [places.source, places.standby].map(({ entry }) => entry.connections.admin.user)
  const differing = await accessDiffers(on, { but: [...masters, ...whoFollow(request.declared)], signal: currentAct().signal })
  return differing
    .slice(0, ROLES_SHOWN)
    .concat(differing.length > ROLES_SHOWN ? [`And ${differing.length - ROLES_SHOWN} more of roles and their settings.`] : [])
}

const ROLES_SHOWN = 20

/** On a standby they are disabled, and nobody enables them but a person. */
async function eventTriggersTurned({ source, standby }: Both, { id }: Pair): Promise<string[]> {
  const there = await firingEventTriggers(standby)
  const asleep = (await firingEventTriggers(source)).filter((one) => !there.includes(one))
  if (asleep.length === 0) return []
  return [
    `Event triggers that fire on ${id.source} are disabled on ${id.target} (${shownList(asleep)}): ALTER EVENT TRIGGER … ENABLE there once it is the writer, and DISABLE on ${id.source}, to which no file is carried over else.`,
  ]
}

const walLevelIs = (level: string): string =>
  `wal_level of the standby is ${level}, and has to be logical for the source to follow it.`
const UNDECLARED =
  'The fleet file does not say as whom the source follows the standby: give "wayBack" where the standby is declared.'

/** Those that come into the old writer once it follows. */
function loginsOf({ places: { source }, request }: Pair) {
  return { database: source.entry.database, own: namesKept(source.entry, request.declared.publisher.user) }
}

function standbyBy(standbys: readonly StandbyRecord[], { id }: Pair, slot: string): StandbyRecord | null {
  return standbys.find((one) => one.source === id.source && one.state !== 'gone' && one.names.slot === slot) ?? null
}

function largeObjects({ largeObjects: count }: Uncarried): string[] {
  if (count === 0) return []
  return [
    `The source has ${count === 1 ? 'a large object' : `${count} large objects`}, which nothing carries: lo_get them into a column of bytea, then lo_unlink.`,
  ]
}

const unloggedStays = (tables: readonly string[]): string =>
  `What these unlogged tables hold is not carried, and they are empty on the standby: ${tables.join(', ')}.`

function bareLogins(roles: readonly string[], { id }: Pair): string {
  return `${roles.join(', ')} may log in to ${id.source} past the grants that keep applications out once it follows, as its owner or as a member of a role of the fleet file: have no application do so.`
}

/** Asked again right before the fence, of sessions that are at hand. `unlogged`: those that the plan told. */
export async function sinceThePlan(
  { source, standby }: Both,
  pair: Pair,
  { standbys, unlogged }: { readonly standbys: readonly StandbyRecord[]; readonly unlogged: readonly string[] },
): Promise<string[]> {
  const { forward, back, oneWay } = pair
  const { connected } = oneWay ? NOBODY : await othersWhoWrite(source, loginsOf(pair))
  const own = standbyBy(standbys, pair, forward.slot)
  const differing = own === null ? null : rowsDiffering(own)
  return [
    ...(differing === null ? [] : [differing]),
    ...connected,
    ...(await writersBeside(source, pair)),
    ...readersInTheWay(await otherReaders(source, forward.slot), (slot) => standbyBy(standbys, pair, slot)),
    ...(await barrierObstacles({ source, standby, ...forward })),
    ...(oneWay ? [] : await wayBackLost(standby, back)),
    ...(await madeSince({ source, standby }, pair, unlogged)),
  ]
}

/** What is not carried, and was not there when it was planned: a table that is in no publication, another schema, large objects, unlogged rows. */
export async function madeSince({ source, standby }: Both, pair: Pair, unlogged: readonly string[]): Promise<string[]> {
  const { forward, back, request, oneWay } = pair
  const { signal } = currentAct()
  const withoutGrantee = whoFollow(request.declared)
  const { published, missing } = await publishedTables(source, forward)
  const returning = new Set(oneWay ? published : (await publishedTables(standby, back)).published)
  const differs = await schemaDiffers({ source, standby }, { setAside: new Set(), withoutGrantee, signal })
  return [
    ...missing.map((table) => unpublished(table, pair)),
    ...published.filter((one) => !returning.has(one)).map((one) => `${one} is published there, and not back.`),
    ...differs.map(differing),
    ...(await heldSince(source, unlogged)),
  ]
}

/** Of that what no catalog of a schema shows. */
export async function heldSince(
  source: Session,
  unlogged: readonly string[],
  signal: AbortSignal = currentAct().signal,
): Promise<string[]> {
  const uncarried = await uncarriedOf(source, signal)
  const filled = uncarried.unlogged.filter((one) => !unlogged.includes(one))
  return [
    ...largeObjects(uncarried),
    ...filled.map((one) => `${one} is unlogged and holds something since, which is not carried: empty it, or SET LOGGED.`),
  ]
}
