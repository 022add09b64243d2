/** What a switchover is held against: writers that go through the router and note what was acknowledged, and probes that ask each side directly all the time. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { OperationDocument } from '../../contracts/operation'
import type { StandbyRecord } from '../../contracts/standby'
import { applicationAddress, labHeaders } from '../../embedded/worker-program'
import type { TlsMode } from '../../postgres/connect/connect-options'
import { connect, type Session } from '../../postgres/connect/session'
import { type CapstanStack, startCapstan } from './capstan-stack'
import { eventually, until } from './eventually'
import { MASTER_PASSWORD } from './other-clouds'
import { ACCOUNTS, createPair, OPENING, type Pair, type StandbyCloud } from './replicating'

export interface Place {
  readonly host: string
  readonly port: number
}

/** `from` null: there is no such name yet, and it is made. */
export async function leadTo(
  { stack: { lab } }: CapstanStack,
  name: string,
  { host, port }: Place,
  from: Place | null = null,
): Promise<void> {
  const headers = { 'content-type': 'application/json', ...labHeaders(lab) }
  const to = { host, port }
  const answer = await fetch(`${lab.api}/_lab/router/${name}`, {
    method: from === null ? 'PUT' : 'POST',
    headers,
    body: JSON.stringify(from === null ? { to } : { from: { host: from.host, port: from.port }, to }),
  })
  if (!answer.ok) throw new Error(`the lab refused ${name}: ${await answer.text()}`)
}

/** Where clients connect, and where they are led. */
export async function routed({ stack: { lab } }: CapstanStack, name: string): Promise<Place & { readonly to: Place }> {
  const answer = await fetch(`${lab.api}/_lab/router/${name}`, { headers: labHeaders(lab) })
  return (await answer.json()) as Place & { readonly to: Place }
}

/** What the bank connects to, and what an operation moves. */
export interface Front {
  /** For the worker. */
  readonly env: Readonly<Record<string, string>>
  /** Leads to the source from here on; resolves to what the fleet file says of it. */
  open(capstan: CapstanStack, source: Place): Promise<string>
  /** `clients`: four of them write all the time, the others now and then. */
  bank(capstan: CapstanStack, clients: number): Promise<Bank>
  close(): Promise<void>
}

/** The lab's router: whoever is connected is disconnected when it moves, or when its database closes. */
const routerOf = (tls: TlsMode): Front => ({
  env: {},
  async open(capstan, source) {
    await leadTo(capstan, 'stock', source)
    return '{ kind: lab-router, name: stock }'
  },
  bank: (capstan, clients) => startBank(capstan, { clients, tls }),
  close: async () => undefined,
})

export interface Bank {
  /** By the number that the client gave, the id that the sequence gave; only what was acknowledged. */
  readonly acknowledged: ReadonlyMap<number, number>
  /** By the same number, when it was acknowledged, in milliseconds since 1970; in the order in which they were. */
  readonly times: ReadonlyMap<number, number>
  /** What clients were told that was no acknowledgement. */
  readonly errors: readonly string[]
  stop(): Promise<void>
}

export const now = (): number => Date.now()

/** Of account, account and the number. */
export function transferOf(number: number): readonly [number, number, number] {
  const [payer, payee] = [1 + (number % ACCOUNTS), 1 + ((number * 7 + 3) % ACCOUNTS)]
  return [payer, payer === payee ? 1 + (payee % ACCOUNTS) : payee, number]
}

export const TRANSFER = `WITH paid AS (UPDATE public.accounts SET balance = balance + CASE id WHEN $1 THEN -1 ELSE 1 END WHERE id IN ($1, $2) RETURNING 1)
  INSERT INTO public.transfers (payer, payee, amount) VALUES ($1, $2, $3) RETURNING id`

/** Between two writes of one client, in milliseconds. */
export const pauseOf = (lane: number): number => (lane < WRITERS ? 2 : 1_000)
const WRITERS = 4

interface BankOptions {
  readonly clients?: number
  readonly tls?: TlsMode
  /** Asked by whoever connects. Left out: the lab's router. */
  readonly at?: () => Promise<Place>
}

