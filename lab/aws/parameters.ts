/** Parameter groups: which parameters exist in a family, which may be changed and when a change takes effect, and what a
 *  group means for a server. RDS's own `rds.*` parameters stand for settings that customers cannot touch. */
import type { PostgresMajor } from '../../pgserver/binaries'
import type { Settings } from '../../pgserver/settings'
import type { Catalogue, ParameterDefinition } from '../postgres/catalogue'
import { AwsError, type AwsErrorCode, invalidValue } from './errors'
import {
  type AwsState,
  type DbCluster,
  type DbInstance,
  type Engine,
  key,
  type ParameterGroup,
  type RunningParameters,
} from './state'

export type ParameterValues = Record<string, string>

const OWN_PARAMETERS: readonly ParameterDefinition[] = [
  definition('rds.logical_replication', false, 'boolean', 'Enables logical decoding.'),
  definition('rds.enable_pgactive', false, 'boolean', 'Enables pgactive for the server.'),
  definition('rds.force_ssl', true, 'boolean', 'Force SSL connections.'),
  definition('rds.log_retention_period', true, 'integer', 'Amazon RDS will delete PostgreSQL log that are older than N minutes.'),
  definition('pg_stat_statements.track', true, 'enum', 'Selects which statements are tracked by pg_stat_statements.'),
  definition('pg_stat_statements.max', false, 'integer', 'Sets the maximum number of statements tracked by pg_stat_statements.'),
  definition('pg_stat_statements.track_utility', true, 'boolean', 'Selects whether utility commands are tracked.'),
  definition('pg_stat_statements.track_planning', true, 'boolean', 'Selects whether planning duration is tracked.'),
  definition('pg_stat_statements.save', true, 'boolean', 'Save pg_stat_statements statistics across server shutdowns.'),
]

/** Kept by the cloud: paths, code to load, the network, durability, archiving and recovery. */
const FIXED =
  /^(fsync|full_page_writes|wal_level|port|listen_addresses|data_directory|hba_file|ident_file|external_pid_file|cluster_name|config_file|event_source|password_encryption|logging_collector|(log_(destination|directory|filename|file_mode))|(unix_socket|ssl|bonjour|krb|archive|restore|recovery|primary|promote|syslog|dynamic_shared|shared_memory_type|huge_page|wal_sync_method|data_sync|ignore_|zero_damaged|allow_|local_preload|session_preload|dynamic_library|lc_messages|update_process|restart_after|trace_|synchronous_standby).*)$/

/** Whatever names a file, a program or a library, in this version of PostgreSQL or a later one. */
const OUTSIDE = /_(command|director(y|ies)|file|librar(y|ies)|provider)$|^(dynamic_library_path|timezone_abbreviations)$/

/** Those of RDS's list that these binaries have: a library runs as the server's user. */
const PRELOADABLE = ['auto_explain', 'pg_prewarm', 'pg_stat_statements']
const PRELOADED = 'shared_preload_libraries'

/** Families that there are, with what they are of. */
const FAMILIES: readonly { family: string; engine: Engine; major: PostgresMajor }[] = (
  ['postgres', 'aurora-postgresql'] as const
).flatMap((engine) => ([15, 17] as const).map((major) => ({ family: `${engine}${major}`, engine, major })))

/** Aurora has these for all members alike: a DB parameter group of its families does not have them. Source: Aurora user guide, "Aurora
 *  PostgreSQL cluster-level parameters". */
const CLUSTERS_OWN = new Set([
  'max_logical_replication_workers',
  'max_replication_slots',
  'max_wal_senders',
  'rds.force_ssl',
  'rds.logical_replication',
])

export function familyOf({ engine, major }: { engine: Engine; major: PostgresMajor }): string {
  return `${engine}${major}`
}

/** @throws AwsError InvalidParameterValue. */
export function majorOfFamily(family: string): PostgresMajor {
  const found = FAMILIES.find((one) => one.family === family)
  if (!found) throw invalidValue(`ParameterGroupFamily ${family} is not a valid parameter group family`)
  return found.major
}

export function defaultGroups(region: string): ParameterGroup[] {
  return FAMILIES.map(({ family }) => {
    const description = `Default parameter group for ${family}`
    return { region, name: `default.${family}`, family, description, tags: {}, parameters: {} }
  })
}

export function defaultClusterGroups(region: string): ParameterGroup[] {
  return FAMILIES.filter(({ engine }) => engine === 'aurora-postgresql').map(({ family }) => {
    const description = `Default cluster parameter group for ${family}`
    return { region, ofCluster: true, name: `default.${family}`, family, description, tags: {}, parameters: {} }
  })
}

/** @throws AwsError DBParameterGroupNotFound. */
export function findGroup(state: AwsState, region: string, name: string): ParameterGroup {
  const wanted = name.toLowerCase()
  const known = [...defaultGroups(region), state.parameterGroups[key(region, wanted)]]
  const group = known.find((candidate) => candidate?.name === wanted)
  if (!group) throw new AwsError('DBParameterGroupNotFound', `DBParameterGroup not found: ${wanted}`)
  return group
}

