/** The checker finds each violation that it is there for, in whatever history it is hidden, and none in a history without one. */
import fc from 'fast-check'
import { violationsOf } from './checker'
import {
  type Accepted,
  type Attempt,
  type GivenUp,
  type History,
  namesOf,
  type Ring,
  type Row,
  type Side,
  seenIn,
} from './history'
import { turnsOf } from './turns'

const NODES = 5
const SUM = 1_000
const RING: Ring = [1, 2, 3, 4, 5].map((node) => [node, (node % NODES) + 1] as const)
const WRITERS = ['r1/0', 'r1/1', 'r1/2']

const DEEDS = ['acknowledged', 'acknowledged', 'acknowledged', 'unknown, there', 'unknown, gone', 'failed', 'probe'] as const
interface Deed {
  readonly is: (typeof DEEDS)[number]
  readonly by: number
}

/** As it would be seen were nothing wrong: before the turn all are on A, after it on B. `lost`: what A took besides, and B never had. */
function historyOf(before: readonly Deed[], after: readonly Deed[], lost: readonly Deed[] | null = null): History {
  const attempts: Attempt[] = []
  const accepted: Accepted[] = []
  const [old, now] = [sideAt('A'), sideAt('B')]
  let at = 0
  const doneOn = (server: string, deeds: readonly Deed[], sides: readonly Growing[]): void => {
    for (const { is, by } of deeds) {
      at += 1
      const moment = { server, id: at, from: at * 10, to: at * 10 + 15 }
      const writer = WRITERS[by] ?? ''
      if (is === 'probe') {
        accepted.push({ endpoint: 'application', ...moment })
        for (const { probes } of sides) probes.push({ id: at, server })
        continue
      }
      const seq = (sides[0]?.last.get(writer) ?? 0) + 1
      const key = `${writer}/${seq}.${at}`
      const outcome = is === 'acknowledged' || is === 'failed' ? is : 'unknown'
      const sent = { ...moment, ticket: at + 5_000, to: is === 'acknowledged' ? moment.to : null }
      attempts.push({ key, writer, seq, outcome, sent: is === 'failed' ? null : sent })
      if (is === 'failed' || is === 'unknown, gone') continue
      for (const { last, rows } of sides) {
        last.set(writer, seq)
        rows.push({ key, writer, seq, id: at, ticket: sent.ticket, server })
      }
    }
    // whoever was turned away comes again later
    at += 10
  }
  doneOn('A', before, [old, now])
  const from = at * 10
  doneOn('A', lost ?? [], [old])
  const to = at * 10
  const told = attempts.findLast((one) => one.outcome === 'acknowledged' && one.writer === 'r1/0')?.seq ?? 0
  const found = now.last.get('r1/0') ?? 0
  doneOn('B', after, lost === null ? [old, now] : [now])
  const sides = [old, now].map(({ last, ...side }) => ({
    ...side,
    clients: [...last].map(([writer, seq]) => ({ writer, last: seq })),
  }))
  const [left, here] = sides.map(namesOf)
  const apart = [...(left ?? [])].filter(([name, value]) => here?.get(name) !== value).map(([name]) => name)
  return {
    ...{ attempts, accepted, sides, sum: SUM, nodes: NODES, turns: ['A', 'B'], crashes: false },
    resumed: [{ writer: 'r1/0', last: found, acknowledged: told, server: 'B' }],
    snapshots: [{ server: 'A', sum: SUM, ring: RING }],
    givenUp: lost === null ? null : { server: 'A', told: apart, from, to },
  }
}

const sideAt = (server: string) => ({
  ...{ server, sum: SUM, ring: RING, rows: [] as Row[], probes: [] as { id: number; server: string }[] },
  last: new Map(WRITERS.map((writer) => [writer, 0])),
})
type Growing = ReturnType<typeof sideAt>

const deeds = fc.array(fc.record({ is: fc.constantFrom(...DEEDS), by: fc.nat(WRITERS.length - 1) }), { maxLength: 25 })
/** On each side at least one that counts, and one of each kind somewhere. */
const ONE_OF_EACH: readonly Deed[] = [
  { is: 'acknowledged', by: 0 },
  { is: 'unknown, there', by: 1 },
  { is: 'acknowledged', by: 1 },
  { is: 'failed', by: 2 },
  { is: 'probe', by: 0 },
  { is: 'acknowledged', by: 2 },
]
const histories = fc
  .tuple(deeds, deeds)
  .map(([before, after]) => historyOf([...before, ...ONE_OF_EACH], [...ONE_OF_EACH, ...after]))

/** Of what came over last, and of what did not, one of each kind at least. */
const failovers = fc
  .tuple(deeds, deeds, deeds)
  .map(([before, lost, after]) => historyOf([...before, ...ONE_OF_EACH], [...ONE_OF_EACH, ...after], [...ONE_OF_EACH, ...lost]))

