/** docker-compose.yml as tests read it: anchors resolved, variables replaced by their defaults. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

export const ROOT = join(__dirname, '../..')

export interface Healthcheck {
  readonly test: readonly string[]
}

export interface Service {
  readonly image: string
  readonly user?: string
  readonly command?: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly secrets?: readonly string[]
  readonly configs?: readonly { readonly source: string; readonly target: string }[]
  readonly volumes?: readonly (string | { readonly source: string; readonly target: string; readonly read_only?: boolean })[]
  readonly networks: readonly string[]
  readonly ports?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: Healthcheck
  readonly restart?: string
  readonly profiles?: readonly string[]
  readonly read_only?: boolean
  readonly init?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly stop_grace_period?: string
  readonly deploy?: { readonly resources: { readonly limits: Readonly<Record<'cpus' | 'memory' | 'pids', string | number>> } }
  readonly logging?: { readonly options: Readonly<Record<string, string>> }
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>
  readonly volumes: Readonly<Record<string, object>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
  readonly configs: Readonly<Record<string, { readonly file: string }>>
}

export const composeText = (): string => readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')

/** `${NAME:-default}` becomes the default, `$$` a dollar, as Compose does where nothing is set: in texts only, after reading. */
export function readCompose(text = composeText()): Compose {
  return withDefaults(parse(text, { merge: true })) as Compose
}

function withDefaults(value: unknown): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$\$|\$\{[A-Z0-9_]+:-([^}]*)\}/g, (whole, otherwise: string | undefined) =>
      whole === '$$' ? '$' : (otherwise ?? ''),
    )
  }
  if (Array.isArray(value)) return value.map(withDefaults)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, withDefaults(held)]))
}

/** `20s`, `5m` in milliseconds. */
export function durationMs(text: string): number {
  const found = /^(\d+)(s|m)$/.exec(text)
  if (found === null) throw new Error(`no duration: ${text}`)
  return Number(found[1]) * (found[2] === 'm' ? 60_000 : 1_000)
}

export const isWorker = (name: string): boolean => name.startsWith('worker-')
/** Runs to its end. */
export const isJob = ({ restart }: Service): boolean => restart?.startsWith('on-failure') ?? false
