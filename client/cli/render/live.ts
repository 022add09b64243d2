/** Lines at the foot of a terminal that are repainted in place. Whatever is printed meanwhile goes through `print`. */
import type { Io } from '../io'
import { harmless } from './quoted'

const REPAINT_MS = 120

export class LiveLines {
  readonly #io: Pick<Io, 'out' | 'rows'>
  readonly #lines: () => string[]
  #painted = 0
  #timer: NodeJS.Timeout | null = null

  /** `lines`: what to show now; none of them wider than the terminal. */
  constructor(io: Pick<Io, 'out' | 'rows'>, lines: () => string[]) {
    this.#io = io
    this.#lines = lines
  }

  start(): void {
    this.#timer ??= setInterval(() => this.paint(), REPAINT_MS)
  }

  paint(): void {
    const all = this.#lines()
    // What has scrolled away cannot be repainted: a tree taller than the terminal shows its end.
    const lines = all.slice(-Math.max(1, this.#io.rows() - 1))
    const up = this.#painted > 0 ? `\u001b[${this.#painted}A` : ''
    this.#io.out(`${up}\u001b[0J${harmless(lines.map((line) => `${line}\n`).join(''))}`)
    this.#painted = lines.length
  }

  /** Paints once more, whole, and leaves it standing. */
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    const up = this.#painted > 0 ? `\u001b[${this.#painted}A` : ''
    this.#io.out(
      `${up}\u001b[0J${harmless(
        this.#lines()
          .map((line) => `${line}\n`)
          .join(''),
      )}`,
    )
    this.#painted = 0
  }
}
