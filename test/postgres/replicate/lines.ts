/** A source with a standby that stays at lines, and its files. */
import { connect, type Session } from '../../../postgres/connect/session'
import { applyMigrations } from '../../../postgres/migrate/apply'
import { ensureControlSchema } from '../../../postgres/migrate/control-schema'
import { readFence } from '../../../postgres/migrate/fence'
import { DEFAULT_HISTORY, readHistory } from '../../../postgres/migrate/history'
import { planMigrations } from '../../../postgres/migrate/plan'
import type { PlannedMigration } from '../../../postgres/migrate/plan-script'
import { ensureBound, LINE_TABLE, readBound, readLines } from '../../../postgres/migrate/schema-line'
import { stretches } from '../../../postgres/migrate/standby-class'
import { type Carried, type CarryInput, carryOne } from '../../../postgres/replicate/at-the-line'
import { historyValues, PUBLISHED_TABLES } from '../../../postgres/replicate/preflight/relations'
import { toCarry } from '../../../postgres/replicate/to-carry'
import { schemaDiffers } from '../../../postgres/replicate/watch/schema-differs'
import { until } from '../../support/eventually'
import { resolve, type Scripts } from '../support/apply'
import { copied, follow, type Pair, pairOf, type ReplicatingServer, valuesOf } from './support'

const LIMITS = { lockTimeoutMs: 2_000, lockRetries: { attempts: 20, delayMs: 20, delayMsMax: 100 } }

export interface Lined extends Pair {
  readonly base: Scripts
}

/** Both have the base, and the one follows the other, with its line. */
export async function lined(from: ReplicatingServer, to: ReplicatingServer, base: Scripts): Promise<Lined> {
  const pair = { ...(await pairOf(from, to, 'SELECT 1')), base }
  const { source, standby } = pair
  for (const side of [source, standby]) {
    await applyMigrations({ connect: () => connect(side.options), resolved: resolve(base), limits: LIMITS })
    await ensureControlSchema(side.master)
  }
  await source.master.execute(
    `GRANT SELECT ON ALL TABLES IN SCHEMA public TO follower; GRANT USAGE ON SCHEMA capstan TO follower; GRANT SELECT ON ${LINE_TABLE} TO follower`,
  )
  // rows come by themselves
  const tables = await tablesOf(source.master)
  if (tables.length > 0) await standby.master.execute(`TRUNCATE ${tables.join(', ')}`)
  await ensureBound(standby.master, { line: 0 })
  await follow(pair, [...tables, LINE_TABLE])
  await copied(pair, tables.length + 1)
  return pair
}

async function tablesOf(session: Session): Promise<string[]> {
  return (
    await valuesOf(
      session,
      PUBLISHED_TABLES.replace('$1', `'${historyValues(DEFAULT_HISTORY)[0]}'`).replace(
        '$2',
        `'${historyValues(DEFAULT_HISTORY)[1]}'`,
      ),
    )
  ).map(String)
}

export async function pending({ source, base }: Lined, files: Scripts): Promise<readonly PlannedMigration[]> {
  const { rows } = await readHistory(source.master)
  return (await planMigrations({ resolved: resolve({ ...base, ...files }), history: rows })).pending
}

export async function applyAtSource({ source, base }: Lined, files: Scripts, upTo?: string): Promise<void> {
  const resolved = resolve({ ...base, ...files })
  await applyMigrations({
    connect: () => connect(source.options),
    resolved,
    limits: LIMITS,
    ...(upTo === undefined ? {} : { upTo }),
  })
}

/** All that the standby lacks, in order. */
export async function carryAll(pair: Lined, files: Scripts, more: Partial<CarryInput> = {}): Promise<Carried[]> {
  const carried: Carried[] = []
  const { source, standby, names, base } = pair
  const resolved = resolve({ ...base, ...files })
  for (const step of await stepsOf(pair, files)) {
    carried.push(
      await carryOne({
        ...{ step, resolved, names, limits: LIMITS, admin: standby.master, source: source.master },
        ...{ connect: () => connect(standby.options), token: await readFence(standby.master), ...more },
      }),
    )
  }
  return carried
}

export async function stepsOf({ source, standby, base }: Lined, files: Scripts) {
  return toCarry({
    resolved: resolve({ ...base, ...files }),
    lines: await readLines(source.master),
    sourceHistory: (await readHistory(source.master)).rows,
    standbyHistory: (await readHistory(standby.master)).rows,
    bound: (await readBound(standby.master))?.line ?? -1,
  })
}

/** As an operation does: each stretch on the source, then on the standby. */
export async function migrateBoth(pair: Lined, files: Scripts): Promise<void> {
  for (const stretch of stretches(await pending(pair, files))) {
    await applyAtSource(pair, files, stretch.at(-1)!.script)
    await carryAll(pair, files)
  }
}

/** Waits until the standby shows what the source has, table by table, and holds the schemas against each other. */
export async function bothAlike(pair: Pair): Promise<void> {
  const { source, standby } = pair
  for (const table of await tablesOf(source.master)) {
    const all = `SELECT md5(coalesce(string_agg(x::text, ',' ORDER BY x::text), '')) || count(*) FROM ${table} x`
    const [expected] = await valuesOf(source.master, all)
    await until(`the rows of ${table}`, async () => (await valuesOf(standby.master, all))[0] === expected)
  }
  const question = { setAside: new Set<string>(), withoutGrantee: 'follower' }
  expect(await schemaDiffers({ source: source.master, standby: standby.master }, question)).toEqual([])
  const scripts = async (session: Session) => (await readHistory(session)).rows.map(({ script }) => script)
  expect(await scripts(standby.master)).toEqual(await scripts(source.master))
}

export interface Writers {
  /** How many transactions were acknowledged. */
  stop(): Promise<number>
}

/** Each in a session of its own, without a pause. A statement that the schema does not allow any more is followed by what it allows then. */
export async function write(pair: Pair, how: readonly (readonly string[])[]): Promise<Writers> {
  let stopped = false
  let acknowledged = 0
  const all = how.map(async (ways) => {
    const session = await connect(pair.source.options)
    let way = 0
    while (!stopped) {
      try {
        await session.execute(ways[way % ways.length]!)
        acknowledged += 1
      } catch {
        way += 1
      }
    }
    await session.close()
  })
  return {
    async stop() {
      stopped = true
      await Promise.all(all)
      return acknowledged
    },
  }
}
