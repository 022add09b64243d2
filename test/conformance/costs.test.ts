/** A real account is asked for nothing before somebody said that it may cost something. */
import { realAccount } from './cloud-under-test'

const named = { CAPSTAN_CONFORMANCE_AZURE: '{"account":"x"}' }

test('the suite runs against a real account when it is named and its costs are accepted, and not otherwise', () => {
  expect(realAccount('azure', {})).toBeNull()
  expect(realAccount('aws', named)).toBeNull()
  for (const costs of [undefined, '', 'yes']) {
    const env = { ...named, ...(costs !== undefined && { CAPSTAN_CONFORMANCE_COSTS: costs }) }
    expect(() => realAccount('azure', env)).toThrow(/CAPSTAN_CONFORMANCE_COSTS=accepted/)
  }
  expect(realAccount('azure', { ...named, CAPSTAN_CONFORMANCE_COSTS: 'accepted' })).toEqual({ account: 'x' })
})
