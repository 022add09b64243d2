/** Builds Temporal's CLI with Go: 2 to 5 minutes on 2 cores, once per machine. Two builders at once both succeed;
 *  the second to start waits for the first and finds the work done. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { lockWithin } from '../../pgserver/lock-file'
import { type Made, makeInPlace } from './place'
import { TEMPORAL_CLI_VERSION } from './version'

const BUILD_TIMEOUT_MS = 20 * 60_000

export interface Build {
  readonly go: string
  readonly target: string
  readonly environment: Readonly<NodeJS.ProcessEnv>
  readonly progress: (doing: string) => void
}

export async function buildWithGo(build: Build): Promise<Made> {
  build.progress(`building Temporal ${TEMPORAL_CLI_VERSION} with Go, some minutes, once`)
  const parent = dirname(dirname(build.target))
  mkdirSync(parent, { recursive: true, mode: 0o755 })
  const lock = await lockWithin(join(parent, 'build.lock'), 'build', ['build'], BUILD_TIMEOUT_MS)
  if (!lock.taken) return { ok: false, reason: `process ${lock.owner.pid} has been building it for 20 minutes` }
  try {
    if (existsSync(build.target)) return { ok: true }
    await makeInPlace(build.target, async (folder) => {
      await goInstall(build, folder)
      return join(folder, 'temporal')
    })
    return { ok: true }
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : 'it failed' }
  } finally {
    lock.release()
  }
}

async function goInstall(build: Build, folder: string): Promise<void> {
  const env = { ...build.environment, GOBIN: folder }
  const child = spawn(build.go, ['install', `github.com/temporalio/cli/cmd/temporal@${TEMPORAL_CLI_VERSION}`], {
    cwd: folder,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: BUILD_TIMEOUT_MS,
  })
  const said: Buffer[] = []
  child.stderr.on('data', (part: Buffer) => said.push(part))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`it failed: ${lastLine(Buffer.concat(said).toString('utf8'))}`)
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}