/** @throws AwsError; `absent`: for an operation that has an error of its own for it. */
export function findClusterGroup(
  state: AwsState,
  region: string,
  name: string,
  absent: AwsErrorCode = 'DBParameterGroupNotFound',
): ParameterGroup {
  const wanted = name.toLowerCase()
  const known = [...defaultClusterGroups(region), state.clusterParameterGroups[key(region, wanted)]]
  const group = known.find((candidate) => candidate?.name === wanted)
  if (!group) throw new AwsError(absent, `DBClusterParameterGroup not found: ${wanted}`)
  return group
}

/** What a cluster's members read for all of them. */
export function clusterGroupOf(state: AwsState, { region, major, parameterGroup }: DbCluster): ParameterGroup {
  return findClusterGroup(state, region, parameterGroup ?? `default.${familyOf({ engine: 'aurora-postgresql', major })}`)
}

/** What there is to be set in a group, by name. */
export function definitionsFor({ family, ofCluster }: ParameterGroup, catalogue: Catalogue): ParameterDefinition[] {
  const all = [...catalogue.values(), ...OWN_PARAMETERS].sort((a, b) => (a.name < b.name ? -1 : 1))
  return ofCluster || !family.startsWith('aurora') ? all : all.filter(({ name }) => !CLUSTERS_OWN.has(name))
}

/** What a server runs with: what its own group says goes before what its cluster's does, except where that alone may say it. */
export function runningValues({ parameters, cluster }: RunningParameters): ParameterValues {
  if (!cluster) return parameters
  const own = Object.entries(parameters).filter(([name]) => !CLUSTERS_OWN.has(name))
  return { ...cluster.parameters, ...Object.fromEntries(own) }
}

/** Whether a member's server still runs with something else than its cluster's group says now. */
export function awaitsReboot(state: AwsState, cluster: DbCluster, { running }: Pick<DbInstance, 'running'>): boolean {
  const group = clusterGroupOf(state, cluster)
  const now = groupValues(group)
  const read = running.cluster
  if (!read) return false
  const names = new Set([...Object.keys(now), ...Object.keys(read.parameters)])
  return read.group !== group.name || [...names].some((name) => now[name] !== read.parameters[name])
}

export function isModifiable(name: string): boolean {
  return name === PRELOADED || !(FIXED.test(name) || OUTSIDE.test(name))
}

/** @throws AwsError InvalidDBParameterGroupState for a default group, which stays as it is. */
export function requireCustom({ name }: ParameterGroup, what: 'modified' | 'deleted'): void {
  if (!name.startsWith('default.')) return
  throw new AwsError('InvalidDBParameterGroupState', `The parameter group ${name} is a default group and cannot be ${what}.`)
}

/** `value`: undefined for the default. @throws AwsError InvalidParameterValue for an unknown or fixed name, or a value outside its range. */
export function checkParameter(
  known: readonly ParameterDefinition[],
  name: string,
  value: string | undefined,
): ParameterDefinition {
  const found = known.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase())
  if (!found) throw invalidValue(`Could not find parameter with name: ${name}`)
  if (!isModifiable(found.name)) throw invalidValue(`The parameter ${found.name} cannot be modified.`)
  if (value !== undefined && !isAllowed(found, value))
    throw invalidValue(`Invalid parameter value: ${value} for: ${found.name} allowed values are: ${allowedValues(found)}`)
  return found
}

export function allowedValues(parameter: ParameterDefinition): string | undefined {
  if (parameter.type === 'boolean') return '0,1'
  if (parameter.name === PRELOADED) return PRELOADABLE.join(',')
  return parameter.minimum === '' ? undefined : `${parameter.minimum}-${parameter.maximum}`
}

/** The settings of a server that runs with these values. */
export function serverSettings(values: ParameterValues): Settings {
  const logical = values['rds.logical_replication'] === '1'
  const own = Object.entries(values).filter(([name, value]) => !name.startsWith('rds.') && !isFormula(value))
  return {
    shared_buffers: '64MB',
    shared_preload_libraries: 'pg_stat_statements',
    log_line_prefix: '%t:%r:%u@%d:[%p]:',
    ...Object.fromEntries(own),
    wal_level: logical ? 'logical' : 'replica',
  }
}

export function groupValues(group: ParameterGroup): ParameterValues {
  return Object.fromEntries(Object.entries(group.parameters).map(([name, { value }]) => [name, value]))
}

function isAllowed(parameter: ParameterDefinition, value: string): boolean {
  if (/[\r\n\0]/.test(value)) return false
  if (parameter.name === 'rds.force_ssl') return value === '0' || value === '1'
  if (parameter.name === PRELOADED) return value === '' || value.split(',').every((name) => PRELOADABLE.includes(name.trim()))
  if (parameter.type === 'boolean') return /^(0|1|on|off|true|false)$/i.test(value)
  if (parameter.type === 'string' || parameter.type === 'enum' || isFormula(value)) return true
  const number = Number(value)
  const whole = parameter.type === 'real' || Number.isInteger(number)
  const low = parameter.minimum === '' || number >= Number(parameter.minimum)
  const high = parameter.maximum === '' || number <= Number(parameter.maximum)
  return value.trim() !== '' && whole && low && high
}

/** RDS computes these from the instance class, which is a name without meaning here: the server's default stays. */
function isFormula(value: string): boolean {
  return value.includes('{') || /^(GREATEST|LEAST|SUM)\(/.test(value)
}

function definition(name: string, dynamic: boolean, type: ParameterDefinition['type'], description: string): ParameterDefinition {
  return { name, dynamic, type, minimum: '', maximum: '', description }
}