test('a history without a violation has none', () => {
  for (const one of [histories, failovers])
    fc.assert(fc.property(one, (history) => void expect(violationsOf(history)).toEqual([])))
})

const on = (history: History, which: readonly string[], change: (side: Side) => Side): History => ({
  ...history,
  sides: history.sides.map((side) => (which.includes(side.server) ? change(side) : side)),
})
const without =
  (key: string) =>
  (side: Side): Side => ({ ...side, rows: side.rows.filter((row) => row.key !== key) })
const also =
  (row: Row) =>
  (side: Side): Side => ({ ...side, rows: [...side.rows, row] })
const some = (history: History, outcome: Attempt['outcome'], server = 'A'): Attempt => {
  const found = history.attempts.find((one) => one.outcome === outcome && (one.sent === null || one.sent.server === server))
  if (found === undefined) throw new Error(`no ${outcome}`)
  return found
}
const rowOf = (history: History, { key }: Attempt): Row => {
  const found = history.sides[0]?.rows.find((row) => row.key === key)
  if (found === undefined) throw new Error(`no row ${key}`)
  return found
}
const BOTH = ['A', 'B']
const STRANGER: Row = { key: 'r1/0/9.9', writer: 'r1/0', seq: 99_999, id: 99_999, ticket: 99_999, server: 'A' }
const TWO_RINGS: Ring = [
  [1, 2],
  [2, 1],
  [3, 4],
  [4, 5],
  [5, 3],
]

const VIOLATIONS: readonly [what: string, inject: (history: History) => History, told: RegExp][] = [
  [
    'an acknowledged row that the new writer lacks',
    (h) => on(h, ['B'], without(some(h, 'acknowledged').key)),
    /acknowledged and lost on B/,
  ],
  ['an acknowledged row that both lack', (h) => on(h, BOTH, without(some(h, 'acknowledged').key)), /acknowledged and lost on A/],
  [
    'a row that the old writer did not get back',
    (h) => on(h, ['A'], without(some(h, 'acknowledged', 'B').key)),
    /on B and not on A: transfer/,
  ],
  [
    'a row that is there twice',
    (h) => on(h, BOTH, also({ ...rowOf(h, some(h, 'acknowledged')), id: 77_777, ticket: 77_777 })),
    /there twice on A/,
  ],
  [
    'a transaction that failed and is there',
    (h) => {
      const { key, writer, seq } = some(h, 'failed')
      return on(h, BOTH, also({ ...STRANGER, key, writer, seq }))
    },
    /failed and there all the same on B/,
  ],
  ['a row that nobody wrote', (h) => on(h, BOTH, also(STRANGER)), /written by nobody/],
  [
    'a row that was changed on its way',
    (h) => on(h, ['B'], (side) => ({ ...side, rows: side.rows.map((row) => ({ ...row, server: 'C' })) })),
    /another row than was written on B/,
  ],
  ['money that is missing', (h) => on(h, ['B'], (side) => ({ ...side, sum: SUM - 1 })), /999 in all accounts of B at the end/],
  [
    'money that is missing for a moment',
    (h) => ({ ...h, snapshots: [{ server: 'A', sum: SUM + 1, ring: RING }] }),
    /1001 in all accounts of A in a snapshot/,
  ],
  ['a ring that came apart', (h) => on(h, BOTH, (side) => ({ ...side, ring: TWO_RINGS })), /the ring of A is broken at the end/],
  [
    'a ring that lacks a node',
    (h) => ({ ...h, snapshots: [{ server: 'B', sum: SUM, ring: RING.slice(1) }] }),
    /the ring of B is broken in a snapshot/,
  ],
  [
    'a gap where nobody knew the outcome, and the writer went on upon it',
    (h) => {
      const gone = h.attempts.find((one) => one.outcome === 'unknown' && h.sides[0]?.rows.some(({ key }) => key === one.key))
      return on(h, BOTH, without(gone?.key ?? ''))
    },
    /a gap in what a writer wrote on A: r1/,
  ],
  [
    'an unknown one that is on one side',
    (h) => {
      const there = h.attempts.filter((one) => one.outcome === 'unknown' && h.sides[0]?.rows.some(({ key }) => key === one.key))
      return on(h, ['B'], without(there.at(-1)?.key ?? ''))
    },
    /on A and not on B: transfer/,
  ],
  [
    'a sequence that gave an id twice',
    (h) => twiceGiven(h, (of, earlier) => ({ ...of, id: earlier.id })),
    /an id was given twice/,
  ],
  [
    'a sequence of no column that gave a ticket twice',
    (h) => twiceGiven(h, (of, earlier) => ({ ...of, ticket: earlier.ticket })),
    /a ticket was given twice/,
  ],
  [
    'a writer that comes again and finds less than it was told',
    (h) => ({ ...h, resumed: [{ writer: 'r1/0', last: 3, acknowledged: 4, server: 'B' }] }),
    /found less than it was told: r1\/0 at 3 on B, acknowledged 4/,
  ],
  [
    'a probe that the old writer lets write once more',
    (h) => ({ ...h, accepted: [...h.accepted, { endpoint: 'A', id: 88_888, server: 'A', from: 1e6, to: 1e6 + 1 }] }),
    /in turn by A, B, A, and it was to be A, B/,
  ],
  [
    'a probe that the standby lets write before its time',
    (h) => ({ ...h, accepted: [...h.accepted, { endpoint: 'B', id: 88_888, server: 'B', from: -3, to: -2 }] }),
    /in turn by A, B, A, B, and it was to be A, B/,
  ],
  [
    'a transaction of the old writer that nobody heard of again, and that took effect after all',
    (h) => {
      const late = { ...STRANGER, key: 'late', writer: 'r1/9', seq: 1 }
      const attempt: Attempt = { ...late, outcome: 'unknown', sent: { ...late, from: 1e6, to: null } }
      const grown = on(h, BOTH, (side) => ({ ...also(late)(side), clients: [...side.clients, { writer: 'r1/9', last: 1 }] }))
      return { ...grown, attempts: [...h.attempts, attempt] }
    },
    /in turn by A, B, A/,
  ],
  ['writing that did not move', (h) => ({ ...h, turns: ['A'] }), /in turn by A, B, and it was to be A/],
  [
    'a probe’s row that was lost',
    (h) => on(h, ['B'], (side) => ({ ...side, probes: side.probes.slice(1) })),
    /a probe's row, acknowledged and lost on B/,
  ],
]

