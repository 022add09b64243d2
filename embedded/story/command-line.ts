/** The story does nothing that a reader could not: it runs the same commands, from the same command line. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { failure } from '../../contracts/failures'
import { identify } from '../../pgserver/process-identity'
import type { EmbeddedConfig } from '../config'
import { childEnvironment } from '../processes/environment'
import { ProcessRecords } from '../processes/records'
import type { Endpoints } from '../state/endpoints'

export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export class CommandLine {
  readonly #config: EmbeddedConfig
  readonly #env: Readonly<NodeJS.ProcessEnv>
  readonly #signal: AbortSignal
  readonly #records: ProcessRecords

  constructor(config: EmbeddedConfig, { temporal, ledgerUrl }: Endpoints, signal: AbortSignal) {
    this.#config = config
    // Named outright, so that whatever else runs in this clone is not found instead.
    this.#env = {
      ...childEnvironment(config.inherited, /^NO_COLOR$/),
      CAPSTAN_STATE_DIR: config.folders.state,
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: temporal.namespace,
      CAPSTAN_LEDGER_URL: ledgerUrl,
      // How long a killed worker goes unnoticed: on one machine silence means death sooner than across a network.
      CAPSTAN_HEARTBEAT_TIMEOUT_MS: '3000',
    }
    this.#signal = signal
    this.#records = new ProcessRecords(join(config.folders.state, 'processes.json'))
  }

  /** Runs a command to its end; each line of its standard output is passed on as it comes. `secrets`: variables for it alone. */
  run(
    args: readonly string[],
    onLine: (line: string) => void = () => undefined,
    secrets: Readonly<Record<string, string>> = {},
  ): Promise<CommandResult> {
    const child = spawn(process.execPath, [join(this.#config.clone, 'bin', 'capstan.js'), ...args], {
      cwd: this.#config.clone,
      env: { ...this.#env, ...secrets },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const end = (): void => {
      child.kill('SIGTERM')
    }
    const identity = child.pid === undefined ? null : identify(child.pid)
    if (identity !== null) this.#records.add('command', identity)
    this.#signal.addEventListener('abort', end, { once: true })
    const out: string[] = []
    const err: Buffer[] = []
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (line) => {
      out.push(line)
      onLine(line)
    })
    child.stderr.on('data', (part: Buffer) => err.push(part))
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => {
        this.#signal.removeEventListener('abort', end)
        if (identity !== null) this.#records.remove(identity)
        if (this.#signal.aborted) reject(failure('OPERATION_ABORTED', 'Interrupted.'))
        else resolve({ code: code ?? 70, stdout: out.join('\n'), stderr: Buffer.concat(err).toString('utf8').trim() })
      })
    })
  }

  /** A command that has to succeed, with its one JSON document. */
  async json<T>(args: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await this.run([...args, '--json'])
    if (code !== 0)
      throw failure('EMBEDDED_START_FAILED', `capstan ${args.slice(0, 3).join(' ')} ended with ${code}: ${stderr || stdout}`)
    return JSON.parse(stdout) as T
  }
}
