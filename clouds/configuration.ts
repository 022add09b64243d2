/** What adapters share about configurations: what differs between two, what of that a cloud can be told, and what keeps a copy inert. */
import { type Failure, failure } from '../contracts/failures'
import {
  CONFIGURATION_PARTS,
  type ConfigurationKind,
  type ConfigurationPart,
  type InstanceConfiguration,
} from '../contracts/instance-configuration'
import { EXPIRES_TAG, OPERATION_TAG, PROTECTED_TAG, REPLACED_BY_TAG, STEP_TAG, type Tags, TOOK_OVER_TAG } from './owner'
import type { InstanceDescription } from './port'

export interface ConfigurationDifference {
  readonly part: ConfigurationPart
  /** As `monitoring.intervalSeconds`, `parameters.values.work_mem`, `tags.team`. */
  readonly setting: string
  /** Null: none. */
  readonly wanted: string | null
  readonly found: string | null
  /** It is what keeps a copy inert, and goes with that. */
  readonly keepsInert: boolean
  readonly message: string
}

/** What two instances of one kind are set up differently in; `instance`, `capturedAt` and what neither holds are not compared. */
export function differences(
  wanted: InstanceConfiguration,
  found: InstanceConfiguration,
  parts: readonly ConfigurationPart[] = CONFIGURATION_PARTS,
): ConfigurationDifference[] {
  return parts.flatMap((part) => {
    const [before, after] = [settingsOf(part, wanted[part]), settingsOf(part, found[part])]
    const names = [...new Set([...before.keys(), ...after.keys()])].sort()
    return names.flatMap((setting) => {
      const [want, have] = [before.get(setting) ?? null, after.get(setting) ?? null]
      if (want === have) return []
      const message = `${setting} is ${have ?? 'none'}, wanted was ${want ?? 'none'}`
      return [{ part, setting, wanted: want, found: have, keepsInert: isInertness(setting), message }]
    })
  })
}

/** Objects are gone into, lists are one value each, and null is no value. */
function settingsOf(name: string, value: unknown): Map<string, string> {
  if (value === null || value === undefined) return new Map()
  if (Array.isArray(value)) return value.length === 0 ? new Map() : new Map([[name, value.map(String).join(', ')]])
  if (typeof value !== 'object') return new Map([[name, String(value)]])
  return new Map(Object.entries(value).flatMap(([key, field]) => [...settingsOf(`${name}.${key}`, field)]))
}

/** Parameters by which subscriptions, schedulers and their like start: `applyConfiguration` leaves them as they are. */
const ACTING =
  /^(max_logical_replication_workers|max_worker_processes|shared_preload_libraries|rds\.enable_pgactive|cloudsql\.enable_pg_cron|cloudsql\.enable_pglogical|cron\..+)$/

export function isActing(parameter: string): boolean {
  return ACTING.test(parameter)
}

function isInertness(setting: string): boolean {
  return /^parameters\.(group|clusterGroup)$/.test(setting) || isActing(setting.replace(/^parameters\.values\./, ''))
}

/** How a cloud is told a setting, by its name without what is below it. Null, or none: it cannot be told so. */
export type Setters<Change> = Readonly<
  Record<string, (wanted: InstanceConfiguration, standing: InstanceConfiguration) => Change | null>
>

/** Set by calls of their own. */
const SEPARATE = /^(parameters\..+|network\.rules)$/

export interface Wanted<Change> {
  readonly changes: readonly Change[]
  /** What was captured but not held, and what differs and cannot be told. */
  readonly notCarried: readonly string[]
}

export function changesTo<Change>(
  setters: Setters<Change>,
  {
    wanted,
    standing,
    parts,
  }: {
    readonly wanted: InstanceConfiguration
    readonly standing: InstanceConfiguration
    readonly parts: readonly ConfigurationPart[]
  },
): Wanted<Change> {
  const asked = new Map<string, Change>()
  const notCarried = [...wanted.notCarried]
  for (const { part, setting, wanted: value, message } of differences(wanted, standing, parts)) {
    // tags that nobody captured are somebody's all the same
    if (SEPARATE.test(setting) || (part === 'tags' && value === null)) continue
    const name = part === 'tags' ? part : setting.split('.').slice(0, 2).join('.')
    const change = asked.get(name) ?? setters[name]?.(wanted, standing) ?? null
    if (change === null) notCarried.push(message)
    else asked.set(name, change)
  }
  return { changes: [...asked.values()], notCarried }
}

/** Several changes of one resource as one: what is below a name is put together. */
export function combined<Change extends object>(changes: readonly Change[]): Change {
  const all: Record<string, unknown> = {}
  for (const [name, value] of changes.flatMap((change) => Object.entries(change))) {
    const before = all[name]
    all[name] = isPlain(before) && isPlain(value) ? { ...before, ...value } : value
  }
  return all as Change
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @throws CLOUD_REFUSED for one of another kind of instance, or of a later version. */
export function assertKind(configuration: InstanceConfiguration, kind: ConfigurationKind): void {
  if (configuration.kind === kind && configuration.version === 1) return
  throw refusedConfiguration(
    configuration,
    `it is of the kind ${configuration.kind}, version ${configuration.version}; wanted is one of ${kind}, version 1.`,
  )
}

export function refusedConfiguration({ instance }: InstanceConfiguration, why: string): Failure {
  return failure('CLOUD_REFUSED', `The configuration captured of ${instance} cannot be applied: ${why}`, { instance })
}

/** What every configuration begins with. */
export function headOf(kind: ConfigurationKind, { name, instanceId }: Pick<InstanceDescription, 'name' | 'instanceId'>) {
  return { version: 1, kind, instance: name, instanceId, capturedAt: new Date().toISOString() } as const
}

/** Without those that say whose a resource is, and without the protection's, which is a part of its own. */
export function plainTags(tags: Tags): Tags {
  const ours = [OPERATION_TAG, STEP_TAG, EXPIRES_TAG, PROTECTED_TAG, TOOK_OVER_TAG, REPLACED_BY_TAG]
  return Object.fromEntries(Object.entries(tags).filter(([name]) => !ours.includes(name)))
}

/** As part of `notCarried`; nothing where there is none. */
export function named(what: string, names: readonly (string | null | undefined)[] | null | undefined): string[] {
  const given = (names ?? []).filter((name) => name !== null && name !== undefined && name !== '')
  return given.length === 0 ? [] : [`${what}: ${given.join(', ')}`]
}
