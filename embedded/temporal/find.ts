/** Where the Temporal dev server comes from. Looked for in one fixed order, nearest first; what has to be fetched or built is
 *  done once and kept in the cache. Nothing is downloaded or built when one of the earlier places has it. */
import { execFile } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { failure } from '../../contracts/failures'
import { buildWithGo } from './build'
import { downloadCli } from './download'
import { TEMPORAL_CLI_VERSION } from './version'

const run = promisify(execFile)

export type TemporalSource =
  | { readonly kind: 'server'; readonly address: string }
  | { readonly kind: 'binary'; readonly path: string; readonly origin: 'configured' | 'path' | 'cache' | 'download' | 'go' }

export interface TemporalSearch {
  /** Use this server and start none. */
  readonly address: string | null
  /** A binary to use before all others. */
  readonly cli: string | null
  readonly searchPath: readonly string[]
  readonly cacheDir: string
  /** `https://temporal.download`, or a mirror. */
  readonly downloadHost: string
  /** How long the download host may take to answer, in milliseconds. */
  readonly answerTimeoutMs: number
  readonly environment: Readonly<NodeJS.ProcessEnv>
  /** Called with what is being done when it takes long. */
  readonly progress: (doing: string) => void
}

/** Where a fetched or built binary is kept. */
export function cachedCli(cacheDir: string): string {
  return join(cacheDir, 'temporal', `${TEMPORAL_CLI_VERSION}-${process.platform}-${process.arch}`, 'temporal')
}

/** @throws Failure OPTION_INVALID when the configured binary is none; FOLDER_NOT_OURS when others could put one into the cache;
 *  EMBEDDED_START_FAILED naming every place looked at. */
export async function findTemporal(search: TemporalSearch): Promise<TemporalSource> {
  if (search.address !== null) return { kind: 'server', address: search.address }
  if (search.cli !== null) return { kind: 'binary', path: configured(search.cli), origin: 'configured' }
  const onPath = await temporalOnPath(search.searchPath)
  if (onPath !== null) return { kind: 'binary', path: onPath, origin: 'path' }
  const target = cachedCli(search.cacheDir)
  assertOnlyOurs(search.cacheDir, target)
  if (isProgram(target)) return { kind: 'binary', path: target, origin: 'cache' }
  const download = await downloadCli({ ...search, target, version: TEMPORAL_CLI_VERSION })
  if (download.ok) return { kind: 'binary', path: target, origin: 'download' }
  const go = programOnPath('go', search.searchPath)
  const build =
    go === null ? { ok: false as const, reason: 'there is no go on PATH' } : await buildWithGo({ ...search, go, target })
  if (build.ok) return { kind: 'binary', path: target, origin: 'go' }
  throw failure(
    'EMBEDDED_START_FAILED',
    [
      'No Temporal server was found. Looked, in this order, at: TEMPORAL_ADDRESS (not set), CAPSTAN_TEMPORAL_CLI (not set),',
      `"temporal" on PATH (none), the cache (${target}: none), ${search.downloadHost} (${download.reason}),`,
      `go install github.com/temporalio/cli/cmd/temporal@${TEMPORAL_CLI_VERSION} (${build.reason}).`,
      'Any one of them is enough: install the Temporal CLI (https://docs.temporal.io/cli), or Go, and start again.',
    ].join(' '),
  )
}

export function programOnPath(name: string, searchPath: readonly string[]): string | null {
  return searchPath.map((folder) => join(folder, name)).find(isProgram) ?? null
}

/** A program of that name that is not Temporal's CLI is passed over. */
async function temporalOnPath(searchPath: readonly string[]): Promise<string | null> {
  for (const folder of searchPath) {
    const path = join(folder, 'temporal')
    if (isProgram(path) && (await saysTemporal(path))) return path
  }
  return null
}

async function saysTemporal(path: string): Promise<boolean> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: 10_000 })
    return /^temporal version/i.test(stdout)
  } catch {
    return false
  }
}

function configured(path: string): string {
  if (isProgram(path)) return path
  throw failure('OPTION_INVALID', `CAPSTAN_TEMPORAL_CLI names ${path}, which is not a program that can be run here.`)
}

/** What lies in the cache is run: nobody but us and root may be able to put it there. What is not there yet is made so. */
function assertOnlyOurs(cacheDir: string, target: string): void {
  for (const path of [cacheDir, dirname(dirname(target)), dirname(target), target]) {
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats === undefined) continue
    const { uid, mode } = stats
    if ((uid === 0 || uid === process.getuid?.()) && (mode & 0o022) === 0) continue
    throw failure(
      'FOLDER_NOT_OURS',
      `${path} can be changed by other users of this machine, so no program is run from it: remove it, or take the right from them (chmod go-w).`,
      { path },
    )
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
