import { migrating } from '../support/migrating'
import { FIRST } from '../support/target'
import { startWriter } from '../support/writer'

const it = migrating()

/** The same migrations in every run; the third takes a while on the target, so that a kill can fall between two of them. */
function migrations(): Record<string, string> {
  return {
    ...FIRST,
    'V2__colour.sql': 'ALTER TABLE items ADD COLUMN colour text;',
    'V3__slow.sql': `DO $$ BEGIN IF host(inet_server_addr()) = '${it.target.host}' THEN PERFORM pg_sleep(2); END IF; END $$;`,
    'V4__index.sql': 'CREATE INDEX CONCURRENTLY items_by_colour ON items (colour);',
  }
}

async function secondApplied(): Promise<boolean> {
  return (await it.rows(`SELECT 1 FROM flyway_schema_history WHERE version = '2'`)).length > 0
}

interface Disturbance {
  /** Arranged before the operation starts. */
  readonly before?: () => Promise<void> | void
  /** Done while it runs. */
  readonly during?: (operation: string) => Promise<void>
  readonly deaths: number
}

/** Runs the migration under traffic and holds the ending against what an undisturbed run leaves. */
async function endsLikeTheUndisturbed(operation: string, disturbance: Disturbance): Promise<void> {
  expect((await it.migrate(it.target.fleet(FIRST))).code).toBe(0)
  const deathsBefore = it.capstan.deaths()
  const writer = startWriter(it.target)
  try {
    await disturbance.before?.()
    const { ended } = it.begin(it.target.fleet(migrations()), operation)
    await disturbance.during?.(operation)
    expect(await ended).toMatchObject({ code: 0 })
  } finally {
    await writer.stop()
  }
  expect(it.capstan.deaths() - deathsBefore).toBe(disturbance.deaths)
  const { status, verdict, steps, evidence } = await it.operation(operation)
  expect({ status, verdict }).toEqual({ status: 'succeeded', verdict: 'pass' })
  expect(new Set(steps.map(({ state }) => state))).toEqual(new Set(['done']))
  expect(evidence).toMatch(/^[0-9a-f]{64}$/)
  expect(await it.rows('SELECT version, success FROM flyway_schema_history ORDER BY installed_rank')).toEqual(
    ['1', '2', '3', '4'].map((version) => ({ version, success: true })),
  )
  expect(await it.rows('SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid')).toEqual([])
  expect(await it.rows(`SELECT 1 AS found FROM pg_class WHERE relname = 'items_by_colour'`)).toEqual([{ found: 1 }])
  expect(await it.target.snapshots(operation)).toEqual([`cap-${operation}-snapshot`])
  expect(await it.target.leftovers()).toEqual([])
  expect(await it.locked()).toBe(false)
  expect(writer.acknowledged.length).toBeGreaterThan(0)
  const there = new Set((await it.rows<{ id: number }>('SELECT id FROM items')).map(({ id }) => id))
  expect(writer.acknowledged.filter((id) => !there.has(id))).toEqual([])
}

test('undisturbed', () => endsLikeTheUndisturbed('undisturbed', { deaths: 0 }))

test('the worker killed after the snapshot was taken, before anybody heard of it', () =>
  endsLikeTheUndisturbed('kill-snapshot', { before: () => it.capstan.arm('startSnapshot#1:after'), deaths: 1 }))

test('the worker killed while it waits for the restore', () =>
  endsLikeTheUndisturbed('kill-restore', { before: () => it.capstan.arm('awaitInstance#2:before'), deaths: 1 }))

test('the worker killed between two migrations: one is recorded, the next is not', () =>
  endsLikeTheUndisturbed('kill-between', {
    during: async () => {
      await it.until('the second migration', secondApplied)
      await it.capstan.killWorker()
    },
    deaths: 1,
  }))

test('the worker killed inside a concurrent index build: the invalid index is built again', async () => {
  await endsLikeTheUndisturbed('kill-index', {
    during: async () => {
      await it.until('the second migration', secondApplied)
      // A writer that does not commit holds the build in its first wait, when its index already exists and is invalid.
      const holder = await it.target.app()
      await holder.execute(`BEGIN; INSERT INTO public.items (name) VALUES ('held')`)
      const invalid = 'SELECT 1 FROM pg_index WHERE NOT indisvalid'
      await it.until('the build', async () => (await it.rows(invalid)).length > 0)
      await it.capstan.killWorker()
      await holder.execute('COMMIT')
      await holder.close()
    },
    deaths: 1,
  })
  const applied = (await it.operation('kill-index')).steps.find(({ id }) => id === 'apply')
  expect(applied?.detail.healedIndexes).toEqual([expect.stringContaining('items_by_colour')])
  expect(applied?.attempts).toBeGreaterThan(1)
})

test("the worker killed before the canary's removal", () =>
  endsLikeTheUndisturbed('kill-removal', { before: () => it.capstan.arm('startCanaryRemoval#1:before'), deaths: 1 }))
