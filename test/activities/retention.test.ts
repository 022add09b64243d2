import fc from 'fast-check'
import { retiredAs } from '../../activities/snapshot/expiry'
import { reliable } from '../../activities/snapshot/kept-until'
import { judgeRetention, type SnapshotFacts } from '../../activities/snapshot/retention'
import { factsOf } from '../../activities/snapshot/series'
import { judgeCopy, judgeSnapshot } from '../../activities/snapshot/verify'
import type { SnapshotDescription } from '../../clouds/port'
import { temporaryName } from '../../contracts/operation'
import { copyStepOf } from '../../contracts/snapshot'
import type { SnapshotProof } from '../../ledger/snapshot-proofs'

const NOW = Date.parse('2026-11-23T03:00:00.000Z')
const HERE = 'db-HERE'
const at = (hours: number): string => new Date(NOW + hours * 3_600_000).toISOString()

const record = fc.record({
  takenAt: fc.constant(at(-100)),
  expiresAt: fc.option(fc.integer({ min: -48, max: 48 }).map(at)),
  ended: fc.boolean(),
  sound: fc.boolean(),
  lasts: fc.boolean(),
  proof: fc.constantFrom(null, null, 'proven' as const, 'refuted' as const, 'failed' as const),
  provenHere: fc.boolean(),
  beingVerified: fc.boolean(),
})
/** A copy may be proven where it lies, and what it is a copy of found wanting. */
const origin = record.map((one) => ({
  ...one,
  provenHere: one.provenHere && (one.proof === 'proven' || one.proof === 'refuted'),
}))
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

const isProvenHere = (snapshot: SnapshotFacts): boolean => isProven(snapshot) && snapshot.origin?.provenHere === true

