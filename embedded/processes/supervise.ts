/** Keeps a program running: one that dies is started again at once; one that keeps dying young is given more and more time,
 *  so that a broken set-up does not burn a processor. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Program, type ProgramPlace, type Running, startProgram, stopProcess } from './program'

/** A program that lived this long is healthy: its next death is met with an immediate restart. */
const HEALTHY_MS = 3_000
const DELAYS_MS = [0, 0, 250, 500, 1_000, 2_000, 5_000] as const

export interface Supervised {
  readonly name: string
  /** Pid of the process that runs now; null while it is being restarted. */
  pid(): number | null
  readonly said: Readonly<Record<string, unknown>>
  /** Resolves with the next process that becomes ready after the one with `pid`. */
  successor(pid: number): Promise<Running>
  /** Ends it for good. Safe to repeat. */
  stop(graceMs: number): Promise<void>
}

export type RestartListener = (event: {
  readonly name: string
  readonly state: 'died' | 'restarted' | 'failed'
  readonly pid: number | null
}) => void

export async function supervise(
  program: Program,
  place: ProgramPlace,
  listener: RestartListener = () => undefined,
): Promise<Supervised> {
  const first = await startProgram(program, place)
  const keeper = new Keeper(program, place, listener, first)
  void keeper.watch()
  return keeper
}

class Keeper implements Supervised {
  readonly name: string
  readonly #program: Program
  readonly #place: ProgramPlace
  readonly #listener: RestartListener
  readonly #stopping = new AbortController()
  readonly #waiting = new Set<(running: Running) => void>()
  #running: Running | null
  #last: Running
  #starting: Promise<unknown> = Promise.resolve()

  constructor(program: Program, place: ProgramPlace, listener: RestartListener, first: Running) {
    this.name = program.name
    this.#program = program
    this.#place = place
    this.#listener = listener
    this.#running = first
    this.#last = first
  }

  get said(): Readonly<Record<string, unknown>> {
    return this.#last.said
  }

  pid(): number | null {
    return this.#running?.identity.pid ?? null
  }

  successor(pid: number): Promise<Running> {
    const running = this.#running
    if (running !== null && running.identity.pid !== pid) return Promise.resolve(running)
    return new Promise((resolve) => this.#waiting.add(resolve))
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort()
    await this.#starting
    await stopProcess(this.#last.identity, this.#program.stopSignal, graceMs)
  }

  /** Ends when `stop` was called. */
  async watch(): Promise<void> {
    let deaths = 0
    while (!this.#stopping.signal.aborted) {
      const since = Date.now()
      if (this.#running !== null) {
        await this.#last.exited
        this.#running = null
        if (this.#stopping.signal.aborted) return
        this.#listener({ name: this.name, state: 'died', pid: this.#last.identity.pid })
        deaths = Date.now() - since > HEALTHY_MS ? 0 : deaths + 1
      } else {
        deaths += 1
      }
      const delayMs = DELAYS_MS[Math.min(deaths, DELAYS_MS.length - 1)] ?? 0
      await sleep(delayMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
      if (this.#stopping.signal.aborted) return
      const start = startProgram(this.#program, this.#place, this.#stopping.signal).then(
        (running) => this.#ready(running),
        () => this.#listener({ name: this.name, state: 'failed', pid: null }),
      )
      this.#starting = start
      await start
    }
  }

  #ready(running: Running): void {
    this.#running = running
    this.#last = running
    this.#listener({ name: this.name, state: 'restarted', pid: running.identity.pid })
    for (const resolve of this.#waiting) resolve(running)
    this.#waiting.clear()
  }
}
