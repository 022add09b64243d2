/** What the plan of a migration says of each standby of its database: whether the files will be carried over to it, and what speaks against it. Reads only. */
import type { BundledMigration } from '../../contracts/bundle'
import { Failure, failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { FollowerAddress, InstanceAddress, PlannedStandby, StandbyDeed } from '../../contracts/migrate'
import type { OperationId } from '../../contracts/operation'
import type { StandbyRequest } from '../../contracts/replicate'
import type { StandbyRecord, StandbyState } from '../../contracts/standby'
import type { Session } from '../../postgres/connect/session'
import { describeSchema, type SchemaDescription } from '../../postgres/inspect/fingerprint'
import { type HistoryRow, readHistory } from '../../postgres/migrate/history'
import type { PlannedMigration } from '../../postgres/migrate/plan-script'
import { LINE_TABLE, linesArePublished, readBound } from '../../postgres/migrate/schema-line'
import { refuseFiring } from '../../postgres/replicate/event-triggers'
import { readOrigin } from '../../postgres/replicate/seeding'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { hasFilesOf } from '../replication/applied'
import { isAway } from '../replication/away'
import { carryWithinMs } from '../replication/carry-over'
import { unknownTo } from '../replication/make'
import { whoFollow } from '../replication/sides'
import { type SessionRequest, withSession } from './open-session'

/** Of the schema, objects that differ. */
const DIFFERENCES_SHOWN = 5

export interface StandbysQuestion {
  readonly operation: OperationId
  readonly step: string
  readonly entry: DatabaseEntry
  /** As the bundle has them. */
  readonly requests: readonly StandbyRequest[]
  readonly addresses: readonly FollowerAddress[]
  /** As the migrator. */
  readonly source: Session
  readonly history: readonly HistoryRow[]
  /** All that the bundle holds. */
  readonly migrations: readonly BundledMigration[]
  readonly pending: readonly PlannedMigration[]
}

/** Throws DATABASE_REFUSED for a database that follows another one: what is migrated is the writer, and carried over from there. */
export async function refuseFollower(deps: Pick<ActivityDeps, 'ledger'>, session: Session, entry: DatabaseEntry): Promise<void> {
  const mark = await readOrigin(session)
  if (mark === null) return
  const record = await deps.ledger.getStandby({ source: mark.source, target: entry.name })
  if (record === null || record.state === 'gone') return
  const message = `${entry.name} is a standby of ${mark.source}, and its schema is brought there from its source: "capstan migrate ${mark.source}" carries each file over.`
  throw failure('DATABASE_REFUSED', message, { database: entry.name, source: mark.source })
}

/** By name; none where nobody follows. Throws STANDBY_UNKNOWN, STANDBY_CHANGED, STANDBY_DIFFERS, NOT_READY_YET. */
export async function planStandbys(deps: ActivityDeps, question: StandbysQuestion): Promise<PlannedStandby[]> {
  const { entry, requests } = question
  const all = await deps.ledger.listStandbys()
  const records = all.filter(({ source, state }) => source === entry.name && state !== 'gone')
  const planned: PlannedStandby[] = []
  for (const record of records) {
    const request = requests.find(({ standby }) => standby.name === record.target)
    if (request === undefined) throw undeclared(record)
    planned.push(await planOne(deps, question, { record, request }))
  }
  return planned.sort((a, b) => (a.standby < b.standby ? -1 : 1))
}

function undeclared({ source, target }: StandbyRecord): Failure {
  const message = `${source} has a standby ${target}, which the fleet file does not declare by now, and whose schema would fall behind: declare it again, or remove it first. "capstan standby list" shows it.`
  return failure('STANDBY_UNKNOWN', message, { source, standby: target })
}

interface One {
  readonly record: StandbyRecord
  readonly request: StandbyRequest
}

/** What becomes of one in this state; a sentence: it keeps the database from being migrated. */
const DEEDS: Readonly<Record<Exclude<StandbyState, 'gone'>, StandbyDeed | { readonly refused: string }>> = {
  following: 'carry-over',
  late: 'carry-over',
  paused: 'wait',
  broken: 'wait',
  building: 'seed-anew',
  'to-be-seeded': 'seed-anew',
  copying: { refused: 'its tables are still being copied: start again once it follows' },
  switching: { refused: 'writing was being moved: "capstan standby resume" says which of both is the writer' },
}

async function planOne(deps: ActivityDeps, question: StandbysQuestion, { record, request }: One): Promise<PlannedStandby> {
  const { state, target } = record
  const deed = state === 'gone' ? 'seed-anew' : DEEDS[state]
  if (typeof deed !== 'string') throw notNow(record, deed.refused)
  const left = { standby: target, ...NOT_ASKED }
  if (deed === 'seed-anew') return { ...left, does: deed, why: 'it is seeded anew before it follows again' }
  // else what waits for a line would never hear of one
  if (!(await linesArePublished(question.source, record.names.publication))) throw withoutLine(record)
  // the reason of one that is broken counts errors, and a digest must hold
  if (deed === 'wait') return { ...left, does: deed, why: `it is ${state}` }
  const address = question.addresses.find(({ standby }) => standby === target)?.address ?? null
  if (address === null) return { ...left, does: 'wait', why: 'its cloud does not tell of it' }
  if (address.instanceId !== record.instances.target) throw replaced(record)
  try {
    return await lookAtFollower(deps, question, { record, request, address })
  } catch (error) {
    if (!(error instanceof Failure) || !isAway(error)) throw error
    return { ...left, does: 'wait', why: 'it is out of reach' }
  }
}

export const NOT_ASKED = { instanceId: null, line: null, fingerprint: null } as const

function notNow({ source, target, state }: StandbyRecord, why: string): Failure {
  const code = state === 'copying' ? 'NOT_READY_YET' : 'STANDBY_CHANGED'
  return failure(code, `The standby ${target} of ${source} is ${state}, and ${why}.`, { source, standby: target, state })
}

function withoutLine({ source, target }: StandbyRecord): Failure {
  const message = `The standby ${target} of ${source} was made before migrations were carried over, and has no line at which it could wait: "capstan standby resume ${source} --to ${target}" gives it one.`
  return failure('STANDBY_CHANGED', message, { source, standby: target })
}

function replaced({ source, target }: StandbyRecord): Failure {
  const message = `The instance of ${target} is another one than the one that the standby was made with: remove the standby, then set it up again.`
  return failure('TARGET_MISMATCH', message, { source, standby: target })
}

interface Reached extends One {
  readonly address: InstanceAddress
}

async function lookAtFollower(
  deps: ActivityDeps,
  question: StandbysQuestion,
  { record, request, address }: Reached,
): Promise<PlannedStandby> {
  const { operation, step, entry, history, migrations, pending, source } = question
  const on: SessionRequest = { entry: request.standby, role: 'migrator', operation, step, address, canary: false }
  const options = { signal: currentAct().signal, withoutGrantee: whoFollow(request.declared) }
  return withSession(deps, on, async (standby) => {
    const mark = await readOrigin(standby)
    if (mark?.source !== entry.name) throw nobodys(record)
    const bound = await readBound(standby)
    // or its subscription has not heard of lines yet
    if (bound === null || (await unknownTo(standby, record.names, [LINE_TABLE])).length > 0) throw withoutLine(record)
    const { rows } = await readHistory(standby)
    const known = new Set([...history, ...migrations].map(({ script }) => script))
    const ahead = rows.find(({ script, type }) => type === 'SQL' && !known.has(script))
    if (ahead !== undefined) throw differs(record, `it has ${ahead.script}, which is nowhere else`)
    await refuseLacking(standby, record, pending)
    if (pending.some((one) => one.standby.class !== 'rows')) await refuseFiring(standby)
    const here = await describeSchema(standby, options)
    if (hasFilesOf(history, rows) && !rows.some(({ script }) => pending.some((one) => one.script === script))) {
      const there = await describeSchema(source, options)
      if (there.fingerprint !== here.fingerprint) throw differs(record, differing(there, here))
    }
    const { instanceId } = address
    const found = { instanceId, line: bound.line, fingerprint: here.fingerprint }
    return { standby: record.target, does: 'carry-over', why: null, ...found, waitsMsMax: carryWithinMs(request.declared) }
  })
}

/** Before the source has what the standby then cannot get. */
async function refuseLacking(standby: Session, { target }: StandbyRecord, pending: readonly PlannedMigration[]): Promise<void> {
  const of = (what: 'extensions' | 'roles'): string[] => [...new Set(pending.flatMap((one) => one.standby[what]))]
  const rows = await standby.query<{ what: string; name: string }>(
    `SELECT 'extension' AS what, w.name FROM pg_catalog.unnest($1::text[]) w(name)
      WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_available_extensions e WHERE e.name = w.name)
     UNION ALL SELECT 'role', w.name FROM pg_catalog.unnest($2::text[]) w(name)
      WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = w.name) ORDER BY 1, 2`,
    [of('extensions'), of('roles')],
  )
  if (rows.length === 0) return
  const list = rows.map(({ what, name }) => `the ${what} ${name}`).join(', ')
  const message = `The server of ${target} has not ${list}, which the files ask for: give it to it first, or pause the standby.`
  throw failure('DATABASE_REFUSED', message, { standby: target, lacking: rows.length })
}

function differing(there: SchemaDescription, here: SchemaDescription): string {
  const digests = (one: SchemaDescription) => new Map(one.objects.map(({ id, digest }) => [id, digest]))
  const [a, b] = [digests(there), digests(here)]
  const ids = [...new Set([...a.keys(), ...b.keys()])].filter((id) => a.get(id) !== b.get(id)).sort()
  const more = ids.length - DIFFERENCES_SHOWN
  return `both have applied the same files, and differ: ${ids.slice(0, DIFFERENCES_SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function differs({ source, target }: StandbyRecord, found: string): Failure {
  const message = `The standby ${target} of ${source} is not what its source is: ${found}. Mend it by hand, or pause it ("capstan standby pause ${source} --to ${target}") and have it seeded anew later.`
  return failure('STANDBY_DIFFERS', message, { source, standby: target })
}

function nobodys({ source, target }: StandbyRecord): Failure {
  const message = `${target} is no standby of ${source} by now, as its own database says: "capstan standby list", and remove it where nobody needs it.`
  return failure('STANDBY_CHANGED', message, { source, standby: target })
}
