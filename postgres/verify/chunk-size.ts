/** How much the next statement reads: as much as took half a second before, so that nothing holds a server for long and none is asked too often. */

const TARGET_MS = 500
/** A first guess is far off; a single slow answer says little. */
const FACTOR_MAX = 4

export class ChunkSize {
  #size: number
  readonly #least: number
  readonly #most: number

  constructor(limits: { readonly first: number; readonly least: number; readonly most: number }) {
    this.#size = limits.first
    this.#least = limits.least
    this.#most = limits.most
  }

  get size(): number {
    return this.#size
  }

  took(ms: number, size: number): void {
    const wanted = (size * TARGET_MS) / Math.max(ms, 1)
    this.#set(Math.min(Math.max(wanted, this.#size / FACTOR_MAX), this.#size * FACTOR_MAX))
  }

  /** False: it is as small as it gets. */
  tooSlow(): boolean {
    if (this.#size === this.#least) return false
    this.#set(this.#size / 8)
    return true
  }

  #set(size: number): void {
    this.#size = Math.round(Math.min(Math.max(size, this.#least), this.#most))
  }
}
