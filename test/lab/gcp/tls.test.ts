/** TLS of instances: the certificate that the API shows is the one to trust. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClientConfig } from 'pg'
import { type GcpLab, type Instance, openGcp, PROJECT } from './fixture'

const call = { project: PROJECT, instance: 'shop' }
let gcp: GcpLab
let shop: Instance
beforeAll(async () => {
  gcp = await openGcp()
  shop = await gcp.create('shop')
})
afterAll(() => gcp.lab.remove())

/** 'tls' or 'plain' once in, else the code of the refusal. */
async function enter(ssl: ClientConfig['ssl']): Promise<string> {
  try {
    const question = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'
    const [row] = await gcp.ask<{ ssl: boolean }>(shop, question, { ssl: ssl! })
    return row!.ssl ? 'tls' : 'plain'
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).message
  }
}

async function patched(ipConfiguration: object): Promise<void> {
  const [operation] = await gcp.sdk.instances.patch({ ...call, body: { settings: { ipConfiguration } } })
  expect(await gcp.done(operation)).toMatchObject({ error: null })
}

test('the certificate of an instance is vouched for by the one that the API shows, and by no other', async () => {
  const { cert, sha1Fingerprint, commonName } = shop.serverCaCert!
  const [{ certs, activeVersion }] = await gcp.sdk.instances.listServerCas(call)
  expect(certs).toMatchObject([{ cert, sha1Fingerprint, instance: 'shop' }])
  expect(activeVersion).toBe(sha1Fingerprint)
  expect(cert).toBe(readFileSync(join(gcp.lab.stateDir, 'ca.crt'), 'utf8'))
  expect(new X509Certificate(cert!).subject).toBe(commonName)
  expect(await enter({ ca: cert!, rejectUnauthorized: true })).toBe('tls')
  expect(await enter({ rejectUnauthorized: true })).toMatch(/SELF_SIGNED|UNABLE_TO/)
})

test('unencrypted connections are let in until the instance takes encrypted ones only', async () => {
  expect(await enter(false)).toBe('plain')
  await patched({ sslMode: 'ENCRYPTED_ONLY' })
  expect(await enter(false)).toBe('28000')
  expect(await enter({ ca: shop.serverCaCert!.cert!, rejectUnauthorized: true })).toBe('tls')
  expect((await gcp.get('shop')).settings!.ipConfiguration).toMatchObject({ sslMode: 'ENCRYPTED_ONLY' })
  await patched({ sslMode: 'ALLOW_UNENCRYPTED_AND_ENCRYPTED' })
  expect(await enter(false)).toBe('plain')
})

test('a connector is told where an instance is and whom to trust', async () => {
  const { body } = await gcp.raw('GET', 'instances/shop/connectSettings')
  expect(body).toMatchObject({
    kind: 'sql#connectSettings',
    region: 'us-central1',
    databaseVersion: 'POSTGRES_15',
    ipAddresses: [{ type: 'PRIMARY', ipAddress: shop.ipAddresses![0]!.ipAddress }],
    serverCaCert: { cert: shop.serverCaCert!.cert },
  })
})
