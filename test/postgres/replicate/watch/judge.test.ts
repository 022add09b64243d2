import fc from 'fast-check'
import type { StandbyLook, StandbyRecord, StandbyState } from '../../../../contracts/standby'
import { judge } from '../../../../postgres/replicate/watch/judge'
import { aLook, aRecord, held, LOOK, MB, RECORD, STATES, SUBSCRIPTION, seen } from './looks'

const LATER = '2026-11-30T00:00:05.000Z'
const record = (state: StandbyState, look: StandbyLook | null = LOOK, reason: string | null = null): StandbyRecord => ({
  ...RECORD,
  state,
  look,
  reason,
})
const stateAfter = (state: StandbyState, look: StandbyLook, before: StandbyLook | null = LOOK) =>
  judge(record(state, before), look).state

describe('whatever is looked at', () => {
  test('what is gone or to be seeded anew never comes back by itself', () => {
    fc.assert(
      fc.property(aRecord, aLook, (standby, look) => {
        if (standby.state !== 'gone' && standby.state !== 'to-be-seeded') return
        expect(judge(standby, look)).toMatchObject({ state: standby.state, reason: standby.reason })
      }),
      { numRuns: 1_000 },
    )
  })

  test('a slot that holds back more than was declared is dropped, and only once the state says so', () => {
    fc.assert(
      fc.property(aRecord, aLook, (standby, look) => {
        const { state, act } = judge(standby, look)
        const retained = look.source?.slot?.retainedBytes ?? 0
        if (standby.state !== 'gone' && retained > RECORD.declared.retainedBytesMax) expect(act).toBe('drop-slot')
        const holds = look.source !== null && (look.source.slot !== null || look.source.strayCopySlots !== undefined)
        expect(act === 'drop-slot').toBe(state === 'to-be-seeded' && holds)
      }),
      { numRuns: 2_000 },
    )
  })

  test('what a side does not tell gives nothing up', () => {
    fc.assert(
      fc.property(aRecord, aLook, (standby, look) => {
        const { state, act } = judge(standby, { ...look, source: null })
        if (standby.state !== 'to-be-seeded') expect(state).not.toBe('to-be-seeded')
        expect(act).toBe('none')
        const blind = judge(standby, { ...look, source: null, target: null })
        expect(blind).toMatchObject({ state: standby.state, reason: standby.reason })
      }),
      { numRuns: 1_000 },
    )
  })

  test('nobody but an operation ends building, a move of writing or a pause, save by the loss of the slot', () => {
    fc.assert(
      fc.property(aRecord, aLook, (standby, look) => {
        if (!['building', 'switching', 'paused'].includes(standby.state)) return
        expect([standby.state, 'to-be-seeded']).toContain(judge(standby, look).state)
      }),
      { numRuns: 1_000 },
    )
  })

  test('the same look again changes nothing more, and mends nothing', () => {
    fc.assert(
      fc.property(aRecord, aLook, (standby, look) => {
        const { state, reason, findings } = judge(standby, look)
        const then: StandbyRecord = { ...standby, state, reason, look: { ...look, findings } }
        const again = judge(then, look)
        if (state === 'broken') expect(again.state).toBe('broken')
        if (state === 'to-be-seeded') expect(again).toMatchObject({ state, reason })
      }),
      { numRuns: 2_000 },
    )
  })
})

test.each(STATES.filter((state) => state !== 'gone' && state !== 'to-be-seeded'))('a slot that was lost ends %s', (state) => {
  expect(stateAfter(state, held({ walStatus: 'lost', retainedBytes: null }))).toBe('to-be-seeded')
  const overfull = judge(record(state), held({ retainedBytes: 101 * MB }))
  expect(overfull).toMatchObject({ state: 'to-be-seeded', act: 'drop-slot' })
  expect(overfull.reason).toBe(
    'The slot cap_slot held back 101 MB of log on the source and maxRetained allows 100 MB: it is dropped, so that the disk of the source does not fill up.',
  )
  const without = { ...LOOK, source: { slot: null, publishedTables: 3 } }
  expect(stateAfter(state, without)).toBe(state === 'building' ? 'building' : 'to-be-seeded')
})

