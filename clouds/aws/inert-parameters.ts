/** The parameter group of an inert copy: the source's own settings, and on top what keeps the copy from acting on the outside.
 *  It is given to the restore itself, so it holds before the first start: a copy of a subscriber would otherwise wake up with
 *  its subscriptions enabled and attach to production's slots. */
import type { Parameter, RDS } from '@aws-sdk/client-rds'
import { failure } from '../../contracts/failures'
import { assertMine } from '../owner'
import type { CallOptions, Owner } from '../port'
import { errorName } from './failures'
import { everyOf, findGroup, type GroupKind, type ParameterGroup } from './parameter-groups'
import { ownersTags, tagRecord } from './tags'

/** Libraries that start jobs of their own. */
const SCHEDULERS = new Set(['pg_cron', 'pg_timetable', 'pg_partman_bgw'])

/** Subscribe by workers of their own, and cannot be left out: their triggers on changes of the schema would fail without them. */
const SUBSCRIBERS = ['pglogical', 'pgactive']

/** RDS preloads pgactive where this is 1. Source: RDS user guide, "Using pgactive to support active-active replication". */
const PGACTIVE_SWITCH = 'rds.enable_pgactive'

/** What at 0 lets none of PostgreSQL's own subscriptions start. */
export const NO_SUBSCRIPTIONS: Parameter = atStart('max_logical_replication_workers', '0')

/** No background worker starts at all, and nothing runs in parallel. */
export const NO_WORKERS: Parameter = atStart('max_worker_processes', '0')

function atStart(ParameterName: string, ParameterValue: string): Parameter {
  return { ParameterName, ParameterValue, ApplyMethod: 'pending-reboot' }
}

/** `default.postgres15` groups cannot be copied with changes wanted here, and a new group of the family equals them. */
function isDefaultGroup(name: string): boolean {
  return name.startsWith('default.')
}

async function createGroup(
  kind: GroupKind,
  rds: RDS,
  { name, source, owner }: { name: string; source: Pick<ParameterGroup, 'name' | 'family'>; owner: Owner },
  options: CallOptions,
): Promise<void> {
  const group = { name, description: `Inert copy for ${owner.operation}`, tags: ownersTags(owner) }
  try {
    if (isDefaultGroup(source.name)) await kind.create(rds, { ...group, family: source.family })
    else await kind.copy(rds, { ...group, source: source.name })
  } catch (error) {
    if (!/^DB(Cluster)?ParameterGroupAlreadyExists/.test(errorName(error))) throw error
    const found = await findGroup(kind, rds, name, options)
    const tags = found && (await rds.listTagsForResource({ ResourceName: found.arn }, { abortSignal: options.signal }))
    assertMine(`${kind.what} ${name}`, tagRecord(tags?.TagList), owner)
  }
}

/** What somebody has set in it. */
async function settingsIn(kind: GroupKind, rds: RDS, group: string, options: CallOptions): Promise<ReadonlyMap<string, string>> {
  const changed = await everyOf((marker) => kind.changed(rds, { name: group, marker }, options))
  return new Map(changed.map(({ ParameterName = '', ParameterValue = '' }) => [ParameterName, ParameterValue]))
}

function librariesOf(settings: ReadonlyMap<string, string>): string[] {
  return (settings.get('shared_preload_libraries') ?? '').split(',').map((library) => library.trim())
}

function withoutSchedulers(libraries: readonly string[]): Parameter[] {
  const kept = libraries.filter((library) => !SCHEDULERS.has(library))
  return kept.length === libraries.length ? [] : [atStart('shared_preload_libraries', kept.join(','))]
}

function isIn(settings: ReadonlyMap<string, string>, { ParameterName = '', ParameterValue = '' }: Parameter): boolean {
  return (settings.get(ParameterName) ?? '') === ParameterValue
}

export interface InertGroup {
  readonly name: string
  /** That of the instance, or of the cluster, that is copied; a family where that is gone. */
  readonly sourceGroup: string | { readonly family: string }
  /** What it has to say beside which libraries it loads. */
  readonly parameters: readonly Parameter[]
  readonly owner: Owner
}

/** Of a family there need not be a default group: an account gets it with its first instance. */
async function sourceOf(
  kind: GroupKind,
  rds: RDS,
  group: InertGroup['sourceGroup'],
  options: CallOptions,
): Promise<Pick<ParameterGroup, 'name' | 'family'>> {
  if (typeof group !== 'string') return { name: `default.${group.family}`, family: group.family }
  const source = await findGroup(kind, rds, group, options)
  if (source !== null) return source
  throw failure('CLOUD_REFUSED', `The source's ${kind.what.toLowerCase()} ${group} is gone.`, { parameterGroup: group })
}

/** Makes the group for a copy, and sees that it has what keeps it inert: no restore is to begin before that. Safe to repeat.
 *  @returns whether it loads what subscribes by workers of its own. @throws NOT_READY_YET. */
export async function ensureInertParameters(
  kind: GroupKind,
  rds: RDS,
  input: InertGroup,
  options: CallOptions,
): Promise<{ subscribes: boolean }> {
  const { name, sourceGroup, owner } = input
  const source = await sourceOf(kind, rds, sourceGroup, options)
  await createGroup(kind, rds, { name, source, owner }, options)
  // of the source: a group that was copied just now may not show everything yet
  const sources = typeof sourceGroup === 'string' ? await settingsIn(kind, rds, sourceGroup, options) : new Map<string, string>()
  const libraries = librariesOf(sources)
  const switchedOn = !['0', 'off', undefined].includes(sources.get(PGACTIVE_SWITCH))
  const subscribes = switchedOn || SUBSCRIBERS.some((library) => libraries.includes(library))
  const wanted = new Set(subscribes ? [...input.parameters, NO_WORKERS] : input.parameters)
  const before = await settingsIn(kind, rds, name, options)
  const parameters = [...wanted, ...withoutSchedulers(libraries)].filter((parameter) => !isIn(before, parameter))
  if (parameters.length > 0) {
    await kind.modify(rds, name, parameters)
    const standing = await settingsIn(kind, rds, name, options)
    if (!parameters.every((parameter) => isIn(standing, parameter))) {
      throw failure('NOT_READY_YET', `${kind.what} ${name} does not show yet what it was given.`, { parameterGroup: name })
    }
  }
  return { subscribes }
}
