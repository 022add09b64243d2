/** Somebody who commits a number to an instance again and again, whatever becomes of it meanwhile, and remembers which commits were
 *  acknowledged. One that broke off in the middle may be there or not. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client, ClientConfig } from 'pg'
import type { DrivenCloud } from '../driven/cloud'
import { connect, eventually } from '../fixture'

const USUAL = { table: 'journal', pauseMs: 40 }

interface Entry {
  readonly n: number
  readonly begunAt: number
  /** Null while nobody has said that it was committed. */
  acknowledgedAt: number | null
}

export class Journal {
  readonly #entries: Entry[] = []
  #stopped = false
  #done: Promise<void> = Promise.resolve()
  #login: ClientConfig | undefined

  constructor(
    private readonly cloud: DrivenCloud,
    private readonly from: string,
    private readonly how: { readonly table: string; readonly pauseMs: number } = USUAL,
  ) {}

  async begin(id: string): Promise<void> {
    this.#login = await this.cloud.login(id)
    const client = await this.#connect(this.#login)
    await client.query(`CREATE TABLE ${this.how.table} (n int PRIMARY KEY)`)
    await client.end()
    this.#done = this.#write()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#done
  }

  get acknowledged(): number {
    return this.#entries.filter(({ acknowledgedAt }) => acknowledgedAt !== null).length
  }

  /** Resolves once `more` further commits were acknowledged. */
  async reaches(more: number): Promise<void> {
    const wanted = this.acknowledged + more
    await eventually(async () => this.acknowledged >= wanted || undefined)
  }

  /** What is wrong with what an instance has: acknowledged before `until` and not there, begun after it and there, never written. */
  async faultsOf(login: ClientConfig, until?: Date): Promise<string[]> {
    const moment = until?.getTime() ?? Number.POSITIVE_INFINITY
    const due = this.#entries.filter(({ acknowledgedAt }) => acknowledgedAt !== null && acknowledgedAt < moment)
    const there = await this.read(login)
    const written = new Map(this.#entries.map((entry) => [entry.n, entry]))
    const lost = due.filter(({ n }) => !there.has(n))
    const early = [...there].filter((n) => (written.get(n)?.begunAt ?? Number.POSITIVE_INFINITY) > moment)
    return [
      ...lost.map(({ n }) => `commit ${n} was acknowledged, and is lost`),
      ...early.map((n) => `commit ${n} is there, and was begun after ${until?.toISOString()}`),
    ]
  }

  /** How many commits were under way at a moment, so that what it is restored to may have them or not. */
  inDoubtAt(moment: Date): number {
    const at = moment.getTime()
    return this.#entries.filter(
      ({ begunAt, acknowledgedAt }) => begunAt <= at && (acknowledgedAt ?? Number.POSITIVE_INFINITY) >= at,
    ).length
  }

  async read(login: ClientConfig): Promise<Set<number>> {
    const client = await this.#connect(login)
    try {
      return new Set((await client.query<{ n: number }>(`SELECT n FROM ${this.how.table}`)).rows.map(({ n }) => n))
    } finally {
      await client.end()
    }
  }

  async #write(): Promise<void> {
    let client: Client | undefined
    for (let n = 1; !this.#stopped; n++) {
      const entry: Entry = { n, begunAt: Date.now(), acknowledgedAt: null }
      this.#entries.push(entry)
      try {
        client ??= await this.#connect(this.#login!)
        await client.query(`INSERT INTO ${this.how.table} VALUES ($1)`, [n])
        entry.acknowledgedAt = Date.now()
      } catch {
        void client?.end().catch(() => {})
        client = undefined
      }
      await sleep(this.how.pauseMs)
    }
    await client?.end().catch(() => {})
  }

  #connect(login: ClientConfig): Promise<Client> {
    return connect(this.from, { ...login, connectionTimeoutMillis: 10_000, query_timeout: 10_000 })
  }
}