test('a disk of which less than a tenth is free is told, and changes nothing', () => {
  const lookedAt = (bytesUsed: number) => judge({ ...record('following'), disk: { at: LOOK.at, sizeGib: 10, bytesUsed } }, LOOK)
  expect(lookedAt(9 * 1024 ** 3).findings).toEqual([])
  const full = lookedAt(9 * 1024 ** 3 + 1)
  expect(full).toMatchObject({ state: 'following', act: 'none', findings: [{ rule: 'standby-disk', allowed: 9 * 1024 ** 3 }] })
  expect(full.findings[0]?.message).toContain('of 10 GiB are used')
})

test('a disk that nobody could ask about for hours is told as not known, full or not', () => {
  const at = (hours: number) => new Date(Date.parse(LOOK.at) - hours * 3_600_000).toISOString()
  const rulesOf = (hours: number, state: StandbyState = 'following', more = {}) =>
    judge({ ...record(state), disk: { at: at(hours), sizeGib: 10, bytesUsed: 9.9 * 1024 ** 3, ...more } }, LOOK).findings.map(
      ({ rule }) => rule,
    )
  expect(rulesOf(6)).toEqual(['standby-disk'])
  expect(rulesOf(7)).toEqual(['disk-not-known'])
  expect(rulesOf(7, 'switching')).toEqual([])
  expect(rulesOf(1, 'following', { growsToGib: 0 })).toEqual([])
})

test('a paused standby that somebody enabled is told with the command that says so', () => {
  const { message } = judge(record('paused'), LOOK).findings.find(({ rule }) => rule === 'enabled-while-paused') ?? {}
  expect(message).toContain('capstan standby resume shop --to shop-azure,')
})

test('a disk that its cloud makes larger is full where that ends', () => {
  const lookedAt = (bytesUsed: number) =>
    judge({ ...record('following'), disk: { at: LOOK.at, sizeGib: 10, growsToGib: 20, bytesUsed } }, LOOK).findings
  expect(lookedAt(18 * 1024 ** 3)).toEqual([])
  expect(lookedAt(18 * 1024 ** 3 + 1)).toMatchObject([{ rule: 'standby-disk', allowed: 18 * 1024 ** 3 }])
})

test('a slot by which a table is copied is dropped though the one that follows is gone', () => {
  const stray = (retainedBytes: number): StandbyLook => ({
    ...LOOK,
    source: { slot: null, publishedTables: 3, strayCopySlots: { count: 1, retainedBytes } },
  })
  expect(judge(record('to-be-seeded'), stray(MB))).toMatchObject({ state: 'to-be-seeded', act: 'drop-slot' })
  expect(judge(record('copying'), stray(MB))).toMatchObject({ state: 'to-be-seeded', act: 'drop-slot' })
  expect(judge(record('building'), stray(MB))).toMatchObject({ state: 'building', act: 'none' })
  const over = judge(record('building'), stray(101 * MB))
  expect(over).toMatchObject({ state: 'to-be-seeded', act: 'drop-slot' })
  expect(over.reason).toContain('1 slot by which its tables were copied held back 101 MB')
})

test('one that does not answer keeps its state while its slot is read, and is broken once nobody reads it in two looks', () => {
  const silent = (active: boolean): StandbyLook => ({ ...held({ active }), target: null, beatAt: null, lagMs: null })
  for (const state of ['following', 'late', 'copying'] as const) {
    expect(stateAfter(state, silent(true), silent(false))).toBe(state)
    expect(stateAfter(state, silent(false), silent(true))).toBe(state)
    expect(stateAfter(state, silent(false), held({ active: false }))).toBe(state)
    const idle = judge(record(state, silent(false)), silent(false))
    expect(idle).toMatchObject({
      state: 'broken',
      act: 'none',
      reason: expect.stringContaining('Nothing reads the slot cap_slot'),
    })
  }
  for (const state of ['paused', 'building', 'broken'] as const)
    expect(stateAfter(state, silent(false), silent(false))).toBe(state)
  expect(stateAfter('broken', { ...LOOK, beatAt: LATER }, silent(false))).toBe('following')
})

