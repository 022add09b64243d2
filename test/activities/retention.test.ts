import fc from 'fast-check'
import { retiredAs } from '../../activities/snapshot/expiry'
import { reliable } from '../../activities/snapshot/kept-until'
import { judgeRetention, type SnapshotFacts } from '../../activities/snapshot/retention'
import { judgeSnapshot } from '../../activities/snapshot/verify'
import type { SnapshotDescription } from '../../clouds/port'

const NOW = Date.parse('2026-11-23T03:00:00.000Z')
const HERE = 'db-HERE'
const at = (hours: number): string => new Date(NOW + hours * 3_600_000).toISOString()

const origin = fc.record({
  takenAt: fc.constant(at(-100)),
  expiresAt: fc.option(fc.integer({ min: -48, max: 48 }).map(at)),
  ended: fc.boolean(),
  sound: fc.boolean(),
  proof: fc.constantFrom(null, null, 'proven' as const, 'refuted' as const, 'failed' as const),
  beingVerified: fc.boolean(),
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
  instanceId === HERE && state === 'ready' && from?.sound === true && from.proof !== 'refuted' && from.proof !== 'failed'

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

const isProven = ({ instanceId, state, origin: from }: SnapshotFacts): boolean =>
  instanceId === HERE && state === 'ready' && (from?.proof === 'proven' || from?.proof === 'refuted')
const isUnrefuted = (snapshot: SnapshotFacts): boolean => isProven(snapshot) && snapshot.origin?.proof === 'proven'

test.each([
  ['good', isGood],
  ['proven', isProven],
  ['proven and not refuted', isUnrefuted],
])('the newest %s one is never removed, however far anybody gets with the removals', (_what, counts) => {
  fc.assert(
    fc.property(snapshots, fc.nat(), (all, stopAfter) => {
      const good = all.filter(counts)
      let left = all
      for (let n = 0; n < stopAfter % 13; n += 1) {
        const [next] = expired(left)
        if (next === undefined) break
        left = left.filter((snapshot) => snapshot !== next)
      }
      const newest = [...good].sort((a, b) => ((a.createdAt ?? '') < (b.createdAt ?? '') ? 1 : -1))[0]
      if (newest !== undefined) expect(left.filter(counts).map(({ createdAt }) => createdAt)).toContain(newest.createdAt)
    }),
  )
})

const isSound = ({ instanceId, state, origin: from }: SnapshotFacts): boolean =>
  instanceId === HERE && state === 'ready' && from?.sound === true

test('what a verification found wanting stays for no good one, and the newest of them where no good one is left', () => {
  fc.assert(
    fc.property(snapshots, (all) => {
      const standings = judgeRetention(all, { instanceId: HERE, now: NOW })
      const standing = (word: string) => all.filter(({ name }) => standings.get(name) === word)
      expect(standing('last-good').every(isGood)).toBe(true)
      expect(standing('last-of-all').every((snapshot) => isSound(snapshot) && !all.some(isGood))).toBe(true)
      const gone = expired(all)
      if (all.some(isSound)) expect(all.some((snapshot) => isSound(snapshot) && !gone.includes(snapshot))).toBe(true)
    }),
  )
})

test('what a verification found wanting stands for no week and no month', () => {
  fc.assert(
    fc.property(snapshots, (all) => {
      const standings = judgeRetention(all, { instanceId: HERE, now: NOW })
      const judged = all.map((snapshot) => ({ facts: snapshot, standing: standings.get(snapshot.name) ?? 'not-ours' }))
      const counted = all.filter((snapshot) => isGood(snapshot) && snapshot.origin?.ended === true)
      expect(reliable(judged)).toHaveLength(counted.length)
    }),
  )
})

test('what is past its retention goes, but for the newest good and proven ones and what is being verified', () => {
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
      const gone = expired(all)
      const left = could.filter((snapshot) => !gone.includes(snapshot) && snapshot.origin?.beingVerified !== true)
      expect(left.length).toBeLessThanOrEqual(3)
      expect(left.filter((snapshot) => !isProven(snapshot)).length).toBeLessThanOrEqual(1)
      expect(left.every((snapshot) => isSound(snapshot) || isProven(snapshot))).toBe(true)
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

test('a retirement says that a snapshot is gone only once it is', () => {
  expect(retiredAs('expired', { removed: true })).toBe('gone')
  expect(retiredAs('expired', { removed: false, why: 'last-good' })).toBe(null)
  expect(retiredAs('expired', null)).toBe(null)
  expect(retiredAs('last-good', null)).toBe('last-good')
})
