import { isWide, networksOver, rangeOf } from '../../clouds/networks'

test.each([
  ['0.0.0.0/0', true],
  ['0.0.0.0/1', true],
  ['128.0.0.0/1', true],
  ['52.0.0.0/8', true],
  // more than the private network that it begins with
  ['10.0.0.0/7', true],
  ['52.0.0.0/9', false],
  ['10.0.0.0/8', false],
  ['10.1.0.0/16', false],
  ['127.0.0.0/8', false],
  ['203.0.113.7', false],
])('%s lets in much of the internet: %s', (network, wide) => {
  expect(isWide(rangeOf(network))).toBe(wide)
})

test.each([
  ['0.0.0.0', '255.255.255.255', true],
  ['1.0.0.0', '1.255.255.255', true],
  ['1.0.0.0', '1.255.255.254', false],
  // "Azure services": one address, which is no one's
  ['0.0.0.0', '0.0.0.0', false],
  ['9.0.0.0', '2.0.0.0', null],
  ['::', 'ffff::', null],
  ['1.2.3.4', '', null],
])('%s to %s: %s', (first, last, wide) => {
  expect(isWide({ first, last })).toBe(wide)
})

test.each([
  ['0.0.0.0', '255.255.255.255', ['0.0.0.0/0']],
  ['0.0.0.0', '0.0.0.0', ['0.0.0.0/32']],
  ['10.0.0.0', '10.0.0.255', ['10.0.0.0/24']],
  ['10.0.0.5', '10.0.0.9', ['10.0.0.5/32', '10.0.0.6/31', '10.0.0.8/31']],
  ['9.0.0.0', '2.0.0.0', []],
  ['::', 'ffff::', []],
])('%s to %s are the networks %s', (first, last, networks) => {
  expect(networksOver({ first, last })).toEqual(networks)
})