test('it is late beyond what was declared, and follows again', () => {
  const late = judge(record('following'), { ...LOOK, lagMs: 60_001 })
  expect(late).toMatchObject({ state: 'late', reason: 'It is later than the 60 s that maxLag allows.', act: 'none' })
  expect(judge(record('late', LOOK, 'It is late.'), { ...LOOK, lagMs: 60_000 })).toMatchObject({
    state: 'following',
    reason: null,
  })
  expect(judge(record('late', LOOK, 'It is late.'), { ...LOOK, lagMs: null })).toMatchObject({
    state: 'late',
    reason: 'It is late.',
  })
})

test('a copy that is not finished is copying, and follows after it', () => {
  const copying = seen({ tables: { ...SUBSCRIPTION.tables, ready: 2 } }, { lagMs: 600_000 })
  expect(stateAfter('following', copying)).toBe('copying')
  expect(stateAfter('copying', copying)).toBe('copying')
  expect(stateAfter('copying', LOOK)).toBe('following')
  expect(stateAfter('copying', { ...LOOK, lagMs: 90_000 })).toBe('late')
  expect(stateAfter('copying', { ...LOOK, lagMs: null, beatAt: null })).toBe('following')
})

describe('what breaks it', () => {
  test('a subscription that somebody disabled, or that has disabled itself', () => {
    expect(judge(record('following'), seen({ enabled: false })).reason).toContain('was disabled, and by no operation')
    const itself = judge(record('following'), seen({ enabled: false, disablesOnError: true, applyErrors: 1 }))
    expect(itself).toMatchObject({
      state: 'broken',
      reason: expect.stringContaining('has disabled itself after an error (disable_on_error; 1 so far)'),
    })
    expect(judge(record('following'), seen({ enabled: false, disablesOnError: true })).reason).toContain('by no operation')
    expect(judge(record('paused'), seen({ enabled: false }))).toMatchObject({ state: 'paused', findings: [] })
    expect(judge(record('following'), { ...LOOK, target: { subscription: null } }).reason).toContain('is gone from the standby')
  })

  test('errors that have become more since the look before, and none that were there', () => {
    const old = seen({ applyErrors: 7, syncErrors: 2 })
    expect(stateAfter('following', old, old)).toBe('following')
    expect(stateAfter('following', old, null)).toBe('following')
    expect(judge(record('following', old), seen({ applyErrors: 8, syncErrors: 2 }))).toMatchObject({
      state: 'broken',
      reason: expect.stringContaining('could not apply a change and tries it over and over (8 times so far)'),
    })
    expect(judge(record('copying', old), seen({ applyErrors: 7, syncErrors: 3 })).reason).toContain('could not copy a table')
    // the statistics were reset in between
    expect(stateAfter('following', seen({ applyErrors: 0 }), old)).toBe('following')
    expect(stateAfter('following', seen({ applyErrors: 1 }), old)).toBe('broken')
  })

  test('a worker that is missing twice while nothing comes, and not once between two lives', () => {
    const idle = seen({ working: false })
    expect(stateAfter('following', idle, LOOK)).toBe('following')
    expect(stateAfter('following', idle, idle)).toBe('broken')
    expect(stateAfter('following', seen({ working: false }, { beatAt: LATER }), idle)).toBe('following')
  })

  test('it is mended once something has come through, not when a worker just lives', () => {
    const failing = seen({ applyErrors: 5 })
    expect(stateAfter('broken', failing, failing)).toBe('broken')
    expect(stateAfter('broken', seen({ applyErrors: 5 }, { beatAt: LATER }), failing)).toBe('following')
    expect(stateAfter('broken', seen({ applyErrors: 5 }, { beatAt: LATER, lagMs: 90_000 }), failing)).toBe('late')
    expect(stateAfter('broken', seen({ applyErrors: 6 }, { beatAt: LATER }), failing)).toBe('broken')
    const copying = (ready: number) => seen({ syncErrors: 4, tables: { ...SUBSCRIPTION.tables, ready } }, { beatAt: LATER })
    expect(stateAfter('broken', copying(1), copying(1))).toBe('broken')
    expect(stateAfter('broken', copying(2), copying(1))).toBe('copying')
  })
})

