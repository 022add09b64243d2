/** Requests that are wrong: each is answered by the code that Azure has for it, and changes nothing. */
import fc from 'fast-check'
import { isServerName } from '../../../lab/azure/names'
import { allowedNetworks } from '../../../lab/azure/networks'
import { type AzureLab, openAzure, type RawCall, serverPath, wanted } from './fixture'

let lab: AzureLab
beforeAll(async () => {
  lab = await openAzure()
})
afterAll(() => lab?.remove())

const flat = ({ sku, location, tags, ...properties } = wanted()) => ({ location, sku, ...(tags && { tags }), properties })

async function expectRefusal(method: string, path: string, init: RawCall, status: number, code: string) {
  const answer = await lab.raw(method, path, init)
  expect([answer.status, answer.body.error?.code]).toEqual([status, code])
  expect(answer.body.error?.message).not.toBe('')
  const { api, credentials } = lab.lab
  const all = `/subscriptions/${credentials.azure.subscriptionId}/providers/Microsoft.DBforPostgreSQL/flexibleServers`
  expect((await lab.raw('GET', `${all}?api-version=2025-08-01`)).body).toEqual({ value: [] })
  expect(api).toContain(lab.block)
  return answer
}

const put = (name: string) => serverPath(lab, name)

test.each<[string, RawCall, number, string]>([
  ['no token', { token: null, body: flat() }, 401, 'AuthenticationFailed'],
  ['another token', { token: 'stolen', body: flat() }, 401, 'InvalidAuthenticationToken'],
  [
    'a token of another scheme',
    { token: null, headers: { authorization: 'Basic abc' }, body: flat() },
    401,
    'AuthenticationFailed',
  ],
  ['malformed JSON', { text: '{"location": ' }, 400, 'InvalidRequestContent'],
  ['a list', { body: [] }, 400, 'InvalidRequestContent'],
  ['a text where an object should be', { body: { ...flat(), properties: 'x' } }, 400, 'InvalidRequestContent'],
  ['a number for a text', { body: { ...flat(), location: 7 } }, 400, 'InvalidRequestContent'],
  ['no location', { body: { properties: {} } }, 400, 'LocationRequired'],
  ['no body', {}, 400, 'LocationRequired'],
  ['an unknown location', { body: flat(wanted({ location: 'mars' })) }, 400, 'LocationNotAvailableForResourceType'],
  ['an unknown mode', { body: flat(wanted({ createMode: 'Clone' })) }, 400, 'InvalidParameterValue'],
  ['no size', { body: { location: 'eastus', properties: {} } }, 400, 'InvalidParameterValue'],
  ['an unknown version', { body: flat(wanted({ version: '8' })) }, 400, 'InvalidParameterValue'],
  ['a version that the lab lacks', { body: flat(wanted({ version: '16' })) }, 400, 'InvalidParameterValue'],
  ['no administrator', { body: flat(wanted({ administratorLogin: undefined! })) }, 400, 'InvalidParameterValue'],
  ['a reserved administrator', { body: flat(wanted({ administratorLogin: 'azuresu' })) }, 400, 'InvalidParameterValue'],
  ['an administrator with a quote', { body: flat(wanted({ administratorLogin: 'bo"ss' })) }, 400, 'InvalidParameterValue'],
  ['no password', { body: flat(wanted({ administratorLoginPassword: undefined! })) }, 400, 'InvalidParameterValue'],
  ['a tag that is no text', { body: { ...flat(), tags: { n: 1 } } }, 400, 'InvalidRequestContent'],
  [
    'high availability for a burstable size',
    { body: flat(wanted({ sku: { name: 'Standard_B2s', tier: 'Burstable' }, highAvailability: { mode: 'SameZone' } })) },
    400,
    'InvalidParameterValue',
  ],
  ['a body that is no JSON', { text: 'location=eastus', headers: { 'content-type': 'text/plain' } }, 415, 'UnsupportedMediaType'],
  ['a body that is too large', { text: JSON.stringify({ x: 'x'.repeat(4 * 1024 * 1024) }) }, 413, 'RequestEntityTooLarge'],
])('a creation with %s is refused', async (_, init, status, code) => {
  await expectRefusal('PUT', put('orders'), init, status, code)
})

test.each(['ab', 'Orders', '-orders', 'orders-', 'or--ders', 'or_ders', 'or.ders', 'o'.repeat(64), 'órders', '%22', '..'])(
  'the name %s is refused',
  async (name) => {
    const path = put('NAME').replace('NAME', encodeURIComponent(name) === '..' ? '%2E%2E' : encodeURIComponent(name))
    await expectRefusal(
      'PUT',
      path,
      { body: flat() },
      name === '..' ? 404 : 400,
      name === '..' ? expect.any(String) : 'InvalidParameterValue',
    )
  },
)

test.each([
  ['', 'MissingApiVersionParameter'],
  ['?api-version=', 'MissingApiVersionParameter'],
  ['?api-version=latest', 'InvalidApiVersionParameter'],
  ['?api-version=2025-13-01', 'InvalidApiVersionParameter'],
])('the query %j is refused', async (query, code) => {
  await expectRefusal('GET', put('orders').replace(/\?.*/, query), {}, 400, code)
})

test.each(['2021-06-01', '2022-12-01', '2023-06-01-preview', '2026-01-01-preview'])(
  'api-version %s is taken like every other',
  async (version) => {
    await expectRefusal('GET', put('orders').replace('2025-08-01', version), {}, 404, 'ResourceNotFound')
  },
)

