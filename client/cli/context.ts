/** What every command is given: where it writes, its settings, and doors that are closed again whatever happens. */
import { Failure } from '../../contracts/failures'
import { type Ledger, openLedger } from '../../ledger/ledger'
import { ledgerUrlOf, readSettings, type Settings, temporalOf } from '../config'
import type { Doors } from '../decide'
import { connectTemporal, type TemporalDoor } from '../temporal'
import type { Vigilance } from '../wait'
import { type Io, type Paint, paintFor } from './io'

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
    this.io.out(`${JSON.stringify(document)}\n`)
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

  /** The ledger, and Temporal when it can be had: reading an operation needs only the first. */
  async withLedgerAndMaybeTemporal<T>(work: (ledger: Ledger, temporal: TemporalDoor | null) => Promise<T>): Promise<T> {
    return await this.withLedger(async (ledger) => {
      const temporal = await this.#maybeTemporal()
      try {
        return await work(ledger, temporal)
      } finally {
        await temporal?.close()
      }
    })
  }

  async #maybeTemporal(): Promise<TemporalDoor | null> {
    if (this.settings.temporal === null) return null
    try {
      return await connectTemporal(this.settings.temporal)
    } catch (error) {
      if (error instanceof Failure) return null
      throw error
    }
  }

  historyUrl(operation: string): string | null {
    const { temporalUiUrl, temporal } = this.settings
    if (temporalUiUrl === null || temporal === null) return null
    return `${temporalUiUrl.replace(/\/+$/, '')}/namespaces/${encodeURIComponent(temporal.namespace)}/workflows/${operation}`
  }
}
