/** Scenarios that are selected have every pair of values; and the same seed is the same scenario. */
import fc from 'fast-check'
import { DEATHS } from './deaths'
import { FAULTS } from './faults'
import { pairsOf, pairwise } from './pairwise'
import { drawn, SWITCHOVERS, scenarioOf, WAYS } from './scenarios'

test('whatever the dimensions, a selection has every pair that there is in the pool, and no scenario that brings nothing', () => {
  const dimensions = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 1, max: 5 }), { minKeys: 2 })
  fc.assert(
    fc.property(dimensions, fc.integer({ min: 1, max: 60 }), (sizes, pool) => {
      const draw = (seed: number) =>
        Object.fromEntries(
          Object.entries(sizes).map(([name, size], at) => [name, String(((seed * 2_654_435_761) >>> (at * 3)) % size)]),
        )
      const seeds = Array.from({ length: pool }, (_, seed) => seed)
      const selected = pairwise(seeds, draw)
      const covered = new Set(selected.flatMap((seed) => pairsOf(draw(seed))))
      expect(seeds.flatMap((seed) => pairsOf(draw(seed))).filter((pair) => !covered.has(pair))).toEqual([])
      expect(new Set(selected).size).toBe(selected.length)
    }),
  )
})

test('those of the bank are some hundred and fifty, and every operation, fault and way meets every other that it may', () => {
  const selected = pairwise(
    Array.from({ length: 6_000 }, (_, seed) => seed + 1),
    drawn,
  )
  const covered = new Set(selected.flatMap((seed) => pairsOf(drawn(seed))))
  const [switchovers, ways, deaths] = [SWITCHOVERS.length, WAYS.length, Object.keys(DEATHS).length]
  const [operations, faults] = [switchovers + 1, Object.keys(FAULTS).length + deaths]
  const disturbed = switchovers * (faults - deaths) + deaths
  expect(covered.size).toBe(disturbed + operations * ways + faults * ways + 3 * (operations + faults + ways))
  expect(selected.length).toBeGreaterThanOrEqual(faults * ways)
  expect(selected.length).toBeLessThan(faults * ways * 1.5)
})

test('a seed is a scenario', () => {
  const shown = (seed: number) => ({ ...drawn(seed), next: scenarioOf(seed).chance.below(1_000_000) })
  for (const seed of [1, 7, 4_000_000_000]) expect(shown(seed)).toEqual(shown(seed))
  expect(new Set(Array.from({ length: 200 }, (_, seed) => JSON.stringify(drawn(seed)))).size).toBeGreaterThan(100)
})
