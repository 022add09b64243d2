/** The history on a verification's page, out of a real ledger by the command that people use. The picture is taken apart and held against the ledger. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { scaleOfRuns } from '../../client/evidence/history-scale'
import { duration } from '../../client/quantities'
import { canonicalJson } from '../../contracts/canonical-json'
import { listVerificationRuns } from '../../ledger/verifications'
import { cliFiles, FLEET_EXAMPLE } from './cli-files'
import { capstan } from './recorded-io'
import { MOMENT, type Past, record, SNAPSHOT, took } from './verification-history'
import { withLedger } from './with-ledger'

const it = withLedger()
const { folder, remove } = cliFiles()
afterAll(remove)

async function pageOf(id: string): Promise<string> {
  const file = join(folder, `${id}.html`)
  const said = await capstan(['ops', 'evidence', id, '--html', file], { env: { CAPSTAN_LEDGER_URL: it.ledgerUrl } })
  expect(said).toMatchObject({ exit: 0 })
  return readFileSync(file, 'utf8')
}

interface Bar {
  readonly kind: string
  readonly y: number
  readonly height: number
}

interface Column {
  readonly title: string
  readonly words: readonly string[]
  readonly bars: readonly Bar[]
  readonly unmeasured: number
}

const inner = (text: string): string =>
  text
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()

function chartOf(page: string) {
  const [, svg = ''] = /<svg class="runs"[^>]*>([\s\S]*?)<\/svg>/.exec(page) ?? []
  const columns = [...svg.matchAll(/<g><title>([^<]*)<\/title>([\s\S]*?)<\/g>/g)].map(
    ([, title = '', body = '']): Column => ({
      title,
      words: [...body.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].flatMap(([, word = '']) => (word === '' ? [] : [word])),
      bars: [...body.matchAll(/<rect class="([^"]*)" x="[^"]*" y="([^"]*)" width="[^"]*" height="([^"]*)"\/>/g)]
        .map(([, kind = '', y, height]) => ({ kind, y: Number(y), height: Number(height) }))
        .filter(({ kind }) => kind !== 'whole'),
      unmeasured: body.match(/<circle/g)?.length ?? 0,
    }),
  )
  const limits = [...svg.matchAll(/<line class="limit"[^>]* y1="([^"]*)"/g)].map(([, y]) => Number(y))
  const stretches = [...svg.matchAll(/<line class="limit" x1="([^"]*)%" x2="([^"]*)%"/g)].map(([, from, to]) => [from, to])
  return { svg, columns, limits, stretches, desc: /<desc>([^<]*)<\/desc>/.exec(svg)?.[1] ?? '' }
}

function rowsOf(page: string): string[] {
  const [, table = ''] = /<table class="past">[\s\S]*?<tbody>([\s\S]*?)<\/tbody>/.exec(page) ?? []
  return [...table.matchAll(/<tr>([\s\S]*?)<\/tr>/g)].map(([, row = '']) => inner(row))
}

/** RPO is drawn above RTO, so that the lower ones are RTO's. */
const rtoBars = ({ bars }: Column): Bar[] => bars.filter(({ y }) => y > 150)

