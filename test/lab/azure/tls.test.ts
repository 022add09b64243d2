/** TLS on both planes: to the databases, and to the API for clients that send no token over anything else. */
import { readFileSync } from 'node:fs'
import { PostgreSQLManagementFlexibleServerClient, type Server } from '@azure/arm-postgresql-flexible'
import { type AzureLab, createServer, done, GROUP, openAzure, openFirewall, query, trusted, unlessBusy, wanted } from './fixture'

let lab: AzureLab
let server: Server
beforeAll(async () => {
  lab = await openAzure()
  server = await createServer(lab, 'shop')
  await openFirewall(lab, 'shop')
})
afterAll(() => lab?.remove())

const encrypted = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'

test('a connection without TLS is refused, one with it finds a certificate for the server’s address', async () => {
  await expect(query(lab, server, encrypted, { ssl: false })).rejects.toMatchObject({ code: '28000' })
  expect(await query(lab, server, encrypted)).toEqual([{ ssl: true }])
  await expect(query(lab, server, encrypted, { ssl: true })).rejects.toMatchObject({
    code: expect.stringMatching(/SIGNATURE|SELF_SIGNED|UNABLE/),
  })
})

test('require_secure_transport off lets plain connections in, on keeps them out again', async () => {
  const set = (value: string) =>
    unlessBusy(() => lab.azure.configurations.beginUpdate(GROUP, 'shop', 'require_secure_transport', { value }))
  expect(await lab.azure.configurations.get(GROUP, 'shop', 'require_secure_transport')).toMatchObject({
    value: 'on',
    dataType: 'Boolean',
    isDynamicConfig: true,
  })
  await set('OFF')
  expect(await query(lab, server, encrypted, { ssl: false })).toEqual([{ ssl: false }])
  expect(await query(lab, server, encrypted)).toEqual([{ ssl: true }])
  await lab.restart()
  expect(await query(lab, server, encrypted, { ssl: false })).toEqual([{ ssl: false }])
  await set('on')
  await expect(query(lab, server, encrypted, { ssl: false })).rejects.toMatchObject({ code: '28000' })
})

test('a virtual endpoint has a certificate for its own addresses', async () => {
  const replica = { location: 'eastus', createMode: 'Replica', sourceServerResourceId: server.id! }
  await unlessBusy(() => lab.azure.servers.beginCreateOrUpdate(GROUP, 'reader', replica))
  await openFirewall(lab, 'reader')
  const members = { endpointType: 'ReadWrite', members: ['reader'] }
  const { virtualEndpoints } = await unlessBusy(() => lab.azure.virtualEndpoints.beginCreate(GROUP, 'shop', 'shop-vep', members))
  for (const fullyQualifiedDomainName of virtualEndpoints!) {
    expect(await query(lab, { fullyQualifiedDomainName } as Server, encrypted)).toEqual([{ ssl: true }])
  }
})

describe('the API', () => {
  test('answers over TLS too, where the SDK needs nothing turned, and every address that it gives leads there', async () => {
    const { token, subscriptionId } = lab.lab.credentials.azure
    const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) }
    const { tlsApi, certificateFile } = lab.lab
    const client = new PostgreSQLManagementFlexibleServerClient(credential, subscriptionId, {
      endpoint: tlsApi,
      tlsOptions: { ca: readFileSync(certificateFile, 'utf8') },
    })
    expect(await client.servers.get(GROUP, 'shop')).toMatchObject({ name: 'shop' })
    const poller = await client.servers.beginCreateOrUpdate(GROUP, 'by-tls', wanted())
    expect(poller.toString()).toContain(`"operationLocation":"${tlsApi}/subscriptions/`)
    expect(await done(Promise.resolve(poller))).toMatchObject({ state: 'Ready' })
  })

  test('is told by the status, and found there again after a restart', async () => {
    const { tlsApi, certificateFile, api } = lab.lab
    const status = (await lab.call('GET', '/_lab/status')).body
    expect(status).toMatchObject({ clouds: { azure: { url: api, tlsUrl: tlsApi } }, certificateFile })
    await lab.restart()
    expect(lab.lab.tlsApi).toBe(tlsApi)
    expect(trusted(lab).ca).toBe(readFileSync(certificateFile, 'utf8'))
  })
})
