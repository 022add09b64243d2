/** The client's environment, read once. What is not set comes from the embedded default of this clone, or of CAPSTAN_STATE_DIR when
 *  that is set: then from nowhere else. */
import { readFileSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import path from 'node:path'
import { failure } from '../contracts/failures'
import type { SecretRef } from '../contracts/fleet'
import { createSecretResolver, readSecretVariables } from '../postgres/connect/secret-refs'
import { type CloudAccess, readCloudAccess } from './cloud-access'
import { type Environment, secretVariable } from './environment'
import { cutInput, shownInput } from './shown-input'
import { readTemporalAccess, type TemporalCredentials } from './temporal-access'

export interface TemporalTarget {
  readonly address: string
  readonly namespace: string
  /** Left out: in clear text, without a key. */
  readonly credentials?: TemporalCredentials
}

export interface Settings {
  /** Read whenever asked for, because of the files it may be in: what needs no Temporal works without them. Fails with OPTION_INVALID. */
  readonly temporal: TemporalTarget | null
  /** The page of Temporal's own interface for a workflow's history; null when unknown. */
  readonly temporalUiUrl: string | null
  /** The same; CAPSTAN_LEDGER_URL_FILE may name a file. */
  readonly ledgerUrl: string | null
  readonly fleet: string | null
  /** The lab's own API. */
  readonly labApi: string | null
  /** The lab of the embedded default, with the word it asks for. */
  readonly embeddedLab: LabDoor | null
  /** For whatever lab is asked. */
  readonly labToken: string | null
  /** What the commands of the engine alone work on. */
  readonly databaseUrl: string | null
  /** For a database URL without one. */
  readonly databasePassword: string | null
  /** For the second of two database URLs; null: it has the first one's. */
  readonly targetPassword: string | null
  /** A password that a fleet file refers to, as far as CAPSTAN_SECRET_VARIABLES and CAPSTAN_SECRETS_FOLDER allow it. Fails with
   *  SECRET_UNRESOLVED or OPTION_INVALID. */
  readonly resolveSecret: (ref: SecretRef) => Promise<string>
  /** For what connects to databases by itself: the local address; null: the system's choice. */
  readonly sourceAddress: string | null
  /** How soon the work of a dead worker is given to another. */
  readonly heartbeatTimeoutMs: number
  /** The same for its decisions. */
  readonly workflowTaskTimeoutMs: number
  readonly requestedBy: string
  /** The control plane's own, as hexadecimal digits, in CAPSTAN_SECRET_KEY or the file that CAPSTAN_SECRET_KEY_FILE names; null: not known here. Read
   *  when asked for. Fails with OPTION_INVALID. */
  readonly secretKey: string | null
  /** The folder of the worker's papers, where it is on this machine: CAPSTAN_PAPERS, or the embedded default's. */
  readonly papers: string | null
  /** What seals a journal, as hexadecimal digits, in CAPSTAN_JOURNAL_KEY or the file that CAPSTAN_JOURNAL_KEY_FILE names; null: nothing does. Fails with OPTION_INVALID. */
  readonly journalKey: Buffer | null
  /** For what asks a cloud by itself. */
  readonly clouds: CloudAccess
  /** For the program that moves an endpoint by hand: this environment, with the embedded default's lab. */
  readonly forEndpoints: Environment
  readonly embedded: 'none' | 'stopped' | 'running'
}

/** How to talk to whoever called. Read apart from the rest: it has to be known when the rest is wrong. */
export interface TerminalSettings {
  /** Show the stack of an unexpected error. */
  readonly debug: boolean
  /** A terminal that cannot repaint a line. */
  readonly dumb: boolean
  readonly ci: boolean
  readonly noColour: boolean
  /** Colours although standard output is no terminal. */
  readonly forceColour: boolean
}

export interface LabDoor {
  readonly api: string
  /** What it asks for before it lets anybody change it; null: it asks for nothing. */
  readonly token: string | null
}

/** What a running embedded default says about itself in `<stateDir>/endpoints.json`. */
interface Endpoints {
  readonly temporal?: { readonly address?: string; readonly namespace?: string; readonly uiUrl?: string | null }
  readonly ledgerUrl?: string
  readonly fleet?: string
  readonly labApi?: string
  readonly labToken?: string | null
}

const HEARTBEAT_TIMEOUT_MS = 5_000
const WORKFLOW_TASK_TIMEOUT_MS = 10_000
const MILLISECONDS_MAX = 86_400_000

/** The compiled program lies in `<dist>/client`. */
export const DIST = path.resolve(__dirname, '..')

export function readSettings(env: Environment = process.env, dist: string = DIST): Settings {
  const { endpoints, embedded } = readEndpoints(env, dist)
  const ownTemporal = namesTemporal(env) && env.TEMPORAL_ADDRESS !== endpoints.temporal?.address
  return {
    get temporal() {
      return temporalTarget(env, endpoints)
    },
    temporalUiUrl: ownTemporal ? null : (endpoints.temporal?.uiUrl ?? null),
    get ledgerUrl() {
      return secretVariable(env, 'CAPSTAN_LEDGER_URL') ?? endpoints.ledgerUrl ?? null
    },
    fleet: env.CAPSTAN_FLEET || endpoints.fleet || null,
    labApi: env.CAPSTAN_LAB_API || endpoints.labApi || null,
    embeddedLab: endpoints.labApi === undefined ? null : { api: endpoints.labApi, token: endpoints.labToken ?? null },
    labToken: env.CAPSTAN_LAB_TOKEN || null,
    databaseUrl: env.CAPSTAN_DATABASE_URL || null,
    databasePassword: env.PGPASSWORD || null,
    targetPassword: env.CAPSTAN_TARGET_PASSWORD || null,
    resolveSecret: async (ref) => {
      const variables = readSecretVariables(env.CAPSTAN_SECRET_VARIABLES ?? '')
      return createSecretResolver(env, { variables, folder: env.CAPSTAN_SECRETS_FOLDER || null }, 'command')(ref)
    },
    sourceAddress: env.CAPSTAN_POSTGRES_SOURCE_ADDRESS || null,
    heartbeatTimeoutMs: milliseconds(env, 'CAPSTAN_HEARTBEAT_TIMEOUT_MS', HEARTBEAT_TIMEOUT_MS),
    workflowTaskTimeoutMs: milliseconds(env, 'CAPSTAN_WORKFLOW_TASK_TIMEOUT_MS', WORKFLOW_TASK_TIMEOUT_MS),
    get secretKey() {
      const given = secretVariable(env, 'CAPSTAN_SECRET_KEY')
      // Of another ledger's control plane the embedded default's key tells nothing.
      const own = endpoints.ledgerUrl !== undefined && this.ledgerUrl === endpoints.ledgerUrl
      return given ?? (own ? embeddedKey(env, dist) : null)
    },
    papers: env.CAPSTAN_PAPERS || embeddedPapers(env, dist),
    get journalKey() {
      return journalKeyOf(env)
    },
    requestedBy: env.USER || env.LOGNAME || systemUser(),
    clouds: readCloudAccess(env),
    forEndpoints: { ...labOfEndpoints(endpoints), ...env },
    embedded,
  }
}

function namesTemporal(env: Environment): boolean {
  return Boolean(env.TEMPORAL_ADDRESS || env.TEMPORAL_CONFIG_FILE)
}

/** Keys and certificates belong to the server that is named beside them: the embedded default's is told none. */
function temporalTarget(env: Environment, { temporal: embedded = {} }: Endpoints): TemporalTarget | null {
  if (namesTemporal(env)) {
    const { address, namespace, credentials } = readTemporalAccess(env)
    const embeddedOne = address === embedded.address ? embedded.namespace : undefined
    return { address, namespace: namespace ?? embeddedOne ?? 'default', credentials }
  }
  if (embedded.address === undefined) return null
  return { address: embedded.address, namespace: env.TEMPORAL_NAMESPACE || embedded.namespace || 'default' }
}

/** Never fails. */
export function readTerminalSettings(env: Environment): TerminalSettings {
  return {
    debug: env.CAPSTAN_DEBUG === '1',
    dumb: env.TERM === 'dumb',
    ci: Boolean(env.CI),
    noColour: Boolean(env.NO_COLOR),
    forceColour: Boolean(env.FORCE_COLOR) && env.FORCE_COLOR !== '0',
  }
}

function readEndpoints(env: Environment, dist: string): { endpoints: Endpoints; embedded: Settings['embedded'] } {
  const stateDir = stateDirOf(env, dist)
  if (stateDir === null) return { endpoints: {}, embedded: 'none' }
  if (statSync(stateDir, { throwIfNoEntry: false })?.isFile()) {
    const message = `CAPSTAN_STATE_DIR is ${cutInput(stateDir)}, which is a file; name the folder of an embedded default.`
    throw failure('OPTION_INVALID', message, { variable: 'CAPSTAN_STATE_DIR' })
  }
  const endpoints = readJson(path.join(stateDir, 'endpoints.json'))
  return endpoints === null ? { endpoints: {}, embedded: 'stopped' } : { endpoints, embedded: 'running' }
}

function stateDirOf(env: Environment, dist: string): string | null {
  const stateDir = env.CAPSTAN_STATE_DIR || readJson(path.join(dist, 'embedded.json'))?.stateDir
  return typeof stateDir === 'string' ? stateDir : null
}

/** Its owner alone may read it. */
function embeddedKey(env: Environment, dist: string): string | null {
  const stateDir = stateDirOf(env, dist)
  const key = stateDir === null ? undefined : readJson(path.join(stateDir, 'secrets.json'))?.secretKey
  return typeof key === 'string' ? key : null
}

/** As its worker is told it. */
function labOfEndpoints({ labApi, labToken }: Endpoints): Environment {
  return labApi === undefined || !labToken ? {} : { CAPSTAN_LAB_ENDPOINT: labApi, CAPSTAN_LAB_TOKEN: labToken }
}

function embeddedPapers(env: Environment, dist: string): string | null {
  const stateDir = stateDirOf(env, dist)
  return stateDir === null ? null : path.join(stateDir, 'papers')
}

function journalKeyOf(env: Environment): Buffer | null {
  const given = secretVariable(env, 'CAPSTAN_JOURNAL_KEY')
  if (given === null) return null
  if (/^([0-9a-fA-F]{2}){32,}$/.test(given)) return Buffer.from(given, 'hex')
  const message = 'CAPSTAN_JOURNAL_KEY is no key; it has to be at least 64 hexadecimal digits.'
  throw failure('OPTION_INVALID', message, { variable: 'CAPSTAN_JOURNAL_KEY' })
}

/** Null when the file is not there, not readable for this user, or half-written. */
function readJson(file: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

function milliseconds(env: Environment, name: string, otherwise: number): number {
  const value = env[name]
  if (value === undefined || value === '') return otherwise
  const parsed = Number(value)
  if (/^\d+$/.test(value) && parsed > 0 && parsed <= MILLISECONDS_MAX) return parsed
  const rule = `it must be a whole number of milliseconds, from 1 to ${MILLISECONDS_MAX} (a day)`
  throw failure('OPTION_INVALID', `${name} is ${shownInput(value)}; ${rule}.`, { variable: name })
}

function systemUser(): string {
  try {
    return userInfo().username
  } catch {
    return 'unknown'
  }
}

function howToStart(settings: Settings, variable: string): string {
  const start =
    settings.embedded === 'stopped'
      ? 'the embedded default of this clone is not running: start it with "npm start" or "capstan up"'
      : 'start the embedded default with "npm start"'
  return `${start}, or set ${variable}.`
}

export function temporalOf(settings: Settings): TemporalTarget {
  const { temporal } = settings
  if (temporal !== null) {
    if (isHostAndPort(temporal.address)) return temporal
    const message = `TEMPORAL_ADDRESS is ${shownInput(temporal.address)}; it must be a host and its port, such as 127.0.0.1:7233.`
    throw failure('OPTION_INVALID', message, { variable: 'TEMPORAL_ADDRESS' })
  }
  throw failure('TEMPORAL_UNREACHABLE', `No Temporal server is known; ${howToStart(settings, 'TEMPORAL_ADDRESS')}`)
}

/** `db.internal:7233` or `[::1]:7233`; without a port Temporal's own is meant. */
function isHostAndPort(address: string): boolean {
  const [, port = '7233'] = /^(?:[\p{L}\p{N}._-]+|\[[0-9a-fA-F:.]+\])(?::(\d{1,5}))?$/u.exec(address) ?? [address, '0']
  return Number(port) >= 1 && Number(port) <= 65_535
}

export function ledgerUrlOf(settings: Settings): string {
  const { ledgerUrl } = settings
  if (ledgerUrl !== null) return ledgerUrl
  throw failure('LEDGER_UNREACHABLE', `No ledger is known; ${howToStart(settings, 'CAPSTAN_LEDGER_URL')}`)
}

/** `option`: what `--fleet` said. */
export function fleetFileOf(settings: Settings, option: string | undefined): string {
  const file = option ?? settings.fleet
  if (file === '') throw failure('FLEET_FILE_MISSING', '--fleet is empty; name the fleet file.', { option: 'fleet' })
  if (file !== null) return file
  const message = `No fleet file is known: name one with --fleet FILE; otherwise ${howToStart(settings, 'CAPSTAN_FLEET')}`
  throw failure('FLEET_FILE_MISSING', message)
}

/** `option`: what `--lab` said. The embedded default's word is told to its own lab alone. */
export function labOf(settings: Settings, option: string | undefined): LabDoor {
  const bare = (url: string): string => url.replace(/\/+$/, '')
  const url = option ?? settings.labApi
  if (url !== null) {
    refuseNoAddress(url, option === undefined ? 'CAPSTAN_LAB_API' : '--lab')
    const { embeddedLab } = settings
    const own = embeddedLab !== null && bare(embeddedLab.api) === bare(url) ? embeddedLab.token : null
    return { api: bare(url), token: settings.labToken ?? own }
  }
  throw failure(
    'LAB_UNREACHABLE',
    'No lab is known; start the embedded default with "npm start", set CAPSTAN_LAB_API, or name one with --lab URL.',
  )
}

/** Not repeated: somebody may have put a password into it. */
function refuseNoAddress(url: string, name: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.username === '' && parsed.password === '') return
  const message = `${name} is not the address of a lab; it must be like http://127.77.3.1:40123, without a user or a password.`
  throw failure('OPTION_INVALID', message, { variable: name })
}

/** Null: not known here. Fails with OPTION_INVALID for what is no key, as a worker does. */
export function secretKeyOf({ secretKey }: Settings): Buffer | null {
  if (secretKey === null) return null
  if (/^([0-9a-fA-F]{2}){32,}$/.test(secretKey)) return Buffer.from(secretKey, 'hex')
  const message = 'CAPSTAN_SECRET_KEY is no key; it has to be at least 64 hexadecimal digits, the same as the workers have.'
  throw failure('OPTION_INVALID', message, { variable: 'CAPSTAN_SECRET_KEY' })
}

export interface DatabaseDoor {
  readonly url: string
  /** For a URL that has none. */
  readonly password: string | null
}

/** `option`: what `--url` said; it wins. Fails with OPTION_INVALID. */
export function databaseOf(settings: Settings, option: string | undefined): DatabaseDoor {
  const url = option ?? settings.databaseUrl
  if (url !== null && url !== '') return { url, password: settings.databasePassword }
  const message =
    'No database is named: set CAPSTAN_DATABASE_URL, or give --url postgres://user@host:port/database and its password in PGPASSWORD.'
  throw failure('OPTION_INVALID', message, { option: 'url' })
}
