/** How long each part of a start took, for `--timings`. */
export class Timings {
  readonly #phases: { name: string; ms: number }[] = []
  readonly #since = performance.now()

  async measure<T>(name: string, work: () => Promise<T>): Promise<T> {
    const since = performance.now()
    try {
      return await work()
    } finally {
      this.#phases.push({ name, ms: performance.now() - since })
    }
  }

  /** One line per phase, then the whole. */
  table(): readonly string[] {
    const rows = [...this.#phases, { name: 'whole', ms: performance.now() - this.#since }]
    return rows.map(({ name, ms }) => `  ${name.padEnd(40)} ${(ms / 1000).toFixed(1).padStart(6)} s`)
  }
}
