/** What every command is given: where it writes, its settings, and doors that are closed again whatever happens. */
import { type Ledger, openLedger } from '../../ledger/ledger'
import { ledgerUrlOf, readSettings, type Settings, temporalOf } from '../config'
import type { Doors } from '../decide'
import type { Vigilance } from '../health-watch'
import { connectTemporal } from '../temporal'
import { type Io, jsonLine, type Paint, paintFor } from './io'

export class CliContext {
  readonly io: Io
  readonly paint: Paint
  readonly vigilance: Vigilance
  readonly #env: NodeJS.ProcessEnv
  #settings: Settings | null = null
  /** The process's exit code, unless a command fails. */
  exit = 0

  constructor(io: Io, env: NodeJS.ProcessEnv, vigilance: Vigilance) {
    this.io = io
    this.vigilance = vigilance
    this.paint = paintFor(io)
    this.#env = env
  }

  /** Read when first needed: `--help` works with a broken environment. */
  get settings(): Settings {
    this.#settings ??= readSettings(this.#env)
    return this.#settings
  }

  lines(lines: readonly string[]): void {
    this.io.out(lines.map((line) => `${line}\n`).join(''))
  }

  /** One JSON document, the only thing on standard output. */
  json(document: unknown): void {
    this.io.out(jsonLine(document))
  }

  async withLedger<T>(work: (ledger: Ledger) => Promise<T>): Promise<T> {
    const ledger = openLedger({ url: ledgerUrlOf(this.settings), applicationName: 'capstan-cli' })
    try {
      return await work(ledger)
    } finally {
      await ledger.close()
    }
  }

  /** Both doors, each proven: nothing is written before both have answered. */
  async withDoors<T>(work: (doors: Doors) => Promise<T>): Promise<T> {
    const target = temporalOf(this.settings)
    return await this.withLedger(async (ledger) => {
      const temporal = await connectTemporal(target)
      try {
        return await work({ ledger, temporal })
      } finally {
        await temporal.close()
      }
    })
  }

  historyUrl(operation: string): string | null {
    const { temporalUiUrl, temporal } = this.settings
    if (temporalUiUrl === null || temporal === null) return null
    return `${temporalUiUrl.replace(/\/+$/, '')}/namespaces/${encodeURIComponent(temporal.namespace)}/workflows/${operation}`
  }
}
