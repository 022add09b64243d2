/** The embedded default in a folder of its own: a real Temporal server, ledger, lab and worker, for end-to-end tests. Everything is stopped
 *  and removed by `close`. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import { readConfig } from '../../embedded/config'
import type { Program } from '../../embedded/processes/program'
import { type Stack, startStack } from '../../embedded/stack'
import { workerProgram } from '../../embedded/worker-program'
import { type Ledger, openLedger } from '../../ledger/ledger'

export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface CapstanStack {
  readonly stack: Stack
  readonly ledger: Ledger
  readonly temporal: Client
  readonly dir: string
  /** Runs `capstan …` as a user would, and waits for its end. */
  capstan(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<CommandResult>
  /** Lets the worker kill itself once at `<activity>#<n>:<boundary>`. */
  arm(failpoint: string): void
  /** Takes a failpoint back; false: it was reached, or never armed. */
  disarm(failpoint: string): boolean
  /** `kill -9` of the worker that runs now; resolves when its successor polls. */
  killWorker(): Promise<void>
  /** Another worker, beside the supervised one or in its stead. */
  spareWorker(differing?: { readonly temporalAddress?: string; readonly queues?: string }): Promise<SpareWorker>
  /** Workers that died, so far. */
  deaths(): number
  close(): Promise<void>
}

export interface SpareWorker {
  readonly pid: number
  /** `kill -9`; resolves when it is gone. */
  kill(): Promise<void>
}

export interface CapstanOptions {
  /** A folder with another `dist/`, such as one with a changed program. */
  readonly clone?: string
  /** For the worker. */
  readonly env?: Readonly<Record<string, string>>
}

const ROOT = join(__dirname, '../..')

export async function startCapstan(options: CapstanOptions = {}): Promise<CapstanStack> {
  const dir = mkdtempSync(join(tmpdir(), 'capstan-e2e-'))
  // PostgreSQL runs as another user when we are root, and has to get through.
  chmodSync(dir, 0o711)
  const failpoints = join(dir, 'failpoints')
  mkdirSync(failpoints)
  let deaths = 0
  const config = readConfig({
    ...process.env,
    CAPSTAN_STATE_DIR: join(dir, 'state'),
    CAPSTAN_FAILPOINTS: failpoints,
    CAPSTAN_LOG_LEVEL: 'warn',
    ...options.env,
  })
  const chosen = options.clone === undefined ? config : { ...config, clone: options.clone }
  const spares: SpareWorker[] = []
  const stack = await startStack(chosen, {
    restart: ({ name, state }) => {
      if (name === 'worker' && state === 'died') deaths += 1
    },
    progress: () => undefined,
  })
  const { temporal, ledgerUrl, labApi } = stack.endpoints
  const connection = await Connection.connect({ address: temporal.address })
  const ledger = openLedger({ url: ledgerUrl, applicationName: 'capstan-e2e' })
  const environment = {
    ...process.env,
    CAPSTAN_STATE_DIR: join(dir, 'state'),
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    CAPSTAN_LEDGER_URL: ledgerUrl,
    CAPSTAN_LAB_API: labApi,
    USER: 'alice',
  }
  return {
    stack,
    ledger,
    temporal: new Client({ connection, namespace: temporal.namespace }),
    dir,
    capstan: (args, env = {}) => runCapstan(args, { ...environment, ...env }),
    arm: (failpoint) => writeFileSync(join(failpoints, failpoint), ''),
    disarm(failpoint) {
      const file = join(failpoints, failpoint)
      const armed = existsSync(file)
      rmSync(file, { force: true })
      return armed
    },
    async killWorker() {
      const pid = stack.worker.pid()
      if (pid === null) throw new Error('no worker is running now')
      const next = stack.worker.successor(pid)
      process.kill(pid, 'SIGKILL')
      await next
    },
    async spareWorker({ temporalAddress = temporal.address, queues } = {}) {
      const { lab, block, secrets } = stack
      const program = workerProgram({ config: chosen, temporalAddress, ledgerUrl, lab, block, secrets })
      const env = queues === undefined ? program.env : { ...program.env, CAPSTAN_TASK_QUEUES: queues }
      const log = join(dir, 'state', 'logs', `spare-${spares.length + 1}.log`)
      const spare = await startSpare({ ...program, env }, log)
      spares.push(spare)
      return spare
    },
    deaths: () => deaths,
    async close() {
      await Promise.all(spares.map((spare) => spare.kill()))
      await ledger.close()
      await connection.close()
      await stack.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

async function startSpare(program: Program, logFile: string): Promise<SpareWorker> {
  const log = openSync(logFile, 'a', 0o600)
  const child = spawn(program.command, program.args, { env: program.env, stdio: ['ignore', 'pipe', log] })
  closeSync(log)
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  if (child.stdout !== null) await Promise.race([once(child.stdout, 'data'), exited])
  if (child.pid === undefined || child.exitCode !== null) throw new Error(`the spare worker did not start: see ${logFile}`)
  return {
    pid: child.pid,
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

function runCapstan(args: readonly string[], env: NodeJS.ProcessEnv): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [join(ROOT, 'bin/capstan.js'), ...args], { env, maxBuffer: 16e6 }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') return reject(error)
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
  })
}
