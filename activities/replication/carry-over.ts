/** A standby brought to where its source is: each file that the source has applied and the standby has not, at the line behind which nothing has come yet.
 *  Whatever ends it in between leaves a file there whole or not at all, and the standby at its line: docs/decisions/0035. */
import type { BundledMigration } from '../../contracts/bundle'
import { failure } from '../../contracts/failures'
import type { DeclaredStandby, StandbyId, StandbyNames, StandbyState } from '../../contracts/standby'
import type { Session } from '../../postgres/connect/session'
import type { ApplyEvent } from '../../postgres/migrate/events'
import { endOlderBackends, standingEpoch } from '../../postgres/migrate/fence'
import { readHistory } from '../../postgres/migrate/history'
import { type ResolvedMigration, resolveMigrations } from '../../postgres/migrate/resolve'
import {
  ensureBound,
  ensureLine,
  LINE_TABLE,
  lineHad,
  readBound,
  readLines,
  type SchemaLine,
} from '../../postgres/migrate/schema-line'
import { type Carried, carryOne } from '../../postgres/replicate/at-the-line'
import { refreshSubscription } from '../../postgres/replicate/subscription'
import { type CarryStep, toCarry } from '../../postgres/replicate/to-carry'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { epochAbove } from '../schema/epoch'
import { hasFilesOf } from './applied'
import type { Follower, Replicating, ReplicationActivities } from './contract'
import { standingInKeyhole } from './keyhole'
import { onSide, unknownTo } from './make'
import { notes } from './notes'
import { refuseOtherThan, standing } from './record'
import { type Both, followerOf, looking, opener, type Place, raisedOn, type SideName } from './sides'

type Told = { readonly summary: string }
type Places = Readonly<Record<SideName, Place>>

/** What is paused, or broken, whoever resumes it brings to its source. */
const CARRIED_TO: readonly StandbyState[] = ['following', 'late', 'copying']

export async function prepareCarryOver(
  deps: ActivityDeps,
  input: Parameters<ReplicationActivities['prepareCarryOver']>[0],
): Promise<{ epoch: number }> {
  const { id, places } = await followerIn(deps, input)
  const record = await standing(deps, id)
  refuseOtherThan(CARRIED_TO, id, record.state)
  if (record.instances.target !== input.sides.standby.instanceId) throw replaced(id)
  const stands = await looking(deps, places.standby, 'migrator', standingEpoch)
  const inKeyhole = await standingInKeyhole(deps, places.standby)
  return { epoch: await epochAbove(deps, input.operation, input.lock, Math.max(stands, inKeyhole)) }
}

function replaced({ source, target }: StandbyId): Error {
  const message = `The instance of ${target} is another one than the one that the standby was made with: remove the standby, then set it up again.`
  return failure('TARGET_MISMATCH', message, { source, standby: target })
}

export async function carryOverTo(deps: ActivityDeps, input: Parameters<ReplicationActivities['carryOver']>[0]): Promise<Told> {
  const { id, places } = await followerIn(deps, input)
  const { names } = await standing(deps, id)
  const held = await deps.ledger.getBundle(input.bundle)
  const withinMs = carryWithinMs(followerOf(held, input.standby).declared)
  return carryOver(deps, { id, places, names, migrations: held.migrations, epoch: input.epoch, withinMs })
}

const WITHIN_MS = 20 * 60_000

/** How long a migration waits at each file. */
export const carryWithinMs = (declared: DeclaredStandby): number => declared.carryWithinMs ?? WITHIN_MS

async function followerIn(deps: ActivityDeps, { standby, sides, ...ref }: Follower): Promise<{ id: StandbyId; places: Places }> {
  const held = await deps.ledger.getBundle(ref.bundle)
  const request = followerOf(held, standby)
  const { operation, step, bundle } = ref
  const place = (side: SideName, entry: Place['entry']): Place => ({
    ref: { operation, step, bundle },
    entry,
    address: sides[side],
  })
  const places = { source: place('source', held.database), standby: place('standby', request.standby) }
  return { id: { source: held.database.name, target: standby }, places }
}

