/** What may be lost by a failover to a read replica, held against what was allowed once its source is proven fenced. */
import { statedAnew } from '../../../activities/exchange/plan-take-over'

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

test('what the replica got until the fence was proven counts, and within the allowance nobody is asked', () => {
  const { takeOver } = statedAnew(PLAN, HAD, FENCED)
  expect(takeOver).toMatchObject({ exposure: { had: HAD, lossMsMax: 10_000 }, asks: null, fencedAt: FENCED })
})

test('more than was allowed, and what nobody knows, is asked about, with the moment', () => {
  const late = '2026-01-01T00:00:12.100Z'
  const { digest, takeOver } = statedAnew(PLAN, HAD, late)
  expect(takeOver).toMatchObject({ exposure: { lossMsMax: 10_100 }, asks: expect.stringContaining(`no sooner than ${late}`) })
  expect(digest).not.toBe(PLAN.digest)
  expect(statedAnew(PLAN, HAD, late).digest).toBe(digest)
  expect(statedAnew(PLAN, null, FENCED).takeOver.asks).toContain('nobody knows what may be lost')
})

test('a clock of the source that is ahead of ours never says that nothing is lost', () => {
  const { takeOver } = statedAnew(PLAN, { ...HAD, at: '2026-01-01T00:01:00.000Z' }, FENCED)
  expect(takeOver).toMatchObject({ exposure: { lossMsMax: null }, asks: expect.stringContaining('nobody knows') })
})