test.each<[string, string, number, string]>([
  ['GET', '/subscriptions/S/providers/Microsoft.DBforPostgreSQL/clusters', 404, 'InvalidResourceType'],
  ['GET', '/subscriptions/S/providers/Microsoft.Sql/servers', 404, 'InvalidResourceNamespace'],
  ['GET', '/subscriptions/S/resourceGroups/tests', 404, 'MissingSubscription'],
  ['GET', '/subscriptions/not-a-uuid/providers/Microsoft.DBforPostgreSQL/flexibleServers', 400, 'InvalidSubscriptionId'],
  [
    'GET',
    '/subscriptions/11111111-2222-3333-4444-555555555555/providers/Microsoft.DBforPostgreSQL/flexibleServers',
    404,
    'SubscriptionNotFound',
  ],
  ['GET', '/providers/Microsoft.DBforPostgreSQL/flexibleServers', 404, 'InvalidResourceType'],
  ['DELETE', '/subscriptions/S/providers/Microsoft.DBforPostgreSQL/flexibleServers', 405, 'MethodNotAllowed'],
  [
    'PUT',
    '/subscriptions/S/resourceGroups/bad%20group/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders',
    400,
    'InvalidParameterValue',
  ],
  [
    'PATCH',
    '/subscriptions/S/resourceGroups/tests/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders',
    404,
    'ResourceNotFound',
  ],
  [
    'POST',
    '/subscriptions/S/resourceGroups/tests/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders/stop',
    404,
    'ResourceNotFound',
  ],
  [
    'GET',
    '/subscriptions/S/providers/Microsoft.DBforPostgreSQL/locations/eastus/azureAsyncOperation/none',
    404,
    'ResourceNotFound',
  ],
])('%s %s is answered with %i %s', async (method, path, status, code) => {
  const full = `${path.replace('/S/', `/${lab.lab.credentials.azure.subscriptionId}/`)}?api-version=2025-08-01`
  await expectRefusal(method, full, {}, status, code)
})

test.each(['constructor', 'toString', '__proto__', 'hasownproperty'])('%s is the name of nothing', async (name) => {
  const operation = `/subscriptions/S/providers/Microsoft.DBforPostgreSQL/locations/eastus/azureAsyncOperation/${name}`
  const paths = [put(name), put(`${name}/firewallRules/${name}`), put('x').replace('/x?', `/x/backups/${name}?`)]
  for (const path of paths) await expectRefusal('GET', path, {}, 404, 'ResourceNotFound')
  const full = `${operation.replace('/S/', `/${lab.lab.credentials.azure.subscriptionId}/`)}?api-version=2025-08-01`
  await expectRefusal('GET', full, {}, 404, 'ResourceNotFound')
  expect((await lab.raw('DELETE', put(name))).status).toBe(204)
})

test('a caller without a token is told how to get one', async () => {
  const { headers } = await expectRefusal('GET', put('orders'), { token: null }, 401, 'AuthenticationFailed')
  expect(headers.get('www-authenticate')).toContain('Bearer authorization_uri="https://login.microsoftonline.com/')
})

test('properties that nobody knows are ignored', async () => {
  const body = flat(wanted({ version: '8' }))
  await expectRefusal(
    'PUT',
    put('orders'),
    { body: { ...body, plan: {}, properties: { ...body.properties, novelty: [1] } } },
    400,
    'InvalidParameterValue',
  )
})

test('calls of strangers are not written down, those of the known are', async () => {
  const before = (await lab.call('GET', '/_lab/calls')).body as { last: number }
  await lab.raw('GET', put('orders'), { token: 'stolen' })
  await lab.raw('GET', put('orders'))
  const { calls } = (await lab.call('GET', `/_lab/calls?since=${before.last}`)).body as { calls: object[] }
  expect(calls).toEqual([
    expect.objectContaining({
      cloud: 'azure',
      operation: 'Servers_Get',
      outcome: 'ResourceNotFound',
      status: 404,
      effect: false,
      resources: [{ type: 'instance', id: 'orders' }],
    }),
  ])
})

test('a server name is accepted exactly when it follows the rules', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-zA-Z0-9_-]{0,66}$/), (text) => {
      const follows = text.length >= 3 && text.length <= 63 && !/[^a-z0-9-]/.test(text) && !/^-|-$|--/.test(text)
      expect(isServerName(text)).toBe(follows)
    }),
  )
})

test('networks of a range cover each of its addresses once, and no other', () => {
  const address = (number: number) => [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.')
  const network = { publicAccess: 'Enabled', subnetId: null, dnsZoneId: null } as const
  fc.assert(
    fc.property(fc.nat(2 ** 32 - 1), fc.nat(5_000), (first, length) => {
      const last = Math.min(first + length, 2 ** 32 - 1)
      const rule = { name: 'r', start: address(first), end: address(last) }
      fc.pre(last !== 0)
      const ranges = allowedNetworks({ network, firewallRules: { r: rule } })
        .map((cidr) => {
          const [base = '', bits = ''] = cidr.split('/')
          const start = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
          return [start, start + 2 ** (32 - Number(bits)) - 1] as const
        })
        .sort(([a], [b]) => a - b)
      expect([ranges[0]?.[0], ranges.at(-1)?.[1]]).toEqual([first, last])
      for (const [index, [start]] of ranges.entries()) if (index > 0) expect(start).toBe(ranges[index - 1]![1] + 1)
    }),
  )
})