test('thirty runs up to this one are drawn to scale, each as the ledger holds it, and told in a table as well', async () => {
  const past = Array.from({ length: 33 }, (_, at): Past & { rpoMs: number; rto: ReturnType<typeof took> } => ({
    ...{ id: `verify-backup-shop-run${at + 100}`, database: 'shop', hour: at, verdict: 'pass' },
    ...{
      point: at % 2 === 0 ? SNAPSHOT : MOMENT,
      rpoMs: 5_000 + 1_000 * at,
      rto: took(100_000 + 7_000 * at, 60_000 + 3_000 * at),
    },
  }))
  for (const one of past) await record(it.ledger, one)
  const [own, shown] = [past[31], past.slice(2, 32)]
  const page = await pageOf(own?.id ?? '')
  const { columns, limits, svg, desc } = chartOf(page)
  expect(columns.map(({ title }) => /verify-backup-shop-run\d+/.exec(title)?.[0])).toEqual(shown.map(({ id }) => id))

  const [rpoLimit = 0, rtoLimit = 0] = limits
  const [rpoFloor = 0, rtoFloor = 0] = [0, 1].map((panel) => {
    const bars = columns[0]?.bars.filter(({ y }) => y > 150 === (panel === 1)) ?? []
    return Math.max(...bars.map(({ y, height }) => y + height))
  })
  const perMs = { rpo: (rpoFloor - rpoLimit) / 60_000, rto: (rtoFloor - rtoLimit) / 600_000 }
  for (const [at, column] of columns.entries()) {
    const { rpoMs = 0, rto = took(0, 0), point } = shown[at] ?? {}
    const [solid, hollow] = rtoBars(column)
    expect(column.words).toEqual(['✓', point?.kind === 'snapshot' ? 'S' : 'M'])
    expect(solid).toMatchObject({ kind: 'done' })
    expect(hollow).toMatchObject({ kind: 'hollow done' })
    const near = (found: number | undefined, wanted: number): void => expect(Math.abs((found ?? 0) - wanted)).toBeLessThan(0.3)
    near(column.bars[0]?.height, rpoMs * perMs.rpo)
    near(solid?.height, rto.provisionMs * perMs.rto)
    near(hollow?.height, rto.verifyMs * perMs.rto)
  }

  const rows = rowsOf(page)
  expect(rows).toHaveLength(30)
  for (const [at, { id, rpoMs, rto }] of shown.toReversed().entries()) {
    for (const said of [
      id,
      duration(rpoMs),
      duration(rto.totalMs),
      duration(rto.provisionMs),
      duration(rto.verifyMs),
      'of 1 min',
    ]) {
      expect(rows[at]).toContain(said)
    }
  }
  expect(rows[0]).toContain('this run')
  expect(svg).toContain('<title>The last 30 verifications of shop</title>')
  expect(desc).toContain('30 passed; RPO from 7.0 s to 36.0 s; RTO from 3 min')
})

test('the history is no part of the evidence, and the page says so', async () => {
  await record(it.ledger, { id: 'verify-backup-own-aaa', database: 'own', hour: 0, verdict: 'pass' })
  const page = await pageOf('verify-backup-own-aaa')
  const [, carried = ''] = /href="data:application\/json;base64,([^"]+)"/.exec(page) ?? []
  const held = await it.ledger.getEvidence('verify-backup-own-aaa')
  expect(Buffer.from(carried, 'base64').toString('utf8')).toBe(canonicalJson(held?.document))
  expect(inner(page)).toContain('Not part of the evidence: its digest covers this run alone.')
  expect(inner(page)).toContain('Everything on this page, but for its history, was drawn from one document')
  expect(inner(page)).toContain('The first verification of this database that the ledger holds.')
})

test('a run that measured nothing is drawn as that, with what it failed of', async () => {
  const about = { database: 'gaps' } as const
  await record(it.ledger, { ...about, id: 'gaps-no-rpo', hour: 0, verdict: 'pass', rto: took(60_000, 30_000) })
  await record(it.ledger, { ...about, id: 'gaps-gone', hour: 1, verdict: 'fail', rpoMs: 30_000 })
  await record(it.ledger, { ...about, id: 'gaps-late', hour: 2, point: MOMENT })
  await record(it.ledger, { ...about, id: 'gaps-refused', hour: 3 })
  await record(it.ledger, { ...about, id: 'gaps-over', hour: 4, verdict: 'fail', rpoMs: 90_000, rto: took(900_000, 30_000) })
  const page = await pageOf('gaps-over')
  const { columns } = chartOf(page)
  expect(columns.map(({ words, unmeasured, bars }) => [words.join(''), unmeasured, bars.map(({ kind }) => kind)])).toEqual([
    ['✓S', 1, ['done', 'hollow done']],
    ['✗S', 1, ['done']],
    ['–M', 2, []],
    ['–', 2, []],
    ['✗S!!', 0, ['failed', 'failed', 'hollow failed']],
  ])
  const rows = rowsOf(page)
  expect(rows[0]).toContain('! 1 min 30 s of 1 min ! 15 min 30 s of 10 min')
  expect(rows[1]).toContain('– no verdict, failed VERIFICATION_TIMED_OUT not chosen – –')
  expect(rows[2]).toContain('moment 2026-10-31 12:00:00.000 UTC')
  expect(rows[4]).toMatch(/– 1 min 30 s of 10 min/)
})