test('what somebody has to know is found, whatever the state is', () => {
  const rulesOf = (state: StandbyState, look: StandbyLook) => judge(record(state), look).findings.map(({ rule }) => rule)
  expect(rulesOf('following', LOOK)).toEqual([])
  expect(rulesOf('following', held({ retainedBytes: 80 * MB }))).toEqual([])
  expect(judge(record('paused'), held({ retainedBytes: 81 * MB })).findings).toEqual([
    {
      rule: 'slot-retention',
      message:
        'The slot cap_slot holds back 81 MB of log on the source: above 100 MB it is dropped, and the standby has to be seeded anew.',
      measured: 81 * MB,
      allowed: 100 * MB,
    },
    expect.objectContaining({ rule: 'enabled-while-paused' }),
  ])
  expect(rulesOf('following', held({ walStatus: 'unreserved', safeBytes: 5 }))).toEqual(['slot-unreserved'])
  expect(rulesOf('following', { ...LOOK, source: null, unreached: ['away'] })).toEqual(['unreached'])
  expect(rulesOf('following', { ...LOOK, beatAt: null, lagMs: null })).toEqual(['no-beat'])
  const apart = (aheadMs: number) => ({ ...LOOK, skew: { at: LOOK.at, aheadMs, withinMs: 200 } })
  expect([1_200, -1_200, 1_201, -1_201].map((ms) => rulesOf('following', apart(ms)))).toEqual([
    [],
    [],
    ['clock-skew'],
    ['clock-skew'],
  ])
  expect(rulesOf('following', { ...LOOK, source: { ...LOOK.source!, publishedTables: 0 } })).toEqual(['nothing-published'])
  const differing = judge(record('following'), { ...LOOK, schemaDiffers: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] })
  expect(differing.findings[0]?.message).toContain('a, b, c, d, e and 2 more')
  expect(rulesOf('gone', { ...LOOK, source: null, unreached: ['away'] })).toEqual([])
})

describe('at its line', () => {
  const waits = { since: LOOK.at, script: 'V2__holder.sql', files: 2 }
  const failing = (applyErrors: number, more: Partial<StandbyLook> = {}) => seen({ applyErrors, working: false }, more)

  test('what its worker fails with there breaks nothing, nor what it had failed with until it was let go on', () => {
    expect(stateAfter('following', failing(9, { waits }), failing(5))).toBe('following')
    expect(stateAfter('following', failing(9), failing(7, { waits }))).toBe('following')
    expect(stateAfter('following', failing(10), failing(9))).toBe('broken')
    expect(stateAfter('following', failing(9), failing(5))).toBe('broken')
  })

  test('it is late by the beats that do not arrive, is not mended by waiting, and its slot is dropped as any other', () => {
    expect(stateAfter('following', failing(9, { waits, lagMs: 90_000 }), failing(5))).toBe('late')
    expect(stateAfter('broken', failing(9, { waits }), failing(5))).toBe('broken')
    expect(judge(record('following'), held({ retainedBytes: 101 * MB }, { waits })).act).toBe('drop-slot')
  })

  test('which file it waits for is told, and what brings it on', () => {
    const [told] = judge(record('following'), { ...LOOK, waits }).findings
    expect(told).toMatchObject({ rule: 'waits-for-migration', measured: 2, allowed: 0 })
    expect(told?.message).toContain('V2__holder.sql and 1 more')
    expect(told?.message).toContain('"capstan standby resume shop --to shop-azure"')
    const [empty] = judge(record('following'), { ...LOOK, waits: { ...waits, deferred: 3 } }).findings
    expect([told?.message, empty?.message]).toEqual([
      expect.not.stringContaining('empty'),
      expect.stringContaining('3 of its tables are empty'),
    ])
    expect(judge(record('to-be-seeded'), { ...LOOK, waits }).findings[0]?.message).toContain('"capstan standby reseed')
  })
})