test.each([
  ['good', isGood],
  ['proven', isProven],
  ['proven and not refuted', isUnrefuted],
  ['itself proven', isProvenHere],
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
/** Not even its own operation found it good. */
const isLeft = ({ instanceId, state, origin: from }: SnapshotFacts): boolean =>
  instanceId === HERE && state === 'ready' && from?.ended === true && from.lasts

test('what a verification found wanting stays for no good one, and the newest of them where no good one is left', () => {
  fc.assert(
    fc.property(snapshots, (all) => {
      const standings = judgeRetention(all, { instanceId: HERE, now: NOW })
      const standing = (word: string) => all.filter(({ name }) => standings.get(name) === word)
      expect(standing('last-good').every(isGood)).toBe(true)
      const last = all.some(isSound) ? isSound : isLeft
      expect(standing('last-of-all').every((snapshot) => last(snapshot) && !all.some(isGood))).toBe(true)
      const gone = expired(all)
      if (all.some(last)) expect(all.some((snapshot) => last(snapshot) && !gone.includes(snapshot))).toBe(true)
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
      expect(left.length).toBeLessThanOrEqual(4)
      expect(left.filter((snapshot) => !isProven(snapshot)).length).toBeLessThanOrEqual(1)
      const last = all.some(isSound) ? isSound : isLeft
      expect(left.every((snapshot) => last(snapshot) || isProven(snapshot))).toBe(true)
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

test('what is of nobody knows which of the instances of a name goes for no other one', () => {
  const [instanceId, sound] = ['shop@unknown', { takenAt: at(-100), expiresAt: at(-1), ended: true, sound: true, lasts: true }]
  const two = ['old', 'new'].map((name, n): SnapshotFacts => {
    const created = { name, instanceId, state: 'ready' as const, createdAt: at(n - 90) }
    return { ...created, origin: { ...sound, proof: null, provenHere: false, beingVerified: false } }
  })
  const standings = (all: readonly SnapshotFacts[], id: string) => [...judgeRetention(all, { instanceId: id, now: NOW }).values()]
  expect(standings(two, instanceId)).toEqual(['other-instance', 'other-instance'])
  const known = two.map((one) => ({ ...one, instanceId: HERE }))
  expect(standings(known, HERE)).toEqual(['expired', 'last-good'])
})

describe('a copy in another region has the content of what it is a copy of', () => {
  const STEP = copyStepOf('eu-west-1')
  const copyOf = (operation: string, hours: number): SnapshotDescription => ({
    ...{ name: temporaryName(operation, STEP), instance: 'shop', instanceId: HERE, state: 'ready', cloudState: 'available' },
    ...{ createdAt: at(hours), engineVersion: '15.18', storage: { sizeGib: 20, encrypted: false, key: null } },
    owner: { operation, step: STEP, expiresAt: at(-1) },
  })
  const claim = { takenAt: at(-100), expiresAt: at(-1), ended: true, sound: true, lasts: true }
  const copies = [copyOf('old', -90), copyOf('mid', -60), copyOf('new', -30)]
  const standings = (proofs: Readonly<Record<string, SnapshotProof>>, verifying: readonly string[] = []) => {
    const of = (operation: string) => temporaryName(operation, 'take')
    const known = {
      proofs: new Map(Object.entries(proofs).map(([operation, proof]) => [of(operation), proof])),
      underVerification: new Set(verifying.map(of)),
    }
    const facts = copies.map((copy) => factsOf(copy, claim, known))
    return [...judgeRetention(facts, { instanceId: HERE, now: NOW }).values()]
  }
  test.each([
    ['none was verified', {}, ['expired', 'expired', 'last-good']],
    ['the oldest was proven', { old: 'proven' }, ['last-proven', 'expired', 'last-good']],
    ['the newest was found wanting', { new: 'failed' }, ['expired', 'last-good', 'expired']],
    ['the newest was proven, and refuted', { old: 'proven', new: 'refuted' }, ['last-proven', 'last-good', 'last-proven']],
    ['each was found wanting', { old: 'failed', mid: 'failed', new: 'failed' }, ['expired', 'expired', 'last-of-all']],
  ] as const)('%s', (_what, proofs, expected) => {
    expect(standings(proofs)).toEqual(expected)
  })

  test.each([
    ['proven, its source not', { 'eu-west-1/old': 'proven' }, ['last-proven', 'expired', 'last-good']],
    ['found wanting, its source proven', { 'eu-west-1/new': 'failed', new: 'proven' }, ['expired', 'last-good', 'last-proven']],
    ['proven, its source found wanting', { 'eu-west-1/new': 'proven', new: 'failed' }, ['expired', 'last-good', 'last-proven']],
    [
      'the same, one before it proven',
      { old: 'proven', 'eu-west-1/new': 'proven', new: 'failed' },
      ['last-proven', 'last-good', 'last-proven'],
    ],
    ['found wanting, as its source', { 'eu-west-1/new': 'failed', new: 'failed' }, ['expired', 'last-good', 'expired']],
    ['proven, as its source', { old: 'proven', 'eu-west-1/new': 'proven', new: 'proven' }, ['expired', 'expired', 'last-good']],
    [
      'proven, of a newer one the source',
      { 'eu-west-1/old': 'proven', mid: 'proven' },
      ['last-proven', 'last-proven', 'last-good'],
    ],
    [
      'proven, its source wanting, newer ones too',
      { 'eu-west-1/old': 'proven', old: 'failed', mid: 'proven', new: 'refuted' },
      ['last-proven', 'last-good', 'last-proven'],
    ],
    ['of its name in another region', { 'us-west-2/new': 'failed' }, ['expired', 'expired', 'last-good']],
  ] as const)('one that was verified there has a proof of its own: %s', (_what, said, expected) => {
    const nameOf = (key: string): string => {
      const [region, operation] = key.split('/')
      return operation === undefined ? temporaryName(key, 'take') : `${region}/${temporaryName(operation, STEP)}`
    }
    const proofs = new Map(Object.entries(said).map(([key, proof]) => [nameOf(key), proof as SnapshotProof]))
    const facts = copies.map((copy) => factsOf(copy, claim, { proofs, underVerification: new Set() }))
    expect([...judgeRetention(facts, { instanceId: HERE, now: NOW }).values()]).toEqual(expected)
  })

  test('a copy that is not what was asked for is more than none', () => {
    const [old, mid, last] = copies.map((copy) =>
      factsOf(copy, { ...claim, sound: false }, { proofs: new Map(), underVerification: new Set() }),
    )
    const judged = (all: readonly SnapshotFacts[]) => [...judgeRetention(all, { instanceId: HERE, now: NOW }).values()]
    expect(judged([old!, mid!, last!])).toEqual(['expired', 'expired', 'last-of-all'])
    // One that the ledger has as removed stays for nobody, whatever the cloud still lists.
    const gone = { ...last!, origin: { ...last!.origin!, lasts: false } }
    expect(judged([old!, mid!, gone])).toEqual(['expired', 'last-of-all', 'expired'])
  })

  test('what is verified just now keeps its copy', () => {
    expect(standings({}, ['mid'])).toEqual(['expired', 'being-verified', 'last-good'])
  })

  test('what was found wanting stands for no week and no month there either', () => {
    const known = { proofs: new Map([[temporaryName('new', 'take'), 'failed' as const]]), underVerification: new Set<string>() }
    const judged = copies.map((copy) => ({ facts: factsOf(copy, claim, known), standing: 'within-retention' as const }))
    expect(reliable(judged)).toHaveLength(2)
  })
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

describe('a copy in another region is held against the instance that was planned, and the key that was asked for', () => {
  const REGION = 'eu-west-1'
  const keyOf = (region: string, id: string): string => `arn:aws:kms:${region}:000000000000:key/${id}`
  const ID = '6f2c1a9e-0b4d-4c57-9d3e-6a1b2c3d4e5f'
  const plain = { sizeGib: 100, encrypted: false, key: null }
  const sealed = { sizeGib: 100, encrypted: true, key: keyOf('us-east-1', 'one') }
  const under = (key: string | null) => ({ sizeGib: 100, encrypted: true, key })
  const encryption = ['snapshot:encryption']
  const otherKey = ['snapshot:encryption-key']
  test.each([
    ['encrypted by default', sealed, null, under('alias/aws/rds'), []],
    ['encrypted by default, the key by its own name', sealed, null, under(keyOf(REGION, ID)), []],
    ['encrypted by default with a key of the source’s region', sealed, null, under(sealed.key), otherKey],
    ['encrypted by default with a key that nobody names', sealed, null, under(null), otherKey],
    ['of an encrypted one, not encrypted', sealed, null, plain, encryption],
    ['not encrypted, as its source', plain, null, plain, []],
    ['encrypted although nobody asked for it', plain, null, under(keyOf(REGION, ID)), encryption],
    ['encrypted as asked for, its source not', plain, keyOf(REGION, ID), under(keyOf(REGION, ID)), []],
    ['asked for by its id', sealed, ID, under(keyOf(REGION, ID)), []],
    ['asked for by its id, with another one', sealed, ID, under(keyOf(REGION, ID.replace('6', '7'))), otherKey],
    ['asked for by an alias', sealed, 'alias/backups', under(keyOf(REGION, ID)), []],
    ['asked for by an alias, with a key of elsewhere', sealed, 'alias/backups', under(keyOf('us-east-1', ID)), otherKey],
    ['asked for by an alias, with the default key', sealed, 'alias/backups', under('alias/aws/rds'), otherKey],
    ['asked for, not encrypted', plain, keyOf(REGION, ID), plain, encryption],
    ['smaller', plain, null, { ...plain, sizeGib: 20 }, ['snapshot:size']],
  ])('%s', (_what, planned, key, storage, rules) => {
    const plan = { instance: 'shop', instanceId: HERE, storage: planned }
    const copy: SnapshotDescription = {
      ...{ name: 'cap-nightly-copy-eu-west-1', instance: 'shop', instanceId: HERE, state: 'ready', cloudState: 'available' },
      ...{ createdAt: at(0), engineVersion: '15.18', storage, owner: null },
    }
    expect(judgeCopy(copy, plan, { region: REGION, key }).map(({ rule }) => rule)).toEqual(rules)
    const other = { ...copy, instanceId: 'db-OTHER' }
    expect(judgeCopy(other, plan, { region: REGION, key }).map(({ rule }) => rule)).toEqual(['snapshot:instance', ...rules])
  })
})

test('a retirement says that a snapshot is gone only once it is', () => {
  expect(retiredAs('expired', { removed: true })).toBe('gone')
  expect(retiredAs('expired', { removed: false, why: 'last-good' })).toBe(null)
  expect(retiredAs('expired', null)).toBe(null)
  expect(retiredAs('last-good', null)).toBe('last-good')
})