test('one that took a hundred times as long flattens no other one, and is told to be cut off', async () => {
  for (let at = 0; at < 6; at += 1) {
    const rto = at === 3 ? took(20_000_000, 30_000) : took(170_000, 30_000)
    await record(it.ledger, { id: `slow-${at}`, database: 'slow', hour: at, verdict: 'pass', rpoMs: 1_000, rto })
  }
  const page = await pageOf('slow-5')
  const { columns } = chartOf(page)
  const heights = columns.map((column) => rtoBars(column).reduce((sum, { height }) => sum + height, 0))
  expect(Math.min(...heights)).toBeGreaterThan(10)
  expect(columns.map(({ words }) => words.includes('↑'))).toEqual([false, false, false, true, false, false])
  expect(inner(page)).toContain('↑ cut off at the top: 2026-11-01 06:00:00.000 UTC (RPO 1.0 s, RTO 5 h 33 min)')
  expect(inner(page)).toContain('Above the picture: the objective RPO 1 min.')
})

test('no objective is drawn over runs that were not held against it', async () => {
  const measured = { database: 'held', verdict: 'pass', rpoMs: 30_000, rto: took(200_000, 90_000) } as const
  const without = { rpoMs: null, rtoMs: null }
  for (const [at, objectives] of [undefined, without, without, undefined].entries()) {
    await record(it.ledger, { ...measured, id: `held-${at}`, hour: at, ...(objectives && { objectives }) })
  }
  const slots = [
    ['0', '8.333'],
    ['25', '33.333'],
  ]
  expect(chartOf(await pageOf('held-3')).stretches).toEqual([...slots, ...slots])
})

test('a verdict of a run that came to no end of its own is told with what became of it', async () => {
  await record(it.ledger, { id: 'ends-aborted', database: 'ends', hour: 0, verdict: 'pass', status: 'aborted' })
  await record(it.ledger, { id: 'ends-well', database: 'ends', hour: 1, verdict: 'pass' })
  const page = await pageOf('ends-well')
  expect(chartOf(page).columns.map(({ title }) => /: (.*?);/.exec(title)?.[1])).toEqual(['pass, aborted', 'pass'])
  expect(rowsOf(page).map((row) => / ✓ (pass(?:, \w+)?) /.exec(row)?.[1])).toEqual(['pass', 'pass, aborted'])
})

test('where another instance of that name begins there is a line, and nowhere else', async () => {
  const past = ['db-1', 'db-1', undefined, 'db-2', 'db-2']
  for (const [at, instanceId] of past.entries()) {
    const known = instanceId === undefined ? {} : { instanceId, verdict: 'pass' as const }
    await record(it.ledger, { id: `moved-${at}`, database: 'moved', hour: at, ...known })
  }
  const lines = [...chartOf(await pageOf('moved-4')).svg.matchAll(/<line class="other" x1="([^"]*)%"/g)].map(([, x]) => Number(x))
  expect(lines).toEqual([25])
  expect(await pageOf('moved-1')).not.toContain('another instance')
})

test('what only planned is no run, nor is what began later', async () => {
  const about = { database: 'listed', verdict: 'pass' } as const
  await record(it.ledger, { ...about, id: 'listed-a', hour: 0 })
  await record(it.ledger, { database: 'listed', id: 'listed-plan', hour: 1, mode: 'plan', point: SNAPSHOT })
  await record(it.ledger, { ...about, id: 'listed-b', hour: 2 })
  await record(it.ledger, { ...about, id: 'listed-same-instant', hour: 2 })
  await record(it.ledger, { ...about, id: 'listed-c', hour: 3 })
  const upTo = await it.ledger.getOperation('listed-b')
  const ids = async (of: typeof upTo): Promise<string[]> =>
    (await listVerificationRuns(it.ledger, { database: 'listed', upTo: of, limit: 3 })).map(({ operation }) => operation)
  expect(await ids(upTo)).toEqual(['listed-b', 'listed-a'])
  expect(await ids(null)).toEqual(['listed-c', 'listed-same-instant', 'listed-b'])
})

