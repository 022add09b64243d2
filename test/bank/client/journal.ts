/** A client's journal: what is in it when `write` resolves outlives the client and its machine. Lines that come together go to the disk together. */
import { type FileHandle, open } from 'node:fs/promises'
import type { Line } from '../history'

export class Journal {
  #waiting: string[] = []
  #flush: Promise<void> | null = null
  /** Of either kind, so far: transactions and probes' writes. */
  acknowledged = 0

  private constructor(private readonly file: FileHandle) {}

  static async open(path: string): Promise<Journal> {
    return new Journal(await open(path, 'a', 0o600))
  }

  async write(line: Line): Promise<void> {
    this.#waiting.push(`${JSON.stringify(line)}\n`)
    // what is on its way to the disk by now is without it
    while (this.#flush !== null && this.#waiting.length > 0) await this.#flush
    if (this.#waiting.length > 0) this.#flush = this.#toDisk().finally(() => (this.#flush = null))
    await this.#flush
    if (line.is === 'acknowledged' || line.is === 'accepted') this.acknowledged += 1
  }

  async #toDisk(): Promise<void> {
    const text = this.#waiting.join('')
    this.#waiting = []
    await this.file.write(text)
    await this.file.datasync()
  }

  async close(): Promise<void> {
    while (this.#flush !== null) await this.#flush
    await this.file.close()
  }
}

/** Milliseconds of the machine's monotonic clock, the same for all processes. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6
