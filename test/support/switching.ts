/** What a switchover is held against: writers that go through the router and note what was acknowledged, and probes that ask each side directly all the time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { applicationAddress, labHeaders } from '../../embedded/worker-program'
import { connect, type Session } from '../../postgres/connect/session'
import type { CapstanStack } from './capstan-stack'
import { ACCOUNTS, type Pair } from './replicating'

interface Place {
  readonly host: string
  readonly port: number
}

export async function leadTo({ stack: { lab } }: CapstanStack, name: string, { host, port }: Place): Promise<void> {
  const headers = { 'content-type': 'application/json', ...labHeaders(lab) }
  const answer = await fetch(`${lab.api}/_lab/router/${name}`, {
    method: 'PUT',
    headers,
    body: JSON.stringify({ to: { host, port } }),
  })
  if (!answer.ok) throw new Error(`the lab refused ${name}: ${await answer.text()}`)
}

async function routed({ stack: { lab } }: CapstanStack, name: string): Promise<Place> {
  const answer = await fetch(`${lab.api}/_lab/router/${name}`, { headers: labHeaders(lab) })
  return (await answer.json()) as Place
}

export interface Bank {
  /** By the number that the client gave, the id that the sequence gave; only what was acknowledged. */
  readonly acknowledged: ReadonlyMap<number, number>
  stop(): Promise<void>
}

const TRANSFER = `WITH paid AS (UPDATE public.accounts SET balance = balance + CASE id WHEN $1 THEN -1 ELSE 1 END WHERE id IN ($1, $2) RETURNING 1)
  INSERT INTO public.transfers (payer, payee, amount) VALUES ($1, $2, $3) RETURNING id`

/** Four writers; what the odd ones commit is acknowledged before it is on disk. A transfer's number is its amount, so that each is told from all others. */
export async function startBank(capstan: CapstanStack): Promise<Bank> {
  const at = await routed(capstan, 'stock')
  const login = {
    database: 'stock',
    user: 'stock_app',
    password: 'app-password',
    sourceAddress: applicationAddress(capstan.stack.block),
  }
  const acknowledged = new Map<number, number>()
  let stopped = false
  let count = 0
  const loop = async (lane: number): Promise<void> => {
    let session: Session | null = null
    while (!stopped) {
      count += 1
      const number = count
      try {
        if (session === null) {
          session = await connect({ ...at, ...login, applicationName: `bank ${lane}` })
          if (lane % 2 === 1) await session.execute('SET synchronous_commit = off')
        }
        const [payer, payee] = [1 + (number % ACCOUNTS), 1 + ((number * 7 + 3) % ACCOUNTS)]
        const [row] = await session.query<{ id: number }>(TRANSFER, [
          payer,
          payer === payee ? 1 + (payee % ACCOUNTS) : payee,
          number,
        ])
        if (row !== undefined) acknowledged.set(number, Number(row.id))
        await sleep(2)
      } catch {
        await session?.close().catch(() => undefined)
        session = null
        await sleep(20)
      }
    }
    await session?.close().catch(() => undefined)
  }
  const loops = [0, 1, 2, 3].map(loop)
  return {
    acknowledged,
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

export interface Found {
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