const givingUp = (h: History, change: (told: readonly string[]) => Partial<GivenUp>): History =>
  h.givenUp === null ? h : { ...h, givenUp: { ...h.givenUp, ...change(h.givenUp.told) } }
/** One that the old writer acknowledged, and that came over or did not. */
const ofOld = (h: History, cameOver: boolean): Attempt => {
  const there = new Set(h.sides[1]?.rows.map(({ key }) => key))
  const found = h.attempts.find(
    (one) => one.outcome === 'acknowledged' && one.sent?.server === 'A' && there.has(one.key) === cameOver,
  )
  if (found === undefined) throw new Error('there is none')
  return found
}

const OF_A_FAILOVER: typeof VIOLATIONS = [
  [
    'a row that is lost and that nobody told',
    (h) => givingUp(h, (told) => ({ told: told.filter((name) => name !== `transfer ${ofOld(h, false).key}`) })),
    /acknowledged and lost on B: r1[\s\S]*left on A, and nobody told: transfer r1/,
  ],
  [
    'a probe that is lost and that nobody told',
    (h) => givingUp(h, (told) => ({ told: told.filter((name) => !name.startsWith('probe')) })),
    /a probe's row, acknowledged and lost on B/,
  ],
  [
    'a row that was told to be lost, and is not',
    (h) => givingUp(h, (told) => ({ told: [...told, `transfer ${ofOld(h, true).key}`] })),
    /told to be left on A, and it is not: transfer r1/,
  ],
  [
    'a row that the old writer forgot',
    (h) => on(h, ['A'], without(ofOld(h, true).key)),
    /acknowledged and lost on A: r1[\s\S]*B has it of A, which has it not: transfer/,
  ],
  [
    'a row that only the old writer had, and forgot',
    (h) => on(h, ['A'], without(ofOld(h, false).key)),
    /acknowledged and lost on A/,
  ],
  ['a loss from before what was stated', (h) => givingUp(h, () => ({ from: 1e9 })), /lost outside of what was stated: transfer/],
  ['a loss from behind the fence', (h) => givingUp(h, () => ({ to: -1 })), /lost outside of what was stated: transfer/],
  [
    'an id of a row that was lost, given again',
    (h) => {
      const [id, key] = [ofOld(h, false).sent?.id ?? 0, some(h, 'acknowledged', 'B').key]
      return on(h, ['B'], (side) => ({ ...side, rows: side.rows.map((row) => (row.key === key ? { ...row, id } : row)) }))
    },
    /an id was given twice/,
  ],
  [
    'a writer that comes again and finds less than was told to be lost',
    (h) => ({ ...h, resumed: [{ writer: ofOld(h, true).writer, last: 0, acknowledged: 99, server: 'B' }] }),
    /found less than it was told/,
  ],
  [
    'an old writer that takes one more',
    (h) => ({ ...h, accepted: [...h.accepted, { endpoint: 'A', id: 88_888, server: 'A', from: 1e6, to: 1e6 + 1 }] }),
    /in turn by A, B, A, and it was to be A, B/,
  ],
]

