import fc from 'fast-check'
import { dnsName, ipv4, isWithinZone } from '../../contracts/dns-name'

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
const label = fc
  .tuple(
    fc.constantFrom(...LETTERS),
    fc.array(fc.constantFrom(...LETTERS, ...'0123456789-_'), { maxLength: 20 }),
    fc.constantFrom(...LETTERS, '9'),
  )
  .map(([first, middle, last]) => `${first}${middle.join('')}${last}`)
const name = fc.array(label, { minLength: 2, maxLength: 6 }).map((labels) => labels.join('.'))

/** As somebody may write it. */
const written = (text: string) =>
  fc
    .tuple(fc.array(fc.boolean(), { minLength: text.length, maxLength: text.length }), fc.constantFrom('', '.'))
    .map(([upper, dot]) => [...text].map((letter, at) => (upper[at] ? letter.toUpperCase() : letter)).join('') + dot)

test('a name is the same however it is written, and stays what it is', () => {
  fc.assert(
    fc.property(
      name.chain((one) => fc.tuple(fc.constant(one), written(one))),
      ([one, text]) => {
        expect(dnsName(text)).toBe(one)
        expect(dnsName(one)).toBe(one)
      },
    ),
  )
})

test('whatever else is written is no name, rather than another one', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const found = dnsName(text)
      if (found !== null) expect(text.toLowerCase().replace(/\.$/, '')).toBe(found)
      if (found !== null) expect(dnsName(found)).toBe(found)
    }),
  )
})

test.each([
  'shop',
  '*.internal.example',
  'shop..example',
  '.example.org',
  'shop.example..',
  'shop .example',
  'shop\\052.example',
  'mün.example',
  'ﬀ.example',
  '-shop.example',
  'shop-.example',
  `${'a'.repeat(64)}.example`,
  `${'a.'.repeat(127)}example`,
  '127.0.0.1',
  '10.0.0.1.',
  'shop.example:5432',
  'a/b.example',
  '',
])('%s is no name', (text) => {
  expect(dnsName(text)).toBeNull()
})

test('other scripts are written as a DNS has them', () => {
  expect(dnsName('XN--Mn-xka.example')).toBe('xn--mn-xka.example')
})

test('a name is in its zone, and in no other that ends alike', () => {
  expect(isWithinZone('shop.internal.example', 'internal.example')).toBe(true)
  expect(isWithinZone('internal.example', 'internal.example')).toBe(true)
  expect(isWithinZone('shop.ninternal.example', 'internal.example')).toBe(false)
  fc.assert(
    fc.property(name, label, (zone, first) => isWithinZone(`${first}.${zone}`, zone) && !isWithinZone(`${first}${zone}`, zone)),
  )
})

test('an address is one of four numbers, as every service writes it', () => {
  const part = fc.integer({ min: 0, max: 255 })
  fc.assert(fc.property(part, part, part, part, (...parts) => ipv4(parts.join('.')) === parts.join('.')))
  for (const text of ['127.1', '127.0.0.01', '256.0.0.1', '0x7f.0.0.1', '127.0.0.1 ', '::1', '1.2.3.4.5', ''])
    expect(ipv4(text)).toBeNull()
})
