/** What tests of operations that bring rows back have in common: a table that loses rows while an application goes on writing, and what is true then. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { OperationDocument } from '../../contracts/operation'
import type { Session } from '../../postgres/connect/session'
import type { RestoreDesk } from './restores'
import type { Target } from './target'

/** How many rows are there before, and how many of them are deleted by mistake. */
export const BEFORE = 12_000
export const LOST = 10_000
const FIRST_LOST = 1_001

export const fillOrders = (rows = BEFORE): string => `
  CREATE TABLE public.orders (id bigint PRIMARY KEY, status text NOT NULL, note text NOT NULL);
  INSERT INTO public.orders SELECT g, 'placed', repeat('n', (g % 50)::int) FROM generate_series(1, ${rows}) g;
  GRANT DELETE ON public.orders TO stock_app;`

/** The mistake. */
export const BAD_DELETE = `DELETE FROM public.orders WHERE id >= ${FIRST_LOST} AND id < ${FIRST_LOST + LOST}`
export const FIRST_LOST_KEY = FIRST_LOST

export interface Traffic {
  /** What the application wrote last of each key; null: it deleted it. */
  readonly written: ReadonlyMap<number, string | null>
  stop(): Promise<void>
}

/** Two applications that update rows which were not lost, insert rows, and delete some of those again. */
export async function startTraffic(target: Target): Promise<Traffic> {
  const written = new Map<number, string | null>()
  let stopped = false
  const loop = async (session: Session, lane: number): Promise<void> => {
    for (let n = 0; !stopped; n += 1) {
      const kept = 1 + ((2 * n + lane) % (FIRST_LOST - 1))
      const added = 100_000 + 2 * n + lane
      await session.query(`UPDATE public.orders SET status = $2 WHERE id = $1`, [kept, `changed ${n}`])
      written.set(kept, `changed ${n}`)
      await session.query(`INSERT INTO public.orders VALUES ($1, 'new', '')`, [added])
      written.set(added, 'new')
      if (n % 3 === 0) {
        await session.query('DELETE FROM public.orders WHERE id = $1', [added])
        written.set(added, null)
      }
      await sleep(1)
    }
    await session.close()
  }
  const sessions = [await target.app(), await target.app()]
  const loops = sessions.map((session, lane) => loop(session, lane))
  return {
    written,
    async stop() {
      stopped = true
      await Promise.all(loops)
    },
  }
}

/** An application that deletes, one after another, rows that nobody lost. To be started once the survey is made; resolves once the first one is gone. */
export async function startDeleting(target: Target): Promise<{ stop(): Promise<readonly number[]> }> {
  const session = await target.app()
  const gone: number[] = []
  let stopped = false
  const deleteNext = async (): Promise<void> => {
    const id = FIRST_LOST + LOST + gone.length
    if (id > BEFORE) stopped = true
    else {
      await session.query('DELETE FROM public.orders WHERE id = $1', [id])
      gone.push(id)
    }
  }
  await deleteNext()
  const loop = (async () => {
    for (; !stopped; await sleep(100)) await deleteNext()
    await session.close()
  })()
  return {
    async stop() {
      stopped = true
      await loop
      return gone
    },
  }
}

type Rows = (sql: string) => Promise<Record<string, unknown>[]>

/** What is not as it has to be once the lost rows are back: a sentence each. `except`: keys that the application took meanwhile. */
export async function wrongAfter(rows: Rows, written: Traffic['written'], except: readonly number[] = []): Promise<string[]> {
  const found = await rows('SELECT id::int AS id, status, length(note) AS noted FROM public.orders')
  const there = new Map(found.map((row) => [Number(row.id), row]))
  const wrong: string[] = []
  for (let id = FIRST_LOST; id < FIRST_LOST + LOST; id += 1) {
    if (except.includes(id)) continue
    const row = there.get(id)
    if (row === undefined) wrong.push(`${id} did not come back`)
    else if (row.status !== 'placed' || Number(row.noted) !== id % 50) wrong.push(`${id} came back as something else`)
  }
  for (const [id, status] of written) {
    const now = there.get(id)?.status ?? null
    if (now !== status) wrong.push(`${id} was written as ${status} and is ${now}`)
  }
  const known = (id: number) => id <= BEFORE || written.has(id)
  for (const id of there.keys()) if (!known(id)) wrong.push(`${id} is there, and nobody wrote it`)
  return wrong.slice(0, 20)
}

interface Ended {
  readonly code: number
  readonly operation: OperationDocument
}

/** To its end, with somebody else's approval of the survey that it waits with. */
export async function approvedRun(
  desk: RestoreDesk,
  operation: string,
  args: readonly string[],
  waiting: () => Promise<OperationDocument>,
): Promise<Ended> {
  const ended = desk.begin(operation, ...args)
  const { planDigest } = await waiting()
  const decided = await desk.cli('ops', 'approve', operation, '--by', 'bob', '--digest', planDigest ?? '')
  if (decided.code !== 0) throw new Error(`the approval ended with ${decided.code}: ${decided.stderr}`)
  const { code, stdout } = await ended
  return { code, operation: JSON.parse(stdout) as OperationDocument }
}
