/** Client certificates: who has one for an instance is let in, and nobody else, when the instance wants one. */
import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeClientCertificate } from '../../../lab/client-certificate'
import { openAuthority } from '../../../lab/tls'
import { type GcpLab, type Instance, openGcp, PROJECT, refused } from './fixture'

const call = { project: PROJECT, instance: 'shop' }
let gcp: GcpLab
let shop: Instance
beforeAll(async () => {
  gcp = await openGcp()
  ;[shop] = await Promise.all([gcp.create('shop'), gcp.create('other')])
})
afterAll(() => gcp.lab.remove())

interface Login {
  readonly cert: string
  readonly key: string
  readonly sha1Fingerprint: string
}

async function made(commonName: string, instance = 'shop'): Promise<Login> {
  const [answer] = await gcp.sdk.sslCerts.insert({ project: PROJECT, instance, body: { commonName } })
  expect(await gcp.done(answer.operation!)).toMatchObject({ operationType: 'UPDATE', error: null, targetId: instance })
  const { certInfo, certPrivateKey } = answer.clientCert!
  return { cert: certInfo!.cert!, key: certPrivateKey!, sha1Fingerprint: certInfo!.sha1Fingerprint! }
}

/** The common name that PostgreSQL saw, 'without' when it saw none, or 'refused'. */
async function enter(login?: Login): Promise<string> {
  const ssl = { ca: shop.serverCaCert!.cert!, rejectUnauthorized: true, ...(login && { cert: login.cert, key: login.key }) }
  const question = 'SELECT client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()'
  return await gcp.ask<{ client_dn: string | null }>(shop, question, { ssl }).then(
    ([row]) => /CN=([^,/]+)/.exec(row!.client_dn ?? 'CN=without')![1]!,
    (error: { code?: string; message: string }) => {
      // PostgreSQL's own refusal, or that of the handshake
      expect(error.code === '28000' || /alert|ECONNRESET|terminated/i.test(`${error.code} ${error.message}`)).toBe(true)
      return 'refused'
    },
  )
}

async function patched(ipConfiguration: object): Promise<void> {
  const [operation] = await gcp.sdk.instances.patch({ ...call, body: { settings: { ipConfiguration } } })
  expect(await gcp.done(operation)).toMatchObject({ error: null })
}

const remove = async ({ sha1Fingerprint }: Login) => {
  const [operation] = await gcp.sdk.sslCerts.delete({ ...call, sha1Fingerprint })
  expect(await gcp.done(operation)).toMatchObject({ operationType: 'UPDATE', error: null })
}

let anna: Login
let ben: Login

test('a certificate is really made, with its name; its key is answered once, and is nowhere on disk', async () => {
  anna = await made('anna')
  const found = new X509Certificate(anna.cert)
  expect(found.subject).toContain('CN=anna')
  expect(found.issuer).toContain('CN=Google Cloud SQL Client CA anna')
  const [known] = await gcp.sdk.sslCerts.get({ ...call, sha1Fingerprint: anna.sha1Fingerprint })
  expect(known).toMatchObject({
    kind: 'sql#sslCert',
    commonName: 'anna',
    cert: anna.cert,
    instance: 'shop',
    sha1Fingerprint: found.fingerprint.replaceAll(':', '').toLowerCase(),
    certSerialNumber: BigInt(`0x${found.serialNumber}`).toString(),
  })
  expect(JSON.stringify(known)).not.toContain('PRIVATE')
  const [{ items }] = await gcp.sdk.sslCerts.list(call)
  expect(items).toMatchObject([{ commonName: 'anna' }])
  const secret = anna.key.split('\n')[1]!
  for (const file of readdirSync(gcp.lab.stateDir, { recursive: true, withFileTypes: true })) {
    if (!file.isFile() || !/\.(json|jsonl|crt|key|conf)$/.test(file.name)) continue
    expect(readFileSync(join(file.parentPath, file.name), 'utf8')).not.toContain(secret)
  }
})

test('without being asked for one, clients come in with a certificate, and without', async () => {
  expect(await enter()).toBe('without')
  await patched({ sslMode: 'ENCRYPTED_ONLY' })
  expect(await enter(anna)).not.toBe('refused')
})