test.each(OF_A_FAILOVER)('of a failover, %s is found', (_what, inject, told) => {
  fc.assert(
    fc.property(failovers, (history) => void expect(violationsOf(inject(history)).join('\n')).toMatch(told)),
    { numRuns: 40 },
  )
})

function twiceGiven(history: History, as: (of: Row, earlier: Row) => Row): History {
  const [earlier, later] = [
    rowOf(history, some(history, 'acknowledged', 'A')),
    rowOf(history, some(history, 'acknowledged', 'B')),
  ]
  const given = as(later, earlier)
  const changed = on(history, BOTH, (side) => ({ ...side, rows: side.rows.map((row) => (row.key === later.key ? given : row)) }))
  const attempts = history.attempts.map((one) =>
    one.key === later.key && one.sent !== null ? { ...one, sent: { ...one.sent, id: given.id, ticket: given.ticket } } : one,
  )
  return { ...changed, attempts }
}

test.each(VIOLATIONS)('%s is found, wherever it is', (_what, inject, told) => {
  fc.assert(
    fc.property(histories, (history) => void expect(violationsOf(inject(history)).join('\n')).toMatch(told)),
    { numRuns: 40 },
  )
})

test('a number of somebody who never committed may be given again where a server has crashed, and nowhere else', () => {
  const again = (history: History): History => {
    const { sent } = some(history, 'acknowledged', 'A')
    if (sent === null) throw new Error('it was acknowledged')
    const never: Attempt = { key: 'r1/9/1.1', writer: 'r1/9', seq: 1, outcome: 'unknown', sent: { ...sent, to: null } }
    return { ...history, attempts: [...history.attempts, never] }
  }
  const told = (history: History, crashes: boolean) => violationsOf({ ...again(history), crashes }).join('\n')
  fc.assert(
    fc.property(histories, (history) => {
      expect(told(history, false)).toMatch(/an id was given twice/)
      expect(told(history, true)).toBe('')
    }),
    { numRuns: 40 },
  )
})

test('writes that were under way at the same time are no proof of two writers, and one that began after the other ended is', () => {
  const [old, early] = [
    { server: 'A', from: 0, to: 20 },
    { server: 'B', from: 10, to: 30 },
  ]
  expect(turnsOf([old, early], 'A')).toEqual(['A', 'B'])
  expect(turnsOf([old, early, { server: 'A', from: 29, to: 40 }], 'A')).toEqual(['A', 'B'])
  expect(turnsOf([old, early, { server: 'A', from: 31, to: 40 }], 'A')).toEqual(['A', 'B', 'A'])
})

test('of whatever writes, none is left out, and no order with fewer turns is', () => {
  const write = fc.record({ server: fc.constantFrom('A', 'B'), from: fc.nat(20), lasts: fc.nat(8) })
  const orders = (turns: readonly string[], writes: readonly { server: string; from: number; to: number }[]): boolean =>
    fits(turns, writes)
  fc.assert(
    fc.property(fc.array(write, { minLength: 1, maxLength: 7 }), (drawn) => {
      const writes = drawn.map(({ server, from, lasts }) => ({ server, from, to: from + lasts }))
      const found = turnsOf(writes, 'A')
      expect(orders(found, writes)).toBe(true)
      // one more that began with nothing of the first's would be one too many
      if (found[0] === 'A' && found.length > 1) expect(orders(found.slice(0, -1), writes)).toBe(false)
    }),
  )
})

/** By trying all: moments that are whole or half numbers are enough, since all times are whole. */
function fits(turns: readonly string[], writes: readonly { server: string; from: number; to: number }[], at = -1): boolean {
  const [turn, ...later] = turns
  if (turn === undefined) return writes.length === 0
  for (let until = at; until <= 30; until += 0.5) {
    const left = writes.filter(({ server, from, to }) => !(server === turn && from <= until && to >= at))
    if (later.length === 0 ? left.length === 0 : fits(later, left, until)) return true
  }
  return false
}

test('of a client that died, an intent without an outcome is unknown', () => {
  const sent = { from: 1, to: null, id: 1, ticket: 1, server: 'A' }
  const intent = { is: 'intent', key: 'k', writer: 'w', seq: 1, sent } as const
  expect(seenIn([intent]).attempts).toMatchObject([{ key: 'k', outcome: 'unknown' }])
  expect(seenIn([intent, { is: 'acknowledged', key: 'k', to: 9 }]).attempts).toMatchObject([
    { key: 'k', outcome: 'acknowledged', sent: { from: 1, to: 9 } },
  ])
  expect(seenIn([intent, { is: 'failed', key: 'k', writer: 'w', seq: 1 }]).attempts).toMatchObject([
    { outcome: 'failed', sent: null },
  ])
})
