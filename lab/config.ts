/** The lab's command line and environment, read here and nowhere else. */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { parseBlock } from './network'
import { isProfileName, PROFILES, type ProfileName } from './profile'
import type { LabOptions } from './start'

export const USAGE =
  'usage: node dist/lab/main.js --state DIR --block 127.77.3 [--api-port N] [--data-port N] [--profile instant|fast|realistic] [--seed N] [--cache DIR]'

/** @throws Error with one sentence that says what is wrong. */
export function parseConfig(argv: readonly string[], environment: NodeJS.ProcessEnv): LabOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      state: { type: 'string' },
      block: { type: 'string' },
      'api-port': { type: 'string', default: '0' },
      'data-port': { type: 'string', default: '0' },
      profile: { type: 'string' },
      seed: { type: 'string' },
      cache: { type: 'string' },
    },
  })
  if (values.state === undefined) throw new Error('--state is missing: the folder that keeps the lab.')
  if (values.block === undefined) throw new Error('--block is missing: three numbers of 127/8, as in 127.77.3.')
  return {
    stateDir: resolve(values.state),
    cacheDir: resolve(values.cache ?? defaultCacheDir(environment)),
    block: parseBlock(values.block),
    apiPort: parsePort('--api-port', values['api-port']),
    dataPort: parsePort('--data-port', values['data-port']),
    profile: parseProfile(values.profile, environment),
    seed: parseSeed(values.seed, environment),
  }
}

/** The option, else CAPSTAN_LAB_PROFILE, else fast. */
function parseProfile(option: string | undefined, environment: NodeJS.ProcessEnv): ProfileName {
  const [name, profile] =
    option !== undefined ? ['--profile', option] : ['CAPSTAN_LAB_PROFILE', environment.CAPSTAN_LAB_PROFILE || 'fast']
  if (isProfileName(profile)) return profile
  throw new Error(`${name} is "${profile}"; there are: ${Object.keys(PROFILES).join(', ')}.`)
}

/** The option, else CAPSTAN_LAB_SEED, else 1. */
function parseSeed(option: string | undefined, environment: NodeJS.ProcessEnv): number {
  const [name, seed] = option !== undefined ? ['--seed', option] : ['CAPSTAN_LAB_SEED', environment.CAPSTAN_LAB_SEED || '1']
  if (/^\d{1,10}$/.test(seed) && Number(seed) <= 0xffffffff) return Number(seed)
  throw new Error(`${name} is "${seed}"; a whole number from 0 to 4294967295 is wanted.`)
}

/** As root a folder that the server's user can enter, which root's home is not. */
export function defaultCacheDir(environment: NodeJS.ProcessEnv): string {
  if (environment.XDG_CACHE_HOME) return join(environment.XDG_CACHE_HOME, 'capstan')
  return process.getuid?.() === 0 ? '/var/cache/capstan' : join(homedir(), '.cache', 'capstan')
}

function parsePort(option: string, value: string): number {
  const port = Number(value)
  if (!/^\d+$/.test(value) || port > 65_535) throw new Error(`${option} is "${value}"; a port from 0 (any) to 65535 is wanted.`)
  return port
}