/** What the odd ones commit is acknowledged before it is on disk. A transfer's number is its amount, so that each is told from all others. */
export async function startBank(
  capstan: CapstanStack,
  { clients = WRITERS, tls = 'disable', at }: BankOptions = {},
): Promise<Bank> {
  const router = at === undefined ? await routed(capstan, 'stock') : null
  const login = {
    database: 'stock',
    user: 'stock_app',
    password: 'app-password',
    sourceAddress: applicationAddress(capstan.stack.block),
    tls,
  }
  const acknowledged = new Map<number, number>()
  const times = new Map<number, number>()
  const errors: string[] = []
  let stopped = false
  let count = 0
  const loop = async (lane: number): Promise<void> => {
    let session: Session | null = null
    while (!stopped) {
      count += 1
      const number = count
      try {
        if (session === null) {
          const place = router ?? (await at?.())
          if (place === undefined) throw new Error('nobody says where to connect')
          session = await connect({ ...place, ...login, applicationName: `bank ${lane}` })
          if (lane % 2 === 1) await session.execute('SET synchronous_commit = off')
        }
        const [row] = await session.query<{ id: number }>(TRANSFER, [...transferOf(number)])
        if (row !== undefined) {
          times.set(number, now())
          acknowledged.set(number, Number(row.id))
        }
        await sleep(pauseOf(lane))
      } catch (error) {
        errors.push(String(error))
        await session?.close().catch(() => undefined)
        session = null
        await sleep(20)
      }
    }
    await session?.close().catch(() => undefined)
  }
  const loops = Array.from({ length: clients }, (_, lane) => loop(lane))
  return {
    ...{ acknowledged, times, errors },
    async stop() {
      stopped = true
      await Promise.all(loops)
    },
  }
}

export interface Probe {
  /** Of writes that were acknowledged: when they were sent, and when they were acknowledged. */
  readonly accepted: readonly { readonly from: number; readonly to: number }[]
  stop(): Promise<void>
}

/** Connects anew and writes, every 20 ms. */
export function startProbe(open: () => Promise<Session>): Probe {
  const accepted: { from: number; to: number }[] = []
  let stopped = false
  const running = (async () => {
    while (!stopped) {
      try {
        const session = await open()
        try {
          const from = performance.now()
          await session.query('UPDATE public.accounts SET holder = holder WHERE id = 1')
          accepted.push({ from, to: performance.now() })
        } finally {
          await session.close()
        }
      } catch {
        // kept out, and that is what is measured
      }
      await sleep(20)
    }
  })()
  return {
    accepted,
    async stop() {
      stopped = true
      await running
    },
  }
}

export function writersOf({ source, standby }: { readonly source: Probe; readonly standby: Probe }): string[] {
  const all = [
    ...source.accepted.map((one) => ({ ...one, side: 'source' })),
    ...standby.accepted.map((one) => ({ ...one, side: 'standby' })),
  ].sort((a, b) => a.to - b.to)
  return all.flatMap(({ side, from }, at) => {
    const before = all[at - 1]
    if (before?.side === side) return []
    return before !== undefined && from < before.to ? [`${side}, at the same time`] : [side]
  })
}

/** By the watch, with both schemas compared: while nobody has compared them, a failover asks somebody. */
export function isSeenToFollow(record: StandbyRecord | null): boolean {
  const { lagMs = null, schemaDiffers = null } = record?.look ?? {}
  return record?.state === 'following' && lagMs !== null && schemaDiffers !== null
}

interface Found {
  readonly sum: number
  readonly transfers: readonly { readonly id: number; readonly amount: number }[]
}

export async function bankOn(on: Pair['onSource']): Promise<Found> {
  const [sum] = await on<{ sum: number }>('SELECT sum(balance)::int AS sum FROM public.accounts')
  const transfers = await on<{ id: number; amount: number }>(
    'SELECT id::int AS id, amount::int AS amount FROM public.transfers ORDER BY id',
  )
  return { sum: sum?.sum ?? 0, transfers }
}

/** A worker's death is noticed soon. */
const SOON = { CAPSTAN_HEARTBEAT_TIMEOUT_MS: '2000', CAPSTAN_WORKFLOW_TASK_TIMEOUT_MS: '3000' }

export interface SwitchingOptions {
  readonly front?: Front
  readonly maxRetained?: string
  /** The source is a PostgreSQL 15, and writing moves once. */
  readonly oneWay?: boolean
  readonly migrations?: Readonly<Record<string, string>>
  /** Default 4. */
  readonly clients?: number
  /** As `startCapstan` has it. */
  readonly clone?: string
}

/** A pair that either side of may be the writer, with a bank that goes on through the router and a probe of each side. */
export class Switching {
  private constructor(
    readonly capstan: CapstanStack,
    readonly pair: Pair,
    readonly bank: Bank,
    private readonly probes: { readonly source: Probe; readonly standby: Probe },
    private readonly front: Front,
  ) {}

