/** Server parameters, which the API calls configurations: which there are, what they may be, and what they make of a server. They are
 *  PostgreSQL's own, asked of a new server, since it alone knows its defaults, units and enumerations. Values are as the API has them:
 *  numbers without units, in the parameter's own unit. */
import type { Settings } from '../../pgserver/settings'
import { AzureError } from './errors'
import type { AzureServer } from './state'

export type DataType = 'Boolean' | 'Enumeration' | 'Integer' | 'Numeric' | 'Set' | 'String'

export interface FlexibleParameter {
  readonly name: string
  readonly dataType: DataType
  readonly description: string
  readonly defaultValue: string
  /** As the API shows it: `on,off`, `1-100`, `a,b,c`. Undefined for free text. */
  readonly allowedValues: string | undefined
  readonly unit: string | undefined
  /** False: takes effect at a start of the server only. */
  readonly dynamic: boolean
  readonly readOnly: boolean
}

/** By name in lower case. */
export type FlexibleParameters = ReadonlyMap<string, FlexibleParameter>

/** A row of `pg_settings`. */
export interface SettingRow {
  readonly name: string
  readonly setting: string
  readonly boot_val: string | null
  readonly unit: string | null
  readonly vartype: 'bool' | 'enum' | 'integer' | 'real' | 'string'
  readonly min_val: string | null
  readonly max_val: string | null
  readonly enumvals: readonly string[] | null
  readonly context: string
  readonly short_desc: string
}

export const SETTINGS_QUESTION = `SELECT name, setting, boot_val, unit, vartype, min_val, max_val, enumvals, context, short_desc
  FROM pg_settings WHERE name !~ '[.]' ORDER BY lower(name)`

/** Kept by the cloud: paths, programs, code to load, the network, durability, archiving, recovery. */
const KEPT =
  /^(fsync|full_page_writes|port|listen_addresses|hba_file|ident_file|external_pid_file|cluster_name|config_file|event_source|password_encryption|logging_collector|(log_(destination|directory|filename|file_mode))|(unix_socket|ssl|bonjour|krb|archive|restore|recovery|primary|promote|syslog|dynamic_shared|shared_memory|huge_page|wal_sync_method|data_|debug_|ignore_|zero_damaged|allow_|local_preload|session_preload|dynamic_library|lc_messages|update_process|restart_after|trace_|synchronous_standby|summarize_wal|backtrace|jit_provider|server_|in_hot|integer_date|block_|segment_|wal_block|wal_segment|max_identifier|max_function|max_index|lc_co|lc_ct|remove_temp|shared_memory_size).*)$|_(command|director(y|ies)|file|librar(y|ies)|provider)$|^timezone_abbreviations$/

const PRELOADED = 'shared_preload_libraries'
/** Those of Azure's list that these binaries have: a library runs as the server's user. */
const PRELOADABLE = 'auto_explain,pg_prewarm,pg_stat_statements'

const DATA_TYPES = {
  bool: 'Boolean',
  enum: 'Enumeration',
  integer: 'Integer',
  real: 'Numeric',
  string: 'String',
} as const satisfies Record<SettingRow['vartype'], DataType>

/** Azure's own, which PostgreSQL does not know. */
const REQUIRE_TLS: FlexibleParameter = {
  name: 'require_secure_transport',
  dataType: 'Boolean',
  description: 'Whether client connections to the server are required to use some form of secure transport.',
  defaultValue: 'on',
  allowedValues: 'on,off',
  unit: undefined,
  dynamic: true,
  readOnly: false,
}

export function parametersOf(rows: readonly SettingRow[]): FlexibleParameters {
  const parameters = [...rows.map(parameterOf), REQUIRE_TLS].sort((a, b) =>
    a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1,
  )
  return new Map(parameters.map((parameter) => [parameter.name.toLowerCase(), parameter]))
}

export function requiresTls({ running }: Pick<AzureServer, 'running'>): boolean {
  return running[REQUIRE_TLS.name] !== 'off'
}

function parameterOf(row: SettingRow): FlexibleParameter {
  const kept = row.context === 'internal' || (KEPT.test(row.name) && row.name !== PRELOADED)
  return {
    name: row.name,
    dataType: row.name === PRELOADED ? 'Set' : DATA_TYPES[row.vartype],
    description: row.short_desc,
    // what the cloud keeps may name places of this machine
    defaultValue: kept ? (row.boot_val ?? '') : row.setting,
    allowedValues: allowedValues(row),
    unit: row.unit ?? undefined,
    dynamic: row.context !== 'postmaster' && row.context !== 'internal',
    readOnly: kept,
  }
}

function allowedValues(row: SettingRow): string | undefined {
  if (row.name === PRELOADED) return PRELOADABLE
  if (row.name === 'wal_level') return 'replica,logical'
  if (row.vartype === 'bool') return 'on,off'
  if (row.vartype === 'enum') return row.enumvals?.join(',')
  return row.min_val === null || row.max_val === null ? undefined : `${row.min_val}-${row.max_val}`
}

/** What only PostgreSQL could find wrong. */
export function checkedByServer(name: string, value: string): AzureError {
  return new AzureError(
    'ServerParameterToCMSUnAllowedParameterValue',
    `Value '${value.slice(0, 200)}' is invalid for server parameter '${name}'. PostgreSQL does not take it.`,
  )
}

/** @returns the value in the spelling of the allowed one. @throws AzureError ServerParameterToCMSUnAllowedParameterValue. */
export function checkValue(parameter: FlexibleParameter, value: string): string {
  const found = parameter.readOnly ? undefined : matching(parameter, value)
  if (found !== undefined) return found
  const why = parameter.readOnly ? 'It is read-only.' : `Allowed values are '${parameter.allowedValues ?? ''}'.`
  throw new AzureError(
    'ServerParameterToCMSUnAllowedParameterValue',
    `Value '${value.slice(0, 200)}' is invalid for server parameter '${parameter.name}'. ${why}`,
  )
}

function matching({ dataType, allowedValues: allowed = '' }: FlexibleParameter, value: string): string | undefined {
  if (/[\r\n\0]/.test(value) || value.length > 4_000) return undefined
  switch (dataType) {
    case 'Boolean':
    case 'Enumeration':
      return allowed.split(',').find((name) => name.toLowerCase() === value.toLowerCase())
    case 'Integer':
      return /^-?\d{1,19}$/.test(value) && within(Number(value), allowed) ? String(Number(value)) : undefined
    case 'Numeric':
      return /^-?\d{1,300}(\.\d{1,300})?(e[+-]?\d{1,3})?$/i.test(value) && within(Number(value), allowed) ? value : undefined
    case 'Set': {
      const names = value.split(',').map((name) => name.trim())
      return value === '' || names.every((name) => allowed.split(',').includes(name)) ? names.join(',') : undefined
    }
    case 'String':
      return value
  }
}

/** `range`: as `-1-100`, `0-1.79769e+308`. */
function within(number: number, range: string): boolean {
  const bounds = /^(-?[\d.e+]+)-(-?[\d.e+]+)$/i.exec(range)
  return !bounds || (number >= Number(bounds[1]) && number <= Number(bounds[2]))
}

/** The settings of a server as it is to be now. Azure makes a server read-only when its disk is full. */
export function serverSettings({ running }: Pick<AzureServer, 'running'>, now: { full: boolean }): Settings {
  const { [REQUIRE_TLS.name]: _, ...own } = running
  return {
    shared_buffers: '64MB',
    shared_preload_libraries: 'pg_stat_statements',
    log_line_prefix: '%t-%c-',
    ...own,
    ...(now.full && { default_transaction_read_only: 'on' }),
  }
}
