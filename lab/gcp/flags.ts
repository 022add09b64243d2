/** Database flags: which there are in a version, what they may hold, whether a change restarts the instance, and what a list of them
 *  means for a server. Cloud SQL's own `cloudsql.*` flags stand for settings that customers cannot touch. */
import type { Settings } from '../../pgserver/settings'
import type { Catalogue, ParameterDefinition } from '../postgres/catalogue'
import { GcpError, invalid } from './errors'
import { FLAG_NAMES } from './flag-names'

export type Flag = { name: string; value: string }

/** `ignored`: taken and shown, without effect here. */
const OWN_FLAGS: readonly ParameterDefinition[] = [
  own('cloudsql.logical_decoding', false, 'Enables logical decoding: the write-ahead log holds what it needs.'),
  own('cloudsql.iam_authentication', true, 'IAM authentication.'),
  own('cloudsql.enable_auto_explain', false, 'Loads auto_explain.'),
  { ...own('pg_stat_statements.max', false, ''), type: 'integer', minimum: '100', maximum: '2147483647' },
  own('pg_stat_statements.save', true, ''),
  own('pg_stat_statements.track_utility', true, ''),
  own('pg_stat_statements.track_planning', true, ''),
  { ...own('pg_stat_statements.track', true, ''), type: 'enum' },
]

const ENUMERATIONS: Readonly<Record<string, readonly string[]>> = {
  constraint_exclusion: ['on', 'off', 'partition'],
  default_toast_compression: ['pglz'],
  default_transaction_isolation: ['serializable', 'repeatable read', 'read committed', 'read uncommitted'],
  log_error_verbosity: ['terse', 'default', 'verbose'],
  log_min_error_statement: severities(),
  log_min_messages: severities(),
  log_statement: ['none', 'ddl', 'mod', 'all'],
  'pg_stat_statements.track': ['none', 'top', 'all'],
  plan_cache_mode: ['auto', 'force_generic_plan', 'force_custom_plan'],
  synchronous_commit: ['local', 'remote_write', 'remote_apply', 'on', 'off'],
  track_functions: ['none', 'pl', 'all'],
  wal_compression: ['on', 'off', 'pglz'],
}

/** Those of one version, by name. */
export function flagsOf(catalogue: Catalogue): ParameterDefinition[] {
  return [...catalogue.values()].filter(({ name }) => FLAG_NAMES.has(name)).concat(OWN_FLAGS)
}

/** The texts that an enumeration allows; undefined for what is none. */
export function allowedTexts(flag: ParameterDefinition): readonly string[] | undefined {
  return ENUMERATIONS[flag.name]
}

/** @throws GcpError invalidFlagName for one that there is not, invalidFlagValue for a value that it cannot have. */
export function checkFlags(catalogue: Catalogue, flags: readonly Flag[]): void {
  const offered = new Map(flagsOf(catalogue).map((flag) => [flag.name, flag]))
  const seen = new Set<string>()
  for (const { name = '', value = '' } of flags) {
    const flag = offered.get(name)
    if (!flag) throw new GcpError('invalidFlagName', `Flag requested cannot be set: ${name.slice(0, 100)}.`)
    if (seen.has(name)) throw invalid(`The flag ${name} is given more than once`)
    seen.add(name)
    const why = objection(flag, value)
    if (why !== undefined) {
      throw new GcpError(
        'invalidFlagValue',
        `Value requested is not valid. Failed to set ${name}: ${value.slice(0, 100)} ${why}.`,
      )
    }
  }
}

/** The ones whose change takes effect at a start of the server only. */
export function needRestart(catalogue: Catalogue, before: readonly Flag[], after: readonly Flag[]): boolean {
  const fixed = new Set(flagsOf(catalogue).flatMap(({ name, dynamic }) => (dynamic ? [] : [name])))
  const values = (flags: readonly Flag[]): string =>
    JSON.stringify(
      flags
        .filter(({ name }) => fixed.has(name))
        .map(({ name, value }) => [name, value])
        .sort(),
    )
  return values(before) !== values(after)
}

/** The settings of a server that runs with these flags. */
export function serverSettings(flags: readonly Flag[]): Settings {
  const value = (name: string): string | undefined => flags.find((flag) => flag.name === name)?.value
  const libraries = ['pg_stat_statements', ...(value('cloudsql.enable_auto_explain') === 'on' ? ['auto_explain'] : [])]
  const own = flags.filter(({ name }) => !name.startsWith('cloudsql.')).map((flag) => [flag.name, flag.value])
  return {
    shared_buffers: '64MB',
    shared_preload_libraries: libraries.join(','),
    log_line_prefix: '%m [%p]: [%l-1] db=%d,user=%u ',
    ...Object.fromEntries(own),
    wal_level: value('cloudsql.logical_decoding') === 'on' ? 'logical' : 'replica',
  }
}

/** What is wrong with a value, or nothing. */
function objection(flag: ParameterDefinition, value: string): string | undefined {
  if (/[\r\n\0]/.test(value)) return 'holds a line break'
  const texts = allowedTexts(flag)
  if (texts) return texts.includes(value) ? undefined : 'was not an expected string'
  if (flag.type === 'boolean') return value === 'on' || value === 'off' ? undefined : 'is neither on nor off'
  if (flag.name === 'TimeZone') return isTimeZone(value) ? undefined : 'is no time zone'
  if (flag.type !== 'integer' && flag.type !== 'real') return undefined
  const number = Number(value)
  const spelled = flag.type === 'integer' ? /^-?\d{1,15}$/.test(value) : /^-?\d{1,15}(\.\d{1,15})?$/.test(value)
  const low = flag.minimum === '' || number >= Number(flag.minimum)
  const high = flag.maximum === '' || number <= Number(flag.maximum)
  return spelled && low && high ? undefined : `is not within ${flag.minimum} and ${flag.maximum}`
}

function isTimeZone(value: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

function severities(): string[] {
  return ['debug5', 'debug4', 'debug3', 'debug2', 'debug1', 'info', 'notice', 'warning', 'error', 'log', 'fatal', 'panic']
}

function own(name: string, dynamic: boolean, description: string): ParameterDefinition {
  return { name, dynamic, type: 'boolean', minimum: '', maximum: '', description }
}
