/** The client's environment, read once. What is not set comes from the embedded default of this clone, when there is one. */
import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import path from 'node:path'
import { failure } from '../contracts/failures'

export interface TemporalTarget {
  readonly address: string
  readonly namespace: string
}

export interface Settings {
  readonly temporal: TemporalTarget | null
  /** The page of Temporal's own interface for a workflow's history; null when unknown. */
  readonly temporalUiUrl: string | null
  readonly ledgerUrl: string | null
  readonly fleet: string | null
  /** The lab's own API. */
  readonly labApi: string | null
  readonly heartbeatTimeoutMs: number
  readonly requestedBy: string
  /** Show the stack of an unexpected error. */
  readonly debug: boolean
  readonly embedded: 'none' | 'stopped' | 'running'
}

/** What a running embedded default says about itself in `<stateDir>/endpoints.json`. */
interface Endpoints {
  readonly temporal?: { readonly address?: string; readonly namespace?: string; readonly uiUrl?: string | null }
  readonly ledgerUrl?: string
  readonly fleet?: string
  readonly labApi?: string
}

type Environment = Readonly<Record<string, string | undefined>>

const HEARTBEAT_TIMEOUT_MS = 5_000

/** The compiled program lies in `<dist>/client`. */
export const DIST = path.resolve(__dirname, '..')

export function readSettings(env: Environment = process.env, dist: string = DIST): Settings {
  const { endpoints, embedded } = readEndpoints(dist)
  const address = env.TEMPORAL_ADDRESS || endpoints.temporal?.address || null
  const ownTemporal = Boolean(env.TEMPORAL_ADDRESS) && env.TEMPORAL_ADDRESS !== endpoints.temporal?.address
  const namespace = env.TEMPORAL_NAMESPACE || (ownTemporal ? undefined : endpoints.temporal?.namespace) || 'default'
  return {
    temporal: address === null ? null : { address, namespace },
    temporalUiUrl: ownTemporal ? null : (endpoints.temporal?.uiUrl ?? null),
    ledgerUrl: env.CAPSTAN_LEDGER_URL || endpoints.ledgerUrl || null,
    fleet: env.CAPSTAN_FLEET || endpoints.fleet || null,
    labApi: env.CAPSTAN_LAB_API || endpoints.labApi || null,
    heartbeatTimeoutMs: milliseconds(env, 'CAPSTAN_HEARTBEAT_TIMEOUT_MS', HEARTBEAT_TIMEOUT_MS),
    requestedBy: env.USER || env.LOGNAME || systemUser(),
    debug: env.CAPSTAN_DEBUG === '1',
    embedded,
  }
}

function readEndpoints(dist: string): { endpoints: Endpoints; embedded: Settings['embedded'] } {
  const pointer = readJson(path.join(dist, 'embedded.json'))
  if (typeof pointer?.stateDir !== 'string') return { endpoints: {}, embedded: 'none' }
  const endpoints = readJson(path.join(pointer.stateDir, 'endpoints.json'))
  return endpoints === null ? { endpoints: {}, embedded: 'stopped' } : { endpoints, embedded: 'running' }
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
  if (Number.isInteger(parsed) && parsed > 0) return parsed
  throw failure('OPTION_INVALID', `${name} is "${value}"; it must be a whole number of milliseconds above 0.`, { variable: name })
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
  if (settings.temporal !== null) return settings.temporal
  throw failure('TEMPORAL_UNREACHABLE', `No Temporal server is known; ${howToStart(settings, 'TEMPORAL_ADDRESS')}`)
}

export function ledgerUrlOf(settings: Settings): string {
  if (settings.ledgerUrl !== null) return settings.ledgerUrl
  throw failure('LEDGER_UNREACHABLE', `No ledger is known; ${howToStart(settings, 'CAPSTAN_LEDGER_URL')}`)
}

/** `option`: what `--fleet` said. */
export function fleetFileOf(settings: Settings, option: string | undefined): string {
  const file = option ?? settings.fleet
  if (file !== null) return file
  const message = `No fleet file is known: name one with --fleet FILE; otherwise ${howToStart(settings, 'CAPSTAN_FLEET')}`
  throw failure('FLEET_FILE_MISSING', message)
}

export function labApiOf(settings: Settings, option: string | undefined): string {
  const url = option ?? settings.labApi
  if (url !== null) return url.replace(/\/+$/, '')
  throw failure(
    'LAB_UNREACHABLE',
    'No lab is known; start the embedded default with "npm start", set CAPSTAN_LAB_API, or name one with --lab URL.',
  )
}
