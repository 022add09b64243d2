import { X509Certificate } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClientConfig } from 'pg'
import type { ServerSpec } from '../../../lab/postgres/servers'
import { type Authority, openAuthority } from '../../../lab/tls'
import { type Mechanics, never, openMechanics, until } from './fixture'

let folder: string
let authority: Authority
let lab: Mechanics
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'capstan-ca-'))
  chmodSync(folder, 0o711)
  authority = await openAuthority(folder)
  lab = await openMechanics({ authority: Promise.resolve(authority) })
})
afterAll(async () => {
  await lab.remove()
  rmSync(folder, { recursive: true, force: true })
})

/** 'tls' or 'plain' once in, else the code of the refusal. */
async function enter(spec: ServerSpec, ssl: ClientConfig['ssl']): Promise<string> {
  try {
    const [row] = await lab.ask<{ ssl: boolean }>(spec, 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()', { ssl: ssl! })
    return row!.ssl ? 'tls' : 'plain'
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).message
  }
}

/** As a careful client does: it trusts this authority alone, and wants the server's address in the certificate. */
const careful = (ca = authority.certificate): ClientConfig['ssl'] => ({ ca, rejectUnauthorized: true })

test.each([15, 17] as const)('PostgreSQL %i offers or requires TLS, with a certificate for its address', async (major) => {
  const spec = await lab.create(`tls${major}`, major, { tls: 'offered' })
  const other = await openAuthority(mkdtempSync(join(folder, 'other-')))
  expect(await enter(spec, careful())).toBe('tls')
  expect(await enter(spec, { rejectUnauthorized: false })).toBe('tls')
  expect(await enter(spec, careful(other.certificate))).toMatch(/SELF_SIGNED|UNABLE_TO|SIGNATURE/)
  expect(await enter(spec, { rejectUnauthorized: true })).toMatch(/SELF_SIGNED|UNABLE_TO|SIGNATURE/)
  expect(await enter(spec, false)).toBe('plain')

  const required = { ...spec, tls: 'required' } as const
  await lab.servers.configure(required)
  for (const again of [false, true]) {
    if (again) await lab.servers.restart(required)
    expect(await enter(spec, false)).toBe('28000')
    expect(await enter(spec, careful())).toBe('tls')
  }

  await lab.servers.configure({ ...spec, tls: 'off' })
  expect(await enter(spec, false)).toBe('plain')
  expect(await enter(spec, careful())).toBe('The server does not support SSL connections')
})

const named = (raw: Buffer, { address }: ServerSpec): Error | undefined =>
  new X509Certificate(raw).checkIP(address) ? undefined : new Error('another server')

test('a replica follows a primary that requires TLS, encrypted, and has a certificate of its own', async () => {
  const primary = await lab.create('tls-p', 17, { tls: 'required' })
  const replica = lab.spec('tls-r', 17, { tls: 'required', replicaOf: primary })
  await lab.servers.createReplica(replica, primary, never)
  await until(async () => (await lab.servers.replication(replica)).state === 'streaming')
  const rows = await lab.asAdministrator(primary, 'SELECT ssl FROM pg_stat_ssl JOIN pg_stat_replication USING (pid)')
  expect(rows).toEqual([{ ssl: true }])
  expect(await enter(replica, careful())).toBe('tls')
  const elsewhere = {
    ca: authority.certificate,
    checkServerIdentity: (_: string, { raw }: { raw: Buffer }) => named(raw, primary),
  }
  expect(await enter(replica, elsewhere)).toBe('another server')
})

test("keys are readable by their server's user alone, and the authority's by the lab's", async () => {
  const mode = (path: string): number => statSync(path).mode & 0o777
  const beside = join(lab.stateDir, 'instances', 'tls-p')
  expect(mode(join(beside, 'server.key'))).toBe(0o600)
  expect(mode(join(folder, 'ca.key'))).toBe(0o600)
  expect(statSync(join(folder, 'ca.key')).uid).toBe(process.getuid!())
  expect(authority.certificateFile).toBe(join(folder, 'ca.crt'))
  expect(mode(authority.certificateFile)).toBe(0o644)
})

test('the authority outlives the lab, and a certificate is kept as long as it holds', async () => {
  const file = join(lab.stateDir, 'instances', 'tls-p', 'server.crt')
  const before = readFileSync(file, 'utf8')
  const again = await openAuthority(folder)
  expect(again.certificate).toBe(authority.certificate)
  await lab.servers.restart(lab.spec('tls-p', 17, { tls: 'required' }))
  // it moved to another address
  const after = readFileSync(file, 'utf8')
  expect(after).not.toBe(before)
  const other = await openAuthority(mkdtempSync(join(folder, 'another-')))
  const address = new X509Certificate(after).subjectAltName!.replace('IP Address:', '')
  expect(again.holds(after, address)).toBe(true)
  expect(again.holds(after, '127.0.0.1')).toBe(false)
  expect(other.holds(after, address)).toBe(false)
  const made = new X509Certificate(authority.certificate)
  expect(made.ca).toBe(true)
  expect(new X509Certificate(after).checkIssued(made)).toBe(true)
  expect(new X509Certificate(after).ca).toBe(false)
})

test('a server is not started with TLS when nobody certifies it', async () => {
  const bare = await openMechanics()
  try {
    await expect(bare.create('bare', 17, { tls: 'offered' })).rejects.toThrow('nobody to certify it')
  } finally {
    await bare.remove()
  }
})

test('an HTTPS server with an issued certificate is trusted by whoever trusts the authority', async () => {
  const { certificate, key } = await authority.issue(['127.0.0.1', '127.0.0.2'])
  const server = createServer({ cert: certificate, key }, (_request, response) => response.end('hello'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const get = (ca?: string): Promise<string> =>
    new Promise((resolve) => {
      const asked = request({ host: '127.0.0.1', port, ...(ca !== undefined && { ca }) }, (response) => {
        response.setEncoding('utf8').once('data', resolve)
      })
      asked.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      asked.end()
    })
  expect(await get(authority.certificate)).toBe('hello')
  expect(await get()).toMatch(/SELF_SIGNED|UNABLE_TO/)
  server.close()
})