export interface CarryingOver {
  readonly id: StandbyId
  readonly places: Places
  readonly names: StandbyNames
  /** Of the source, in the bundle; none: its files were not to be had. */
  readonly migrations: readonly BundledMigration[]
  /** Under which the standby is changed. */
  readonly epoch: number
  /** As `CarryInput` has it. */
  readonly withinMs?: number
}

/** The subscription has to be enabled: its worker has to come to the line. Safe to repeat. Throws what `toCarry` and `carryOne` throw, MIGRATIONS_MISSING where
 *  files are lacking and none were to be had, DATABASE_REFUSED where it has passed the last line and tables of it were not copied there. */
export async function carryOver(deps: ActivityDeps, carrying: CarryingOver): Promise<Told> {
  const { places, id, migrations } = carrying
  return looking(deps, places.source, 'migrator', async (source) => {
    const lines = await readLines(source)
    const { rows } = await readHistory(source)
    const { history, bound } = await looking(deps, places.standby, 'migrator', async (standby) => ({
      history: (await readHistory(standby)).rows,
      bound: await readBound(standby),
    }))
    if (bound === null) throw withoutLine(id)
    if (hasFilesOf(rows, history) && bound.line >= lastOf(lines) && bound.deferred === 0) return { summary: NOTHING }
    if (bound.deferred > 0 && bound.line >= lastOf(lines)) throw neverCopied(id, bound.deferred)
    if (migrations.length === 0) throw withoutFiles(id)
    const resolved = resolveMigrations(migrations)
    const steps = await toCarry({ resolved, lines, sourceHistory: rows, standbyHistory: history, bound: bound.line })
    return { summary: steps.length === 0 ? NOTHING : await carryEach(deps, carrying, { source, resolved, steps }) }
  })
}

const NOTHING = 'it has all that its source has'
const lastOf = (lines: readonly SchemaLine[]): number => lines.at(-1)?.line ?? 0

interface ToRun {
  readonly source: Session
  readonly resolved: readonly ResolvedMigration[]
  readonly steps: readonly CarryStep[]
}

/** The row is raised once for all of them: what an older attempt left running there is ended, as either role. */
async function carryEach(
  deps: ActivityDeps,
  { places: { standby }, names, epoch, withinMs }: CarryingOver,
  { source, resolved, steps }: ToRun,
): Promise<string> {
  const token = await raisedOn(deps, standby, epoch)
  const progress = notes(deps, standby.ref)
  const { lockTimeoutMs } = standby.entry.policy
  const { signal } = currentAct()
  const admin = await opener(deps, standby, 'admin', token)()
  const done: { readonly step: CarryStep; readonly carried: Carried }[] = []
  try {
    await endOlderBackends(admin, token)
    for (const step of steps) {
      assertMayAct()
      progress.tell(`${standby.entry.name}: ${step.script} (${done.length + 1} of ${steps.length})`)
      const carried = await carryOne({
        ...{ step, resolved, admin, source, names, token, signal },
        connect: opener(deps, standby, 'migrator', token),
        limits: { lockTimeoutMs },
        withinMs,
        mayAct: () => void assertMayAct(),
        onEvent: (event: ApplyEvent) => {
          if (event.type === 'statement-started')
            progress.tell(`${standby.entry.name}: ${event.script}:${event.line} ${event.kind}`)
        },
      })
      done.push({ step, carried })
    }
  } finally {
    await admin.close()
    await progress.settle()
  }
  return told(done)
}

