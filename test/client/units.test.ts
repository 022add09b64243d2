import fc from 'fast-check'
import { nearest } from '../../client/fleet/suggest'
import { parseBytes, parseDurationMs } from '../../client/fleet/units'

test('times and sizes are exact', () => {
  expect(['0.3s', '500ms', '10m', '1.5h', '7d'].map(parseDurationMs)).toEqual([300, 500, 600_000, 5_400_000, 604_800_000])
  expect(['1B', '1kB', '1.5MB', '1GB'].map(parseBytes)).toEqual([1, 1024, 1_572_864, 1_073_741_824])
  expect(['10', 's', '-1s', '1e3s', '1 s', '1constructor', '99999999999999d'].map(parseDurationMs)).toEqual(Array(7).fill(null))
})

test('every whole number of a unit comes back', () => {
  fc.assert(fc.property(fc.nat(1_000_000), (n) => parseDurationMs(`${n}s`) === n * 1000 && parseBytes(`${n}kB`) === n * 1024))
})

test('a suggestion is a known word or none', () => {
  fc.assert(fc.property(fc.string(), (word) => [null, 'alpha', 'beta'].includes(nearest(word, ['alpha', 'beta']))))
  expect(nearest('aplha', ['alpha', 'beta'])).toBe('alpha')
  expect(nearest('gamma', ['alpha', 'beta'])).toBeNull()
})
