/** What may be lost by a failover to a read replica, held against what was allowed once its source is proven fenced. */
import { blocksOfAnswers, statedAnew } from '../../../activities/exchange/plan-take-over'

const address = (instance: string) => ({
  ...{ instance, instanceId: `id-${instance}`, engineVersion: '17.10' },
  ...{ host: `${instance}.example`, port: 5432 },
})
const PLAN = {
  ...{ version: 1 as const, digest: 'd'.repeat(64), bundle: 'b'.repeat(64), blocks: [], warnings: [] },
  ...{ source: address('shop'), standby: address('shop-west'), endpointAt: null, lagBytes: null },
  ...{ why: 'The source is given up', act: { called: 'promotion', byHand: [] } },
  takeOver: {
    ...{ althoughItAnswers: null, unfenced: null, allowedLossMs: 10_000, asks: null },
    probed: { verdict: 'dead', probes: [], cloudSays: '', declaredAt: '2026-01-01T00:00:05.000Z' },
    exposure: { had: { at: '2026-01-01T00:00:00.000Z', lsn: '0/1' }, lossMsMax: 5_000 },
  },
} as const
const HAD = { at: '2026-01-01T00:00:02.000Z', lsn: '0/2' }
const FENCED = '2026-01-01T00:00:12.000Z'
const behind = (fencedAt = FENCED) => ({ fencedAt, isProven: true, agreed: null })

test('what the replica got until the fence was proven counts; by a clock that nobody has seen an allowance allows nothing', () => {
  const { takeOver } = statedAnew(PLAN, HAD, behind())
  expect(takeOver).toMatchObject({ exposure: { had: HAD, lossMsMax: 10_000 }, fencedAt: FENCED })
  expect(takeOver.asks).toContain('nobody has seen how far that is from ours')
})

test('more than was allowed, and what nobody knows, is asked about, with the moment', () => {
  const late = '2026-01-01T00:00:12.100Z'
  const { digest, takeOver } = statedAnew(PLAN, HAD, behind(late))
  expect(takeOver).toMatchObject({ exposure: { lossMsMax: 10_100 }, asks: expect.stringContaining(`no sooner than ${late}`) })
  expect(digest).not.toBe(PLAN.digest)
  expect(statedAnew(PLAN, HAD, behind(late)).digest).toBe(digest)
  expect(statedAnew(PLAN, null, behind()).takeOver.asks).toContain('nobody knows what may be lost')
})

test('a clock of the source that is ahead of ours never says that nothing is lost', () => {
  const { takeOver } = statedAnew(PLAN, { ...HAD, at: '2026-01-01T00:01:00.000Z' }, behind())
  expect(takeOver).toMatchObject({ exposure: { lossMsMax: null }, asks: expect.stringContaining('nobody knows') })
})

test('of a source that was not proven dead an approval covers the loss that it was told of, and no more', () => {
  const { takeOver } = PLAN
  const ill = { ...PLAN, takeOver: { ...takeOver, allowedLossMs: null, probed: { ...takeOver.probed, verdict: 'ill' } } } as const
  const asked = (agreedMs: number | null, isProven = true) =>
    statedAnew(ill, HAD, { fencedAt: FENCED, isProven, agreed: { lossMsMax: agreedMs } }).takeOver.asks
  expect(asked(10_000)).toBeNull()
  expect(asked(9_999)).toContain('up to 10.0 s of writes may be lost, and 10.0 s were approved')
  expect(asked(800)).toContain('0.8 s were approved')
  // it was said that nobody knows, or that whoever reaches it may go on
  expect(asked(null)).toBeNull()
  expect(asked(800, false)).toBeNull()
  expect(statedAnew(ill, null, { fencedAt: FENCED, isProven: true, agreed: { lossMsMax: 800 } }).takeOver.asks).toContain(
    'nobody knows',
  )
  // nor is it covered by what was allowed beforehand, by a clock that nobody has seen
  const allowed = { ...ill, takeOver: { ...ill.takeOver, allowedLossMs: 10_000 } }
  expect(statedAnew(allowed, HAD, { fencedAt: FENCED, isProven: true, agreed: { lossMsMax: 800 } }).takeOver.asks).toContain(
    '0.8 s were approved',
  )
  // of one that is dead the approval covers the time until it was fenced
  expect(statedAnew(PLAN, HAD, { fencedAt: FENCED, isProven: true, agreed: { lossMsMax: 800 } }).takeOver.asks).toBeNull()
})

test('what serves is not given up, whoever answers for it: its cloud exchanges both', () => {
  const id = { source: 'shop', target: 'shop-west' }
  const asked = (verdict: 'healthy' | 'ill' | 'dead', althoughItAnswers: string | null) =>
    blocksOfAnswers(
      id,
      { ...{ patienceMs: 1, fenceMsMax: 1, acceptLossMs: null, unfenced: null }, althoughItAnswers },
      { verdict, probes: [], asked: { places: 1, silent: 0 }, cloudSays: '', declaredAt: FENCED },
    )
  for (const why of [null, 'its region is under water']) {
    const [found] = asked('healthy', why)
    expect(found?.message).toContain('capstan switchover shop --to shop-west')
    expect(found?.message).not.toContain('although')
  }
  expect(asked('ill', null)[0]?.message).toContain('--although-it-answers')
  expect(asked('ill', 'its region is under water')).toEqual([])
  expect(asked('dead', null)).toEqual([])
})
