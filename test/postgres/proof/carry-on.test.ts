/** A copy that is held against manifests, and an interruption: tables that were proven are counted and not summed again. */
import { contentFindings } from '../../../postgres/proof/content'
import { type Manifest, type ProvenTables, takeManifest } from '../../../postgres/proof/manifest'
import { notingSums } from '../support/summed'
import { Instance } from './support/copied'

let source: Instance
let before: Manifest
let after: Manifest
const summed = new Set<string>()

beforeAll(async () => {
  source = await Instance.make(17)
  const writer = await source.session('master')
  await writer.execute(`CREATE TABLE small (id int PRIMARY KEY); INSERT INTO small SELECT generate_series(1, 10);
    CREATE TABLE large (id int PRIMARY KEY, v text); INSERT INTO large SELECT g, repeat('x', 200) FROM generate_series(1, 3000) g;
    CREATE TABLE events (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (50);
    CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (50) TO (100); INSERT INTO events SELECT generate_series(0, 99)`)
  const connect = () => source.session('master')
  before = await takeManifest({ connect, jobs: 1 })
  after = await takeManifest({ connect, jobs: 1, since: before })
})
afterAll(() => source?.remove())

const listened = async () => notingSums(await source.session('master'), summed)

async function content(
  more: { carriedOn?: ProvenTables | undefined; onProven?: (known: ProvenTables) => void; signal?: AbortSignal } = {},
) {
  summed.clear()
  return contentFindings(before, after, { connect: listened, jobs: 1, ...more })
}

test('what was proven before an interruption is not summed again, and the proof is the same', async () => {
  const whole = await content()
  expect([...summed].sort()).toEqual(['events_1', 'events_2', 'large', 'small'])
  expect(whole).toMatchObject({ findings: [], tablesProven: 4, rowsProven: 3110 })
  const interrupted = new AbortController()
  let known: ProvenTables | undefined
  const until = content({
    signal: interrupted.signal,
    onProven(told) {
      known = told
      if (told.tables.length === 3) interrupted.abort(new Error('the worker died'))
    },
  })
  await expect(until).rejects.toThrow('the worker died')
  expect(await content({ carriedOn: JSON.parse(JSON.stringify(known)) as ProvenTables })).toEqual(whole)
  expect([...summed]).toEqual(['large'])
})

test('of another first manifest it is worth nothing', async () => {
  let known: ProvenTables | undefined
  await content({ onProven: (told) => (known = told) })
  await content({ carriedOn: { version: 1, since: '3', tables: known?.tables ?? [], horizon: '3' } })
  expect(summed.size).toBe(4)
})

test('rows that went in between are found, in a table that was moved too', async () => {
  let known: ProvenTables | undefined
  await content({ onProven: (told) => (known = told) })
  const writer = await source.session('master')
  await writer.execute('DELETE FROM events WHERE id = 60; UPDATE small SET id = 11 WHERE id = 10')
  const rules = async () => {
    const { findings } = await content({ carriedOn: known })
    return findings.map(({ rule, message }) => `${rule} ${/public\.\w+/.exec(message)?.[0]}`).sort()
  }
  const found = await rules()
  expect(found).toEqual([expect.stringMatching(/public\.events_2$/), expect.stringMatching(/public\.small$/)])
  expect([...summed].sort()).toEqual(['events_2', 'small'])
  await writer.execute('VACUUM FULL large')
  expect(await rules()).toEqual(found)
  expect([...summed].sort()).toEqual(['events_2', 'large', 'small'])
})