  /** The standby follows when it resolves. */
  static async start(
    cloud: StandbyCloud,
    { front: given, clients = WRITERS, clone, oneWay = false, ...more }: SwitchingOptions = {},
  ): Promise<Switching> {
    // Azure's servers let nobody in who does not encrypt
    const front = given ?? routerOf(cloud === 'azure' ? 'require' : 'disable')
    const capstan = await startCapstan({
      ...(clone === undefined ? {} : { clone }),
      env: { CAPSTAN_LAB_PROFILE: 'instant', SHOP_MASTER_PASSWORD: MASTER_PASSWORD, ...SOON, ...front.env },
    })
    let bank: Bank | undefined
    try {
      const pair = await createPair(capstan, cloud, {
        both: !oneWay,
        oneWay,
        ...more,
        endpoint: (source) => front.open(capstan, source),
      })
      bank = await front.bank(capstan, clients)
      const setUp = await pair.run('replicate', 'stock', '--operation', 'set-up')
      if (setUp.code !== 0) throw new Error(`capstan replicate ended with ${setUp.code}: ${setUp.stdout}${setUp.stderr}`)
      const probes = { source: startProbe(pair.source.app), standby: startProbe(pair.standby.app) }
      return new Switching(capstan, pair, bank, probes, front)
    } catch (error) {
      await bank?.stop()
      await front.close()
      await capstan.close()
      throw error
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.bank.stop(), this.probes.source.stop(), this.probes.standby.stop()])
    await this.front.close()
    await this.capstan.close()
  }

  /** As a person does it, or whoever else moves the endpoint, from wherever it leads. */
  async leadTo(place: 'source' | 'standby' | Place): Promise<void> {
    const { lab } = this.capstan.stack
    const { host, port } = typeof place === 'string' ? this.pair[place] : place
    const url = `${lab.api}/_lab/router/stock`
    const { to: from } = (await (await fetch(url, { headers: labHeaders(lab) })).json()) as { to: Place }
    const headers = { 'content-type': 'application/json', ...labHeaders(lab) }
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ from, to: { host, port } }) })
    if (!answer.ok) throw new Error(`the lab refused stock: ${await answer.text()}`)
  }

  async ended(operation: string, ...words: string[]): Promise<OperationDocument> {
    const { stdout, stderr } = await this.pair.run(...words, '--operation', operation)
    if (stdout === '') throw new Error(`capstan ${words.join(' ')} said nothing: ${stderr}`)
    return JSON.parse(stdout) as OperationDocument
  }

  async isFollowing(source: string, target: string): Promise<void> {
    await eventually(`${target} to follow ${source}`, async () => {
      const record = await this.capstan.ledger.getStandby({ source, target })
      return isSeenToFollow(record) ? record : undefined
    })
  }

  /** What is counted from now on is new. */
  async writesGoOn(): Promise<void> {
    const { size } = this.bank.acknowledged
    const accepted = () => this.probes.source.accepted.length + this.probes.standby.accepted.length
    const before = accepted()
    // one may have been accepted by the old writer in the moment before
    await until('the bank to go on', async () => this.bank.acknowledged.size > size + 50 && accepted() > before + 1)
  }

  /** Each acknowledged transfer once, no id twice, and all of the money. */
  isWholeOnBothSides(): Promise<void> {
    return this.isWholeOn(this.pair.onSource, this.pair.onStandby)
  }

  /** The same of these. */
  async isWholeOn(...each: readonly Pair['onSource'][]): Promise<void> {
    const all = [...this.bank.acknowledged].map(([amount, id]) => `${id} ${amount}`)
    const sides = () => Promise.all(each.map(bankOn))
    await until('all of it on each side', async () =>
      (await sides()).every(({ transfers }) => {
        const there = new Set(transfers.map(({ id, amount }) => `${id} ${amount}`))
        return all.every((one) => there.has(one))
      }),
    )
    for (const { sum, transfers } of await sides()) {
      expect(sum).toBe(ACCOUNTS * OPENING)
      expect(new Set(transfers.map(({ amount }) => amount)).size).toBe(transfers.length)
      expect(new Set(transfers.map(({ id }) => id)).size).toBe(transfers.length)
    }
  }

  /** In the order in which they accepted writes; whoever accepted one before the other's last was acknowledged is told. */
  writers(): string[] {
    return writersOf(this.probes)
  }

  /** When either side accepted a write first after that moment, in milliseconds since 1970; null: it has not yet. */
  firstAcceptedAfter(side: 'source' | 'standby', ms: number): number | null {
    const wall = Date.now() - performance.now()
    const found = this.probes[side].accepted.find(({ to }) => wall + to > ms)
    return found === undefined ? null : wall + found.to
  }

  /** The longest time between two writes that were accepted, wherever, in milliseconds. */
  longestSilenceMs(): number {
    const all = [...this.probes.source.accepted, ...this.probes.standby.accepted].sort((a, b) => a.to - b.to)
    return Math.max(0, ...all.map(({ from }, at) => from - (all[at - 1]?.to ?? from)))
  }
}
