import fc from 'fast-check'
import { OPERATION_STEPS } from '../../contracts/operation'
import { locksInOrder, type WantedLock } from '../../workflows/kit/locks'

const scope = fc.constantFrom(
  'lock/aws/1/eu-central-1/shop',
  'lock/aws/1/eu-central-1/shop-2',
  'lock/azure/x/westeurope/shop',
  'lock/gcp/p/e/ä',
  'lock/gcp/p/e/z',
)
const scopes = (wanted: readonly WantedLock[]) => wanted.map((one) => one.scope)

test('two locks are taken in one order, whichever is the operation’s own, and each under its own step', () => {
  fc.assert(
    fc.property(scope, scope, (one, other) => {
      const [here, there] = [
        locksInOrder({ lockScope: one, otherLockScope: other }),
        locksInOrder({ lockScope: other, otherLockScope: one }),
      ]
      expect(scopes(here)).toEqual(scopes(there))
      expect(here.find(({ step }) => step === OPERATION_STEPS.lock)?.scope).toBe(one)
      if (one !== other) expect(here.find(({ step }) => step === OPERATION_STEPS.lockOther)?.scope).toBe(other)
    }),
  )
})

test('one that needs one takes one, and one that changes nothing none; two databases of one instance have one lock', () => {
  const own = { scope: 'a', step: OPERATION_STEPS.lock }
  expect(locksInOrder({ lockScope: 'a' })).toEqual([own])
  expect(locksInOrder({ lockScope: 'a', otherLockScope: null })).toEqual([own])
  expect(locksInOrder({ lockScope: 'a', otherLockScope: 'a' })).toEqual([own])
  expect(locksInOrder({ lockScope: null })).toEqual([])
})

/** Each takes its locks one after the other and then gives all of them back; in every state the given numbers choose who goes on, of those that can. */
function allComeThrough(operations: readonly (readonly string[])[], choices: readonly number[]): boolean {
  const holders = new Map<string, number>()
  const taken = operations.map(() => 0)
  const over = new Set<number>()
  for (let turn = 0; over.size < operations.length; turn += 1) {
    const able = operations.flatMap((wanted, at) => {
      if (over.has(at)) return []
      const next = wanted[taken[at] ?? 0]
      return next === undefined || !holders.has(next) ? [at] : []
    })
    if (able.length === 0) return false
    const at = able[(choices[turn % choices.length] ?? 0) % able.length]!
    const next = operations[at]![taken[at]!]
    if (next === undefined) {
      for (const held of operations[at]!) holders.delete(held)
      over.add(at)
    } else {
      holders.set(next, at)
      taken[at]! += 1
    }
  }
  return true
}

const pairs = fc.array(fc.tuple(scope, scope), { minLength: 2, maxLength: 12 })
const choices = fc.array(fc.nat(100), { minLength: 1, maxLength: 40 })

test('operations that take any two of the same locks, crosswise and in rings, never wait for each other', () => {
  fc.assert(
    fc.property(pairs, choices, (wanted, chosen) => {
      const operations = wanted.map(([lockScope, otherLockScope]) => scopes(locksInOrder({ lockScope, otherLockScope })))
      expect(allComeThrough(operations, chosen)).toBe(true)
    }),
    { numRuns: 1_000 },
  )
})

test('they would, if each took its own first', () => {
  expect(
    allComeThrough(
      [
        ['a', 'b'],
        ['b', 'a'],
      ],
      [0, 1],
    ),
  ).toBe(false)
})
