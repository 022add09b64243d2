/** A live database and a copy of it, on servers of their own: 17 and 15. */
import { connect, type Session } from '../../../postgres/connect/session'
import { type ApplyRecoveryOptions, applyRowRecovery } from '../../../postgres/row-recovery/apply'
import { type PlanRecoveryOptions, planRowRecovery } from '../../../postgres/row-recovery/plan'
import type { RowRecoveryPlan, RowRecoveryResult } from '../../../postgres/row-recovery/recovered'
import { startTestServer, type TestDatabase, type TestServer } from '../support/server'

export interface Worlds {
  /** Two databases with the same in them: `sql` runs in both. */
  world(sql: string): Promise<World>
  stop(): Promise<void>
}

export interface World {
  readonly copy: Session
  readonly live: Session
  readonly databases: { readonly copy: TestDatabase; readonly live: TestDatabase }
  plan(tables: readonly string[], options?: Partial<PlanRecoveryOptions>): Promise<RowRecoveryPlan>
  apply(plan: RowRecoveryPlan, options?: Partial<ApplyRecoveryOptions>): Promise<RowRecoveryResult>
}

export async function openWorlds(): Promise<Worlds> {
  const servers: readonly [TestServer, TestServer] = await Promise.all([startTestServer(15), startTestServer(17)])
  const [ofCopies, ofLive] = servers
  return {
    async world(sql) {
      const databases = { copy: await ofCopies.database(), live: await ofLive.database() }
      const [copy, live] = [await databases.copy.connect(), await databases.live.connect()]
      for (const session of [copy, live]) await session.execute(sql)
      const doors = {
        copy: () => connect({ ...databases.copy.options, applicationName: 'recovering' }),
        live: () => connect({ ...databases.live.options, applicationName: 'recovering' }),
      }
      const nothing = { where: null, fireTriggers: false }
      return {
        copy,
        live,
        databases,
        plan: (tables, options = {}) =>
          planRowRecovery({ ...doors, ...nothing, selection: { tables, schemas: [], exclude: [] }, ...options }),
        apply: (plan, options = {}) => applyRowRecovery({ ...doors, plan, ...options }),
      }
    },
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()))
    },
  }
}

/** The whole table as text, in the order of its first column. */
export const contentOf = (session: Session, table: string) =>
  session.query<{ row: string }>(`SELECT t::text AS row FROM ${table} AS t ORDER BY 1`)

export const orders = (rows: number) => `
  CREATE TABLE orders (id bigint PRIMARY KEY, customer int NOT NULL, status text NOT NULL, note text);
  INSERT INTO orders SELECT g, g % 100, CASE WHEN g % 5 = 0 THEN 'open' ELSE 'paid' END, repeat('n', g % 50) FROM generate_series(1, ${rows}) g`
export const ORDERS = orders(1_000)

/** Carries the plan out, until its first rows are back. */
export async function cutOff(world: World, plan: RowRecoveryPlan): Promise<void> {
  const cut = new AbortController()
  const stopped = world.apply(plan, {
    signal: cut.signal,
    onProgress: ({ phase }) => phase === 'bringing back' && cut.abort(new Error('cut off')),
  })
  await expect(stopped).rejects.toThrow('cut off')
}
