import fc from 'fast-check'
import { judgeRetention, type SnapshotFacts } from '../../activities/snapshot/retention'
import { judgeSnapshot } from '../../activities/snapshot/verify'
import type { SnapshotDescription } from '../../clouds/port'

const NOW = Date.parse('2026-11-23T03:00:00.000Z')
const HERE = 'db-HERE'
const at = (hours: number): string => new Date(NOW + hours * 3_600_000).toISOString()

const origin = fc.record({
  expiresAt: fc.option(fc.integer({ min: -48, max: 48 }).map(at)),
  ended: fc.boolean(),
  sound: fc.boolean(),
})
const facts = fc.record({
  name: fc.string({ minLength: 1, maxLength: 6 }),
  instanceId: fc.constantFrom(HERE, HERE, 'db-OTHER'),
  state: fc.constantFrom('ready' as const, 'ready' as const, 'failed' as const, 'changing' as const, 'deleting' as const),
  createdAt: fc.option(fc.integer({ min: -200, max: 0 }).map(at)),
  origin: fc.option(origin),
})
const snapshots = fc.uniqueArray(facts, { selector: ({ name }) => name, maxLength: 12 })

function expired(all: readonly SnapshotFacts[]): SnapshotFacts[] {
  const standings = judgeRetention(all, { instanceId: HERE, now: NOW })
  return all.filter(({ name }) => standings.get(name) === 'expired')
}
const isGood = ({ instanceId, state, origin: from }: SnapshotFacts): boolean =>
  instanceId === HERE && state === 'ready' && from?.sound === true

test('only what is ours, of this instance, finished and past its retention is ever removed', () => {
  fc.assert(
    fc.property(snapshots, (all) => {
      for (const { instanceId, state, origin: from } of expired(all)) {
        expect(instanceId).toBe(HERE)
        expect(['ready', 'failed']).toContain(state)
        expect(from?.ended).toBe(true)
        expect(Date.parse(from?.expiresAt ?? '')).toBeLessThanOrEqual(NOW)
      }
    }),
  )
})

test('the newest good one is never removed, however far anybody gets with the removals', () => {
  fc.assert(
    fc.property(snapshots, fc.nat(), (all, stopAfter) => {
      const good = all.filter(isGood)
      let left = all
      for (let n = 0; n < stopAfter % 13; n += 1) {
        const [next] = expired(left)
        if (next === undefined) break
        left = left.filter((snapshot) => snapshot !== next)
      }
      const newest = [...good].sort((a, b) => ((a.createdAt ?? '') < (b.createdAt ?? '') ? 1 : -1))[0]
      if (newest !== undefined) expect(left.filter(isGood).map(({ createdAt }) => createdAt)).toContain(newest.createdAt)
    }),
  )
})

test('what is past its retention goes, but for the newest good one', () => {
  fc.assert(
    fc.property(snapshots, (all) => {
      const could = all.filter(
        ({ instanceId, state, origin: from }) =>
          instanceId === HERE &&
          (state === 'ready' || state === 'failed') &&
          from?.ended === true &&
          from.expiresAt !== null &&
          Date.parse(from.expiresAt) <= NOW,
      )
      const left = could.filter((snapshot) => !expired(all).includes(snapshot))
      expect(left.length).toBeLessThanOrEqual(1)
      expect(left.every(isGood)).toBe(true)
    }),
  )
})

test('the order in which the cloud lists them does not matter', () => {
  const shuffled = snapshots.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })))
  fc.assert(
    fc.property(shuffled, ([all, other]) => {
      const names = (list: readonly SnapshotFacts[]): string[] =>
        expired(list)
          .map(({ name }) => name)
          .sort()
      expect(names(other)).toEqual(names(all))
    }),
  )
})

describe('a snapshot is held against the instance that was planned', () => {
  const storage = { sizeGib: 100, encrypted: true, key: 'arn:aws:kms:eu-west-1:000000000000:key/one' }
  const plan = { instance: 'shop', instanceId: HERE, storage }
  const good: SnapshotDescription = {
    name: 'cap-nightly-take',
    instance: 'shop',
    instanceId: HERE,
    state: 'ready',
    cloudState: 'available',
    createdAt: at(0),
    engineVersion: '15.18',
    storage,
    owner: null,
  }
  test.each([
    ['the same', good, []],
    ['grown meanwhile', { ...good, storage: { ...storage, sizeGib: 120 } }, []],
    ['of another instance', { ...good, instanceId: 'db-OTHER' }, ['snapshot:instance']],
    ['not encrypted', { ...good, storage: { ...storage, encrypted: false, key: null } }, ['snapshot:encryption']],
    ['under another key', { ...good, storage: { ...storage, key: 'other' } }, ['snapshot:encryption-key']],
    ['smaller', { ...good, storage: { ...storage, sizeGib: 20 } }, ['snapshot:size']],
  ])('%s', (_what, found, rules) => {
    expect(judgeSnapshot(found, plan).map(({ rule }) => rule)).toEqual(rules)
  })
})
