/** Migrations of a database that a standby follows, disturbed: workers that die at every boundary, a standby that is paused meanwhile, one that is to be seeded anew,
 *  and one that was made before there were lines. One pair for all: each test goes on from where the one before left both. */
import { ensureBound, ensureLine } from '../../postgres/migrate/schema-line'
import { eventually, until } from '../support/eventually'
import { Followed } from '../support/followed'

let it: Followed
let version = 2

beforeAll(async () => {
  it = await Followed.start('azure')
})
afterAll(() => it?.close())

/** A file that changes the table that is written to, one that makes another, and one that is run while rows come in. */
function files(): Record<string, string> {
  version += 3
  const [first, second, third] = [version - 2, version - 1, version]
  return {
    [`V${first}__column.sql`]: `ALTER TABLE public.transfers ADD COLUMN c${first} int NOT NULL DEFAULT ${first}`,
    [`V${second}__table.sql`]: `CREATE TABLE public.t${second} (id int PRIMARY KEY); INSERT INTO public.t${second} SELECT generate_series(1, 10);`,
    [`V${third}__index.sql`]: `CREATE INDEX CONCURRENTLY i${third} ON public.transfers (c${first})`,
  }
}

const BOUNDARIES = [
  'planMigration#1',
  'describeStandby#2',
  'applyMigrations#1',
  'prepareCarryOver#1',
  'carryOver#1',
  'applyMigrations#2',
  'carryOver#2',
].flatMap((activity) => [`${activity}:before`, `${activity}:after`])

test.each(BOUNDARIES)('a worker that dies at %s changes nothing of how it ends', async (boundary) => {
  it.capstan.arm(boundary)
  const operation = await it.migrated(boundary.replace(/[^a-zA-Z0-9]/g, '-').toLowerCase(), files())
  it.capstan.disarm(boundary)
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  await it.isTheSameOnBothSides()
})

test('a worker that dies over and over while files are carried over', async () => {
  const running = it.migrated('dies-often', { ...files(), ...files() })
  for (let deaths = 0; deaths < 5; deaths += 1) {
    await until(
      'the next moment',
      async () => (await it.capstan.ledger.getOperation('dies-often'))?.steps.some(({ id }) => id.startsWith('apply')) === true,
    )
    await it.capstan.killWorker()
  }
  expect(await running).toMatchObject({ status: 'succeeded', failure: null })
  await it.ended('dies-often-on', 'standby', 'resume', 'stock')
  await it.isTheSameOnBothSides()
})

test('one that is paused is left at its line, by two migrations, and gets all of it once it is resumed', async () => {
  await it.ended('pause', 'standby', 'pause', 'stock')
  for (const operation of ['paused-1', 'paused-2']) {
    const { status, verdict, steps } = await it.migrated(operation, files())
    expect([status, verdict]).toEqual(['succeeded', 'inconclusive'])
    expect(steps.map(({ id }) => id)).not.toContain('carry-over')
  }
  const again = await it.migrated('paused-3', {})
  expect([again.status, again.verdict]).toEqual(['succeeded', 'inconclusive'])
  expect(again.steps.find(({ id }) => id === 'plan')?.detail.summary).toContain(`${it.pair.name}: it is paused, and lacks V`)
  const waits = await eventually('the watch to see it wait', async () => (await it.standing()).look?.waits)
  expect(waits.files).toBeGreaterThan(1)
  it.capstan.arm('resumeStandby#1:after')
  expect(await it.ended('resume', 'standby', 'resume', 'stock')).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  it.capstan.disarm('resumeStandby#1:after')
  await it.isTheSameOnBothSides()
  await until('nothing to be waited for', async () => (await it.standing()).look?.waits === undefined)
})

test('one that is to be seeded anew gets nothing, and its seeding runs what its source has applied', async () => {
  const [slot] = await it.pair.onSource<{ name: string }>('SELECT slot_name AS name FROM pg_replication_slots')
  await it.ended('pause-again', 'standby', 'pause', 'stock')
  await it.pair.onSource(`SELECT pg_drop_replication_slot('${slot?.name}')`)
  await until('the watch to see it', async () => (await it.standing()).state === 'to-be-seeded')
  const operation = await it.migrated('not-carried', files())
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  expect(await it.ended('anew', 'standby', 'reseed', 'stock')).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  await it.isTheSameOnBothSides()
  expect(await it.migrated('carried-again', files())).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  await it.isTheSameOnBothSides()
})

/** As one was made before. */
async function withoutLines(): Promise<void> {
  const [publication] = await it.pair.onSource<{ name: string }>('SELECT pubname AS name FROM pg_publication')
  const migrators = [it.pair.source.migrator, it.pair.standby.migrator]
  const [onSource, onStandby] = await Promise.all(migrators.map((open) => open()))
  await onSource?.execute(`ALTER PUBLICATION ${publication?.name} DROP TABLE capstan.schema_line; DROP TABLE capstan.schema_line`)
  await onStandby?.execute('DROP TABLE capstan.schema_line, capstan.standby_bound')
  await Promise.all([onSource?.close(), onStandby?.close()])
}

test('one that was made before there were lines is refused until it is resumed', async () => {
  await withoutLines()
  const refused = await it.migrated('no-line', files())
  expect(refused.failure).toMatchObject({
    code: 'STANDBY_CHANGED',
    message: expect.stringContaining('capstan standby resume stock'),
  })
  expect(await it.ended('give-line', 'standby', 'resume', 'stock')).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  expect(await it.migrated('with-line', {})).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  await it.isTheSameOnBothSides()
})

test('one that got its line and did not follow by it yet is never let past what its source has migrated meanwhile', async () => {
  await it.ended('pause-lineless', 'standby', 'pause', 'stock')
  await withoutLines()
  // what a resume leaves that ends between its halves
  const { names, declared } = await it.standing()
  const [source, standby] = await Promise.all([it.pair.source.migrator(), it.pair.standby.migrator()])
  await ensureBound(standby, { line: 0 })
  await ensureLine(source, { publication: names.publication, publisher: declared.publisher.user })
  await Promise.all([source.close(), standby.close()])
  expect(await it.migrated('passed-by', files())).toMatchObject({ status: 'succeeded', verdict: 'inconclusive' })
  const { failure } = await it.ended('resume-lineless', 'standby', 'resume', 'stock')
  expect(failure).toMatchObject({ code: 'DATABASE_REFUSED', message: expect.stringContaining('capstan standby reseed stock') })
  expect((await it.standing()).state).toBe('paused')
  expect(await it.ended('anew-lineless', 'standby', 'reseed', 'stock')).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  await it.isTheSameOnBothSides()
})
