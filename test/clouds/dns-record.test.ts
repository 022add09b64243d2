import fc from 'fast-check'
import { nowhere } from '../../clouds/dns-port'
import { type FoundSet, soleRecord } from '../../clouds/dns-record'
import { dnsName, ipv4 } from '../../contracts/dns-name'
import { Failure } from '../../contracts/failures'

const set: fc.Arbitrary<FoundSet> = fc.record({
  type: fc.constantFrom('A', 'AAAA', 'CNAME', 'MX', 'TXT', 'HTTPS', 'NS'),
  ttlSeconds: fc.option(fc.integer({ min: 0, max: 3_600 })),
  values: fc.array(
    fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.domain(),
      fc.domain().map((name) => `${name.toUpperCase()}.`),
      fc.string(),
    ),
    {
      maxLength: 3,
    },
  ),
  version: fc.option(fc.string()),
  special: fc.option(fc.constant('an alias'), { freq: 5 }),
})

test('a record that is moved is the only one that leads anywhere, with one value, in one writing; whatever else there is is refused', () => {
  fc.assert(
    fc.property(fc.array(set, { maxLength: 4 }), (found) => {
      try {
        const record = soleRecord('shop.example', found, 'a zone')
        const leading = found.filter(({ type }) => ['A', 'AAAA', 'CNAME', 'HTTPS'].includes(type))
        expect(leading).toHaveLength(1)
        expect(leading[0]).toMatchObject({ type: record.type, special: null, ttlSeconds: record.ttlSeconds })
        expect(leading[0]?.values).toHaveLength(1)
        expect(record.type === 'A' ? ipv4(record.value) : dnsName(record.value)).toBe(record.value)
        // what an attempt asks with is never what it found
        expect(nowhere(record)).not.toMatchObject({ value: record.value })
        expect(nowhere(record).type).toBe(record.type)
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        expect([error.code, error.message.startsWith('The name shop.example of a zone ')]).toEqual(['ENDPOINT_REFUSED', true])
      }
    }),
    { numRuns: 2_000 },
  )
})
