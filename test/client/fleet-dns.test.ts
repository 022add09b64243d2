import { parseFleet } from '../../client/fleet/parse-fleet'
import { refusal, smallest } from './fleet-file'

describe('an endpoint that is a name in a DNS', () => {
  const withEndpoint = (endpoint: string) => `${smallest}    endpoint: ${endpoint}\n`
  const read = (endpoint: string) => parseFleet(withEndpoint(endpoint), 'fleet.yaml').databases[0]?.endpoint
  const subscription = '01234567-89ab-cdef-0123-456789abcdef'

  test('is of a zone as its provider names it', () => {
    const zone = { provider: 'aws', id: 'Z0123456789ABC' }
    expect(read('{ kind: dns, provider: aws, zone: Z0123456789ABC, name: Shop.Internal.example. }')).toEqual({
      ...{ kind: 'dns', zone, name: 'shop.internal.example', ttlSeconds: 60, port: 5432 },
    })
    const azure = `provider: azure, account: ${subscription}, resourceGroup: names, zone: Internal.example`
    expect(read(`{ kind: dns, ${azure}, name: shop.internal.example, ttl: 30s, port: 6000 }`)).toEqual({
      ...{ kind: 'dns', zone: { provider: 'azure', subscription, resourceGroup: 'names', name: 'internal.example' } },
      ...{ name: 'shop.internal.example', ttlSeconds: 30, port: 6000 },
    })
    expect(read('{ kind: dns, provider: gcp, account: shop-names, zone: internal, name: xn--shp-0na.example, ttl: 5m }')).toEqual(
      {
        ...{ kind: 'dns', zone: { provider: 'gcp', project: 'shop-names', name: 'internal' } },
        ...{ name: 'xn--shp-0na.example', ttlSeconds: 300, port: 5432 },
      },
    )
  })

  test('that two entries name is refused', () => {
    const [, entry = ''] = /databases:\n([\s\S]*)/.exec(smallest) ?? []
    const second = entry.replace('name: ', 'name: other-').replace('instance: ', 'instance: other-')
    const of = (name: string) => `{ kind: dns, provider: aws, zone: Z1, name: ${name} }`
    const two = (one: string, other: string) => `${withEndpoint(of(one))}${second}    endpoint: ${of(other)}\n`
    expect(refusal(two('shop.example.org', 'SHOP.example.org.'))).toEqual([
      expect.stringContaining('it must be another name, since databases[0].endpoint.name on line'),
    ])
    expect(parseFleet(two('a.example.org', 'b.example.org'), 'fleet.yaml').databases).toHaveLength(2)
  })

  const WHOLE = 'it must be kind: dns with provider, zone and name'
  test.each([
    ['{ kind: dns, provider: aws, zone: Z1 }', WHOLE],
    ['{ kind: dns, provider: aws, name: shop.example.org }', WHOLE],
    ['{ kind: dns, zone: Z1, name: shop.example.org }', WHOLE],
    ['{ kind: dns, provider: aws, zone: Z1, name: shop.example.org, timeout: 5s }', WHOLE],
    [
      '{ kind: dns, provider: bind, zone: Z1, name: shop.example.org }',
      'endpoint.provider is "bind"; it must be aws, azure or gcp',
    ],
    ['{ kind: dns, provider: aws, zone: internal.example, name: shop.example.org }', 'it must be the id of a hosted zone'],
    [
      '{ kind: dns, provider: aws, zone: Z1, name: shop }',
      'endpoint.name is "shop"; it must be a name in a DNS of two labels or more',
    ],
    ['{ kind: dns, provider: aws, zone: Z1, name: "*.example.org" }', 'it must be a name in a DNS of two labels or more'],
    ['{ kind: dns, provider: aws, zone: Z1, name: läden.example }', 'in another script than ASCII it begins with xn--'],
    ['{ kind: dns, provider: aws, zone: Z1, name: 10.0.0.1 }', 'it must be a name in a DNS'],
    ['{ kind: dns, provider: aws, zone: Z1, name: a.example, account: "123456789012" }', 'it must be left out with aws'],
    [
      '{ kind: dns, provider: aws, zone: Z1, name: a.example, ttl: 1h }',
      'endpoint.ttl is "1h"; it must be whole seconds, from 1s to 5m',
    ],
    ['{ kind: dns, provider: aws, zone: Z1, name: a.example, ttl: 500ms }', 'it must be whole seconds, from 1s to 5m'],
    ['{ kind: dns, provider: aws, zone: Z1, name: a.example, port: 0 }', 'it must be a port number, 1 to 65535'],
    [
      `{ kind: dns, provider: azure, zone: a.example, name: b.a.example, resourceGroup: r }`,
      'it must be given account: the id of the subscription',
    ],
    [
      `{ kind: dns, provider: azure, zone: a.example, name: b.a.example, account: ${subscription} }`,
      'it must be given resourceGroup: the name',
    ],
    [
      `{ kind: dns, provider: azure, zone: a.example, name: b.c.example, account: ${subscription}, resourceGroup: r }`,
      'endpoint.name is "b.c.example"; it must be a name below the zone a.example',
    ],
    [
      '{ kind: dns, provider: gcp, account: shop-names, zone: a.example, name: b.a.example }',
      'it must be the name of a managed zone',
    ],
    [
      '{ kind: dns, provider: gcp, account: shop-names, zone: a, name: b.a.example, resourceGroup: r }',
      'it must be left out with gcp',
    ],
    [
      '{ kind: dns, provider: gcp, zone: a, name: b.a.example }',
      'it must be given account: the id of the project that holds the zone',
    ],
  ])('%s is refused', (endpoint, said) => {
    expect(refusal(withEndpoint(endpoint))).toEqual([expect.stringContaining(said)])
  })
})