test('where one is required, only those of that very instance are let in, with the password as well', async () => {
  ben = await made('ben')
  const stranger = await made('anna', 'other')
  await patched({ sslMode: 'TRUSTED_CLIENT_CERTIFICATE_REQUIRED' })
  expect((await gcp.get('shop')).settings!.ipConfiguration).toMatchObject({ requireSsl: { value: true } })
  expect(await enter(anna)).toBe('anna')
  expect(await enter(ben)).toBe('ben')
  expect(await enter()).toBe('refused')
  expect(await enter(stranger)).toBe('refused')
  // one that calls itself the same, and its authority too
  const { certificate, key } = await makeClientCertificate('anna')
  expect(await enter({ cert: certificate, key, sha1Fingerprint: '' })).toBe('refused')
  // as good for servers as the server's own
  const own = await (await openAuthority(gcp.lab.stateDir)).issue([gcp.lab.client])
  expect(await enter({ cert: own.certificate, key: own.key, sha1Fingerprint: '' })).toBe('refused')
  await expect(gcp.ask(shop, 'SELECT 1', { ssl: false })).rejects.toMatchObject({ code: '28000' })
  const ssl = { ca: shop.serverCaCert!.cert!, cert: anna.cert, key: anna.key }
  await expect(gcp.ask(shop, 'SELECT 1', { ssl, password: 'wrong-password' })).rejects.toMatchObject({ code: '28P01' })
})

test('one that is deleted opens nothing any more, and the others do still', async () => {
  await remove(anna)
  expect(await enter(anna)).toBe('refused')
  expect(await enter(ben)).toBe('ben')
  await refused(gcp.sdk.sslCerts.get({ ...call, sha1Fingerprint: anna.sha1Fingerprint }), 404, 'sslCertDoesNotExist')
  await refused(gcp.sdk.sslCerts.delete({ ...call, sha1Fingerprint: anna.sha1Fingerprint }), 404, 'sslCertDoesNotExist')
})

test('another lab holds against clients what this one promised', async () => {
  await gcp.lab.restart()
  const [operation] = await gcp.sdk.instances.restart(call)
  await gcp.done(operation)
  expect([await enter(ben), await enter(anna), await enter()]).toEqual(['ben', 'refused', 'refused'])
})

test('the older requireSsl says the same, and two that contradict each other are refused', async () => {
  await patched({ requireSsl: { value: false } })
  expect((await gcp.get('shop')).settings!.ipConfiguration).toMatchObject({ sslMode: 'ALLOW_UNENCRYPTED_AND_ENCRYPTED' })
  expect(await enter()).toBe('without')
  await patched({ requireSsl: { value: true } })
  expect((await gcp.get('shop')).settings!.ipConfiguration).toMatchObject({ sslMode: 'TRUSTED_CLIENT_CERTIFICATE_REQUIRED' })
  expect([await enter(ben), await enter()]).toEqual(['ben', 'refused'])
  const both = { sslMode: 'ENCRYPTED_ONLY', requireSsl: { value: true } } as const
  await refused(gcp.sdk.instances.patch({ ...call, body: { settings: { ipConfiguration: both } } }), 400, 'invalid', 'sslMode')
})

test('a reset takes every certificate away, and gives the server another one', async () => {
  const [operation] = await gcp.sdk.instances.resetSslConfig(call)
  expect(await gcp.done(operation)).toMatchObject({ operationType: 'UPDATE', error: null })
  expect((await gcp.sdk.sslCerts.list(call))[0].items).toEqual([])
  expect([await enter(ben), await enter()]).toEqual(['refused', 'refused'])
  const carla = await made('carla')
  expect(await enter(carla)).toBe('carla')
})

test('names are distinct, ten certificates are the most, and a creation that fails as ordered leaves none', async () => {
  const insert = (commonName: string) => gcp.sdk.sslCerts.insert({ ...call, body: { commonName } })
  await refused(insert('carla'), 400, 'invalid', 'already exists')
  await refused(insert('a/b=c'), 400, 'invalid', 'common name')
  await refused(gcp.sdk.sslCerts.insert(call), 400, 'required', 'commonName')
  await gcp.lab.call('POST', '/_lab/faults', { kind: 'fail-operation', operation: 'sslCerts.insert', times: 1 })
  const [{ operation }] = await insert('doomed')
  expect((await gcp.done(operation!)).error!.errors).toHaveLength(1)
  for (let n = 2; n <= 10; n += 1) await made(`client ${n}`)
  await refused(insert('eleventh'), 403, 'quotaExceeded', 'at most 10')
  const [{ items }] = await gcp.sdk.sslCerts.list(call)
  expect(items!.map(({ commonName }) => commonName)).not.toContain('doomed')
  expect(items).toHaveLength(10)
})
