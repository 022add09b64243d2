/** The writer's process, and what its journal proves afterwards. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '../../contracts/failures'
import { identify } from '../../pgserver/process-identity'
import type { EmbeddedConfig } from '../config'
import { childEnvironment } from '../processes/environment'
import { ProcessRecords } from '../processes/records'
import type { Stack } from '../stack'
import { applicationAddress } from '../worker-program'
import type { ShopAddress, ShopSession } from './shop-database'

/** The writer reports once a second; a rate needs two reports. */
const WARM_UP_MS = 1_100

export interface TrafficCounts {
  readonly acknowledged: number
  readonly inDoubt: number
  readonly errors: number
  /** Longest transaction as a customer felt it, in milliseconds. */
  readonly longestMs: number
}

export class Traffic {
  readonly journal: string
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  #counts: TrafficCounts = { acknowledged: 0, inDoubt: 0, errors: 0, longestMs: 0 }
  #said = ''
  #mark = { acknowledged: 0, at: Date.now() }
  #reportedAt = 0

  constructor(config: EmbeddedConfig, stack: Stack, address: ShopAddress) {
    this.journal = join(config.folders.state, 'shop-journal')
    rmSync(this.journal, { force: true })
    const options = {
      '--host': address.host,
      '--port': String(address.port),
      '--source': applicationAddress(stack.block),
      '--journal': this.journal,
    }
    const program = join(config.clone, 'dist', 'examples', 'shop', 'writer.js')
    this.#child = spawn(process.execPath, [program, ...Object.entries(options).flat()], {
      detached: true,
      env: { ...childEnvironment(config.inherited), SHOP_APP_PASSWORD: stack.secrets.shopApp },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', () => resolve())
      this.#child.once('error', () => resolve())
    })
    this.#child.stderr?.on('data', (part: Buffer) => {
      this.#said += part.toString('utf8')
    })
    if (this.#child.stdout !== null) createInterface({ input: this.#child.stdout }).on('line', (line) => this.#read(line))
    const records = new ProcessRecords(join(config.folders.state, 'processes.json'))
    const identity = this.#child.pid === undefined ? null : identify(this.#child.pid)
    if (identity !== null) records.add('writer', identity)
  }

  get counts(): TrafficCounts {
    return this.#counts
  }

  /** Resolves once orders have been acknowledged for a second. @throws Failure when the writer ended instead. */
  async flowing(): Promise<void> {
    let since: number | null = null
    while (since === null || Date.now() - since < WARM_UP_MS) {
      const ended = await Promise.race([this.#ended.then(() => true), sleep(20, false)])
      if (ended) throw failure('EMBEDDED_START_FAILED', `The shop's writer ended: ${this.#said.trim() || 'it said nothing'}`)
      if (since === null && this.#counts.acknowledged > 0) {
        since = Date.now()
        this.#mark = { acknowledged: this.#counts.acknowledged, at: since }
      }
    }
  }

  /** Commits per second since traffic began to flow, or since the last call. */
  rate(): number {
    const { acknowledged } = this.#counts
    const seconds = (this.#reportedAt - this.#mark.at) / 1000
    const rate = seconds <= 0 ? 0 : (acknowledged - this.#mark.acknowledged) / seconds
    this.#mark = { acknowledged, at: this.#reportedAt }
    return Math.round(rate)
  }

  /** Longest transaction that a customer felt so far, in milliseconds. */
  get longestMs(): number {
    return this.#counts.longestMs
  }

  async stop(): Promise<TrafficCounts> {
    this.#child.kill('SIGTERM')
    await this.#ended
    return this.#counts
  }

  #read(line: string): void {
    const counts = JSON.parse(line) as TrafficCounts
    this.#reportedAt = Date.now()
    this.#counts = { ...counts, longestMs: Math.max(counts.longestMs, this.#counts.longestMs) }
  }
}

export interface JournalProof {
  readonly acknowledged: number
  /** Acknowledged to a customer and not in the database. */
  readonly lost: number
  readonly inDoubt: number
}

/** Holds the journal against the database: every acknowledged order must be there. */
export async function compareJournal(journal: string, shop: ShopSession): Promise<JournalProof> {
  const lines = readFileSync(journal, 'utf8').split('\n').slice(0, -1)
  const acknowledged = lines.filter((line) => !line.startsWith('?'))
  const [row] = await shop.query<{ lost: number }>(
    `SELECT count(*)::int AS lost FROM unnest($1::bigint[]) AS promised (id)
      WHERE NOT EXISTS (SELECT FROM orders WHERE orders.id = promised.id)`,
    [acknowledged],
  )
  if (row === undefined) throw new Error('a count has a row')
  return { acknowledged: acknowledged.length, lost: row.lost, inDoubt: lines.length - acknowledged.length }
}
