/** The network between the clouds of a lab, as faults make it. Loopback has none that could be cut, and servers cannot choose the address
 *  that they come from, so a connection is known by the process that opened it, and the process that serves it is what is struck: ended
 *  for a cut, and for a slow link stopped for a while again and again. In the clouds that are asked, while their link is cut, who connects
 *  waits for a second before anything is said (`pre_auth_delay`): long enough to see who it is, so that nothing gets through. */
import { setTimeout as sleep } from 'node:timers/promises'
import { childrenOfEach, signalIfThere } from '../../pgserver/process-tree'
import type { SimulatedCloud } from '../cloud'
import type { FaultBook } from '../faults/book'
import type { Fault } from '../faults/fault'
import { CUT_LINK, SLOW_LINK, type Way, waysOf } from '../faults/kinds/link'
import { servingProcesses } from './connections'

const LOOK_EVERY_MS = 100
const END_EVERY_MS = 20
/** Longer than who connects waits before it hears that it is ended. */
const ENDED_WITHIN_MS = 3_000
/** In which what waited goes on. */
const FLOWS_MS = 10

export interface LinksOptions {
  readonly book: FaultBook
  readonly clouds: readonly SimulatedCloud[]
  /** Of all servers. */
  readonly port: number
  save(): Promise<void>
  log(line: string): void
}

interface Slowed {
  readonly over: AbortController
  readonly done: Promise<void>
}

export class Links {
  readonly #slowed = new Map<string, Slowed>()
  #known = new Set<number>()
  #gated = ''
  #rounds: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(private readonly options: LinksOptions) {}

  /** Resolves when what is ordered holds, and what is no more ordered is over. */
  settle(): Promise<void> {
    return this.#next(true)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    for (const { over } of this.#slowed.values()) over.abort()
    await Promise.all([...this.#slowed.values()].map(({ done }) => done))
    await this.#rounds
  }

  #next(patient: boolean): Promise<void> {
    this.#rounds = this.#rounds
      .then(() => (this.#closed ? undefined : this.#round(patient)))
      .catch((error) => this.options.log(`links: ${error}`))
      .finally(() => this.#schedule())
    return this.#rounds
  }

  #ordered(kind: string): Fault[] {
    return this.options.book.list().filter((fault) => fault.kind === kind)
  }

  async #round(patient: boolean): Promise<void> {
    const cuts = this.#ordered(CUT_LINK)
    await this.#gate(cuts)
    const deadline = Date.now() + ENDED_WITHIN_MS
    while ((await this.#end(cuts)) > 0 && patient && Date.now() < deadline && !this.#closed) await sleep(END_EVERY_MS)
    await this.#slow(this.#ordered(SLOW_LINK))
  }

  /** Servers that are asked over a link that is cut make callers wait; others do not any more. */
  async #gate(cuts: readonly Fault[]): Promise<void> {
    const asked = new Set(cuts.flatMap(waysOf).map(({ to }) => to))
    const gated = [...asked].sort().join(' ')
    if (gated === this.#gated) return
    const concerned = this.options.clouds.filter(({ name }) => asked.has(name) !== this.#gated.split(' ').includes(name))
    await Promise.all(concerned.map((cloud) => cloud.tellRules()))
    this.#gated = gated
  }

  /** @returns how many are not gone yet. */
  async #end(cuts: readonly Fault[]): Promise<number> {
    const seen = new Set<number>()
    for (const fault of cuts) {
      for (const way of waysOf(fault)) {
        for (const pid of this.#serving(way)) {
          if (!this.#known.has(pid) && !seen.has(pid)) fault.struck += 1
          seen.add(pid)
          signalIfThere(pid, 'SIGTERM')
        }
      }
    }
    const struck = [...seen].some((pid) => !this.#known.has(pid))
    this.#known = seen
    if (struck) await this.options.save()
    return seen.size
  }

  async #slow(faults: readonly Fault[]): Promise<void> {
    for (const [id, { over, done }] of [...this.#slowed]) {
      if (faults.some((fault) => fault.id === id)) continue
      over.abort()
      await done
      this.#slowed.delete(id)
    }
    for (const fault of faults) {
      if (this.#slowed.has(fault.id)) continue
      const over = new AbortController()
      const done = this.#hinder(fault, over.signal).catch((error) => this.options.log(`slow link: ${error}`))
      this.#slowed.set(fault.id, { over, done })
    }
  }

  async #hinder(fault: Fault, over: AbortSignal): Promise<void> {
    const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal: over }).catch(() => {})
    let known = new Set<number>()
    while (!over.aborted) {
      const serving = waysOf(fault)
        .flatMap((way) => this.#serving(way))
        .filter(this.#unfrozen())
      fault.struck += serving.filter((pid) => !known.has(pid)).length
      known = new Set(serving)
      for (const pid of serving) signalIfThere(pid, 'SIGSTOP')
      await pause(Number(fault.settings.latency))
      for (const pid of serving.filter(this.#unfrozen())) signalIfThere(pid, 'SIGCONT')
      await pause(FLOWS_MS)
    }
  }

  /** Whose server stands still as a whole is left to whoever made it. */
  #unfrozen(): (pid: number) => boolean {
    const frozen = this.options.clouds.flatMap((cloud) => cloud.listeners()).filter((listener) => listener.frozen)
    const theirs = new Set([...childrenOfEach(frozen.map(({ pid }) => pid)).values()].flat())
    return (pid) => !theirs.has(pid)
  }

  #serving({ from, to }: Way): number[] {
    const [callers, asked] = [from, to].map((cloud) => this.options.clouds.find(({ name }) => name === cloud))
    if (!callers || !asked) return []
    return servingProcesses({
      from: callers.listeners(),
      to: asked.listeners(),
      port: this.options.port,
      handedOn: (local) => asked.handedOn(local),
    })
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    const idle = this.#gated === '' && this.#slowed.size === 0
    if (idle || this.#closed) return
    this.#timer = setTimeout(() => void this.#next(false), LOOK_EVERY_MS)
    this.#timer.unref()
  }
}
