/** Lines for people. On a terminal the last line is alive: what is being done and for how long. Elsewhere only whole lines are
 *  written, and something that takes long says so every 30 seconds. */
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const
const LIVE_MS = 100
const PLAIN_MS = 30_000

export class Console {
  readonly #live: boolean
  readonly #write: (text: string) => void
  #doing: { readonly text: string; readonly since: number } | null = null
  #timer: NodeJS.Timeout | undefined
  #frame = 0

  constructor(options: { live: boolean; write?: (text: string) => void }) {
    this.#live = options.live
    this.#write = options.write ?? ((text) => process.stdout.write(text))
  }

  /** A line that stays. */
  line(text: string): void {
    this.#clear()
    this.#write(`${this.#paint(text)}\n`)
    this.#draw()
  }

  /** A line that interrupts, such as a process that died. */
  aside(text: string): void {
    this.line(`  ● ${text}`)
  }

  /** Shows what is being done from now on. Elsewhere than on a terminal it is said only once it takes long. */
  working(text: string, since = Date.now()): void {
    this.rest()
    this.#doing = { text, since }
    this.#draw()
    const plain = (): void => this.#write(`  … ${text}: ${elapsed(since)} so far\n`)
    this.#timer = setInterval(() => (this.#live ? this.#redraw() : plain()), this.#live ? LIVE_MS : PLAIN_MS)
    this.#timer.unref()
  }

  /** Nothing is being done any more. */
  rest(): void {
    clearInterval(this.#timer)
    this.#clear()
    this.#doing = null
  }

  #redraw(): void {
    this.#clear()
    this.#draw()
  }

  #draw(): void {
    if (!this.#live || this.#doing === null) return
    this.#frame = (this.#frame + 1) % FRAMES.length
    const width = (process.stdout.columns ?? 80) - 1
    this.#write(`  ${FRAMES[this.#frame]} ${this.#doing.text}  ${elapsed(this.#doing.since)}`.slice(0, width))
  }

  #clear(): void {
    if (this.#live && this.#doing !== null) this.#write('\r\u001b[K')
  }

  #paint(text: string): string {
    if (!this.#live) return text
    return text.replace(/^(\s*)(✔|✘|⚡|▶|●|PASS|FAIL)/, (_all, indent: string, mark: string) => `${indent}${coloured(mark)}`)
  }
}

const COLOURS: Readonly<Record<string, number>> = { '✔': 32, PASS: 32, '✘': 31, FAIL: 31, '⚡': 33, '▶': 36, '●': 36 }

function coloured(mark: string): string {
  return `\u001b[1;${COLOURS[mark] ?? 0}m${mark}\u001b[0m`
}

export function elapsed(since: number, until = Date.now()): string {
  return `${((until - since) / 1000).toFixed(1)} s`
}
