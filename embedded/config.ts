/** The only file of this room that reads the environment: once, into a value that everything else is given. */
import { readFileSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { chooseFolders, type Folders } from './state/folders'

export interface EmbeddedConfig {
  /** The clone this code runs from, without symbolic links. */
  readonly clone: string
  readonly folders: Folders
  /** A Temporal server of the user's own, `host:port`. */
  readonly temporalAddress: string | null
  readonly temporalNamespace: string
  /** A `temporal` binary to use before all others. */
  readonly temporalCli: string | null
  /** Where Temporal's CLI is downloaded: its vendor, or a mirror. */
  readonly temporalDownload: string
  readonly searchPath: readonly string[]
  readonly colour: boolean
  /** What children inherit, a worker's failpoints among it. */
  readonly inherited: Readonly<NodeJS.ProcessEnv>
}

export function readConfig(env: NodeJS.ProcessEnv = process.env): EmbeddedConfig {
  const clone = findClone(__dirname)
  return {
    clone,
    folders: chooseFolders({
      clone,
      uid: process.getuid?.() ?? 0,
      home: env.HOME || homedir(),
      xdgCacheHome: env.XDG_CACHE_HOME || null,
      xdgStateHome: env.XDG_STATE_HOME || null,
      stateDir: env.CAPSTAN_STATE_DIR || null,
    }),
    temporalAddress: env.TEMPORAL_ADDRESS || null,
    temporalNamespace: env.TEMPORAL_NAMESPACE || 'default',
    temporalCli: env.CAPSTAN_TEMPORAL_CLI || null,
    temporalDownload: (env.CAPSTAN_TEMPORAL_DOWNLOAD || 'https://temporal.download').replace(/\/+$/, ''),
    searchPath: (env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''),
    colour: process.stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb',
    inherited: env,
  }
}

/** The nearest folder above with our package.json: this file runs from dist/ and, in tests, from the sources. */
function findClone(from: string): string {
  try {
    const { name } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')) as { name?: unknown }
    if (name === 'capstan') return realpathSync(from)
  } catch {
    // not here: one folder up
  }
  const parent = dirname(from)
  if (parent === from) throw new Error('capstan runs from a clone of its repository, and this is none')
  return findClone(parent)
}