function told(done: readonly { readonly step: CarryStep; readonly carried: Carried }[]): string {
  const scripts = done.map(({ step: { script } }) => script)
  const files = `${scripts.length === 1 ? scripts[0] : `${scripts.length} files, ${scripts[0]} to ${scripts.at(-1)}`}`
  const copying = done.flatMap(({ carried }) => carried.copying)
  const deferred = done.findLast(({ step }) => step.line !== null)?.carried.deferred ?? []
  const waiting = deferred.length === 0 ? '' : `; empty until they are copied at the last line: ${deferred.join(', ')}`
  const unguarded = done.findLast(({ step }) => step.line !== null)?.carried.unguarded ?? []
  const open = unguarded.length === 0 ? '' : `; without a guard until it is resumed: ${unguarded.join(', ')}`
  return `${files} carried over${copying.length === 0 ? '' : `; being copied: ${copying.join(', ')}`}${waiting}${open}`
}

function neverCopied({ source, target }: StandbyId, tables: number): Error {
  const message = `${tables} tables of the standby ${target} were to be copied at its last line, and were not, so that it lacks their rows: "capstan standby reseed ${source} --to ${target}" seeds it anew.`
  return failure('DATABASE_REFUSED', message, { source, standby: target, tables })
}

function withoutLine({ source, target }: StandbyId): Error {
  const message = `The standby ${target} of ${source} has no line at which it could wait: "capstan standby resume ${source} --to ${target}" gives it one.`
  return failure('STANDBY_CHANGED', message, { source, standby: target })
}

function withoutFiles({ source, target }: StandbyId): Error {
  const message = `${source} has applied files that ${target} has not, and the folder of its migrations could not be read, or holds none: "capstan fleet check" says what is wrong with it. Then have this done again.`
  return failure('MIGRATIONS_MISSING', message, { source, standby: target })
}

/** One that was made before there were lines gets one, and its source tells of those to come; of any other nothing is changed. To be called before it follows,
 *  and the line before it is published: what is written behind a file would pass else. Safe to repeat. */
export async function giveLine(
  deps: ActivityDeps,
  input: Replicating,
  { request }: Both,
  { publication }: StandbyNames,
  lines: readonly SchemaLine[],
): Promise<void> {
  const { signal } = currentAct()
  await onSide(deps, input, 'standby', async ({ migrator, token }) => {
    if ((await readBound(migrator)) !== null) return
    const { rows } = await readHistory(migrator)
    assertMayAct()
    await ensureBound(migrator, { line: lineHad(lines, rows), token, signal })
  })
  await onSide(deps, input, 'source', async ({ migrator, token }) => {
    assertMayAct()
    await ensureLine(migrator, { publication, publisher: request.declared.publisher.user, token, signal })
  })
}

/** A subscription that has not heard of the line's table passes over what comes to it, and the files with it. Where its source has gone past the bound already, it
 *  would apply what is behind to the schema before. Throws DATABASE_REFUSED; to be called before it follows. */
export async function refusePassing(
  deps: ActivityDeps,
  standby: Place,
  {
    id: { source, target },
    names,
    lines,
  }: { readonly id: StandbyId; readonly names: StandbyNames; readonly lines: readonly SchemaLine[] },
): Promise<void> {
  const passes = await looking(deps, standby, 'migrator', async (session) => {
    if ((await unknownTo(session, names, [LINE_TABLE])).length === 0) return false
    return lastOf(lines) > ((await readBound(session))?.line ?? 0)
  })
  if (!passes) return
  const message = `${source} has migrated since ${target} was given its line, and before it followed by it, so that it would not stop there: "capstan standby reseed ${source} --to ${target}" seeds it anew.`
  throw failure('DATABASE_REFUSED', message, { source, standby: target })
}

/** The rest of it, once it follows: the source is asked, and only by a subscription that is enabled. Safe to repeat. */
export async function learnOfLine(deps: ActivityDeps, input: Replicating, names: StandbyNames): Promise<void> {
  await onSide(deps, input, 'standby', async ({ admin, token }) => {
    if ((await unknownTo(admin, names, [LINE_TABLE])).length === 0) return
    assertMayAct()
    await refreshSubscription(admin, { name: names.subscription, copyData: true, token, signal: currentAct().signal })
  })
}