test('a page of another operation has no history, nor has one of a plan', async () => {
  await record(it.ledger, { id: 'alone-a', database: 'alone', hour: 0, verdict: 'pass' })
  await record(it.ledger, { id: 'alone-plan', database: 'alone', hour: 1, mode: 'plan' })
  await record(it.ledger, { id: 'alone-migrates', database: 'alone', hour: 2, kind: 'migrate' })
  expect(await pageOf('alone-a')).toContain('<svg class="runs"')
  for (const id of ['alone-plan', 'alone-migrates']) expect(await pageOf(id)).not.toContain('<svg class="runs"')
})

test('at most a quarter of the runs is cut off, whatever they took', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 1, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 30 }), (times) => {
      const end = scaleOfRuns(times, [])?.endMs ?? 0
      expect(times.filter((time) => time > end * (1 + 1e-9)).length).toBeLessThanOrEqual(Math.ceil((times.length - 1) / 4))
    }),
  )
})

test('the fleet has a page of its own: what is proven, its alerts, and the last runs of each database', async () => {
  const fleet = join(folder, 'fleet.yaml')
  const [entry = ''] = /(?<=databases:\n)[\s\S]*/.exec(readFileSync(FLEET_EXAMPLE, 'utf8')) ?? []
  const named = (name: string): string =>
    entry.replace('name: shop', `name: ${name}\n    objectives: { rto: 1m, verifyEvery: 1h }`)
  writeFileSync(fleet, `version: 1\ndatabases:\n${named('seen')}\n${named('unseen')}`.replace(/migrations: migrations\n/g, ''))
  await record(it.ledger, { id: 'seen-a', database: 'seen', hour: 0, verdict: 'pass', rpoMs: 1_000, rto: took(20_000, 9_000) })
  await record(it.ledger, { id: 'seen-b', database: 'seen', hour: 1, verdict: 'pass', rpoMs: 1_000, rto: took(90_000, 9_000) })
  const file = join(folder, 'backups.html')
  const report = await capstan(['verify-backup', '--all', '--report', '--html', file, '--fleet', fleet], {
    env: { CAPSTAN_LEDGER_URL: it.ledgerUrl },
  })
  expect(report).toMatchObject({ exit: 1, err: '', out: expect.stringContaining(`${file}: the same as a page`) })
  const page = readFileSync(file, 'utf8')
  expect(chartOf(page).columns.map(({ title }) => /seen-\w/.exec(title)?.[0])).toEqual(['seen-a', 'seen-b'])
  expect(page.match(/<svg class="runs"/g)).toHaveLength(1)
  const text = inner(page.replace(/<style>[\s\S]*<\/style>/, ''))
  for (const said of [
    'unseen No backup of it was ever proven, and verifyEvery is declared. never-proven',
    'By seen-b a recovery takes longer than the objective rto allows. rto-missed',
    'unseen production ✗ never every 1 h – –',
    '✓ pass snapshot nightly seen-b 1.0 s ! 1 min 39 s of 1 min',
    'unseen No verification was ever begun.',
    'No digest covers this page',
  ]) {
    expect(text).toContain(said)
  }
  expect(page).not.toMatch(/<(script|iframe|img|link|object|embed|form|base|audio|video)\b|https?:|url\(/)
  const nowhere = ['verify-backup', '--all', '--report', '--html', join(folder, 'no', 'where.html'), '--fleet', fleet]
  expect(await capstan(nowhere, { env: { CAPSTAN_LEDGER_URL: it.ledgerUrl } })).toMatchObject({
    ...{ exit: 2, err: expect.stringContaining('name another file with --html') },
  })
})
