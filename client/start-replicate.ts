/** The one way to start an operation on a standby, whichever door it came through: to set it up, or to do something with the one that there is. */
import type { BundledMigration, MigrationBundle } from '../contracts/bundle'
import { Failure, failure } from '../contracts/failures'
import { atItsAddress, type DatabaseEntry } from '../contracts/fleet'
import { fenceScope } from '../contracts/instance-fence'
import type { RebuildRequest } from '../contracts/rebuild'
import { type ReplicateRequest, replicateStarter } from '../contracts/replicate'
import type { DeclaredStandby } from '../contracts/standby'
import { printable } from '../postgres/printable'
import type { Doors } from './decide'
import { findDatabase, type LoadedFleet, readFleet } from './fleet/read-fleet'
import { nearest } from './fleet/suggest'
import { backward, type Turned } from './fleet/turned'
import { prepareMigrate } from './prepare-migrate'
import { cutInput, shownInput } from './shown-input'
import { type OperationRequest, type StartedOperation, startOperation } from './start-operation'

export interface ReplicateQuestion {
  readonly fleetFile: string
  /** By its name in the fleet file. */
  readonly source: string
  /** The same; null: the only one that the source declares. */
  readonly standby: string | null
  readonly action: ReplicateRequest['action']
  /** Of `reseed`: one table as `schema.table`; null: all. */
  readonly table: string | null
  /** Of `set-up`: the standby is an old writer, which is emptied. Absent: it is empty. */
  readonly rebuild?: Omit<RebuildRequest, 'beside'>
}

export interface ReplicateBundle extends MigrationBundle {
  readonly replicate: ReplicateRequest
}

/** The bundle: the source's entry with its migrations where the standby's schema is built by them, and what is to be done with which standby. Fails with
 *  the codes of the fleet file, DATABASE_UNKNOWN, OPTION_INVALID where the source declares no such standby, and those of MIGRATION_…. */
export async function prepareReplicate(question: ReplicateQuestion): Promise<ReplicateBundle> {
  const { fleetFile, action, table, rebuild } = question
  const fleet = await readFleet(fleetFile)
  const besides = (old: DatabaseEntry) => (rebuild === undefined ? {} : { rebuild: { ...rebuild, beside: besideOf(fleet, old) } })
  const database = findDatabase(fleet, question.source)
  const isTurned = action !== 'set-up' || rebuild !== undefined
  const turned = isTurned ? turnedPair(fleet, database, question) : null
  if (turned !== null) {
    const { other, declared } = turned
    const replicate: ReplicateRequest = { action, standby: atItsAddress(other), declared, table, ...besides(other) }
    const migrations = await migrationsFor(action, { ...question, source: other.name })
    return { version: 1, database: atItsAddress(database), migrations, replicate }
  }
  const declared = declaredStandby(fleet, database, question)
  const standby = findDatabase(fleet, declared.database)
  const migrations = await migrationsFor(action, question)
  // a name may lead to the other one by now
  if (rebuild !== undefined)
    return {
      version: 1,
      database: atItsAddress(database),
      migrations,
      replicate: { action, standby: atItsAddress(standby), declared, table, ...besides(standby) },
    }
  return { version: 1, database, migrations, replicate: { action, standby, declared, table } }
}

function besideOf({ databases }: LoadedFleet, { name, ...old }: DatabaseEntry): readonly string[] {
  const at = fenceScope(old)
  return databases.filter((one) => one.name !== name && fenceScope(one) === at).map((one) => one.name)
}

/** Once writing has moved, the first writer is the standby: by the `wayBack` that it declares itself. Null: it is no such pair, as far as the file says. */
function turnedPair(fleet: LoadedFleet, source: DatabaseEntry, { standby: wanted }: ReplicateQuestion): Turned | null {
  if (source.standbys !== undefined) return null
  const [only, another] = backward(fleet, source).filter(({ other }) => wanted === null || other.name === wanted)
  return only === undefined || another !== undefined ? null : only
}

/** Whoever pauses one at night, or resumes it, is kept from it by no file that is wrong: a standby that waits for one of them says so when it is resumed. */
async function migrationsFor(
  action: ReplicateQuestion['action'],
  { fleetFile, source }: ReplicateQuestion,
): Promise<readonly BundledMigration[]> {
  if (action === 'pause' || action === 'remove') return []
  try {
    const { bundle } = await prepareMigrate({ fleetFile, database: source, migrations: null })
    return bundle.migrations
  } catch (error) {
    if (action === 'resume' && error instanceof Failure) return []
    throw error
  }
}

function declaredStandby(fleet: LoadedFleet, source: DatabaseEntry, question: ReplicateQuestion): DeclaredStandby {
  const { standby: wanted } = question
  const { standbys = [] } = source
  if (wanted === null) {
    const [only, another] = standbys
    if (only === undefined) throw noneDeclared(fleet, source, question)
    if (another === undefined) return only
    const message = `${source.name} declares ${standbys.length} standbys; name one with --to: ${listed(standbys)}.`
    throw failure('OPTION_INVALID', message, { option: 'to', database: source.name })
  }
  const found = standbys.find(({ database }) => database === wanted)
  if (found !== undefined) return found
  // One that is nowhere in the file is told so first.
  findDatabase(fleet, wanted)
  if (standbys.length === 0) throw noneDeclared(fleet, source, question)
  const meant = nearest(
    wanted,
    standbys.map(({ database }) => database),
  )
  const hint = meant === null ? `it has ${listed(standbys)}` : `did you mean ${meant}`
  const until = question.action === 'remove' ? '; one that is to be removed is declared until that is done' : ''
  const message = `--to is ${shownInput(wanted)}, which ${source.name} does not declare as its standby${until}; ${hint}${meant === null ? '.' : '?'}`
  throw failure('OPTION_INVALID', message, { option: 'to', database: source.name, standby: cutInput(wanted) })
}

function noneDeclared(fleet: LoadedFleet, { name }: DatabaseEntry, { action, rebuild }: ReplicateQuestion): Failure {
  const followed = fleet.databases.find(({ standbys = [] }) => standbys.some(({ database }) => database === name))
  const message =
    followed === undefined
      ? `${name} declares no standby in ${printable(fleet.file)}: add "standbys" to its entry, as docs/fleet-file.md has it.`
      : `${name} declares no standby, it is one: name its source, which is ${followed.name}, and --to ${name}.${action === 'set-up' && rebuild === undefined ? '' : ` Where writing has moved to ${name}, give "wayBack" where ${followed.name} declares it.`}`
  return failure('OPTION_INVALID', message, { option: 'to', database: name })
}

function listed(standbys: readonly DeclaredStandby[]): string {
  return standbys.map(({ database }) => database).join(', ')
}

/** Fails as `startOperation` does. */
export function startReplicate(
  doors: Doors,
  request: Omit<OperationRequest, 'bundle'> & { bundle: ReplicateBundle },
): Promise<StartedOperation> {
  const { database, replicate } = request.bundle
  return startOperation(doors, request, replicateStarter(database, replicate, request.mode))
}
