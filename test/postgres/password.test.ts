import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'pg'
import { Failure } from '../../contracts/failures'
import type { ConnectOptions } from '../../postgres/connect/connect-options'
import { GuardedClient, objection, type PasswordRequest, type Way } from '../../postgres/connect/guarded-client'
import { connect } from '../../postgres/connect/session'
import { failureOf } from './support/apply'
import { ASK, type AskingServer, startAskingServer } from './support/asking-server'
import { selfSigned } from './support/self-signed'

const PASSWORD = 'open-sesame-4711'
const MINE = { host: '127.0.0.1', database: 'shop', user: 'ann', password: PASSWORD, applicationName: 'test' } as const
const certificate = selfSigned('127.0.0.1')

let stranger: AskingServer
afterEach(() => stranger?.close())

/** What `connect` ends with, once everything that it may have sent has had the time to arrive. */
async function meet(options: Partial<ConnectOptions>): Promise<Failure> {
  const ended = await failureOf(connect({ ...MINE, port: stranger.port, connectTimeoutMs: 30_000, ...options }))
  await sleep(100)
  return ended
}

test('a password in clear text never leaves over a connection that is not encrypted', async () => {
  stranger = await startAskingServer([ASK.clearText])
  const refused = await meet({ tls: 'disable' })

  expect(refused.code).toBe('PASSWORD_WITHHELD')
  expect(refused.message).toBe(
    `127.0.0.1:${stranger.port} asks for the password in clear text over a connection that is not encrypted, so it was not sent: ` +
      'let the server ask for scram-sha-256, or set TLS to verify-full (its authority can be named in NODE_EXTRA_CA_CERTS).',
  )
  expect(refused.message).not.toContain(PASSWORD)
  expect(stranger.answers()).toHaveLength(0)
})

test('a server that begins with SCRAM and then asks in clear text gets nothing more', async () => {
  stranger = await startAskingServer([ASK.scram, ASK.clearText])
  expect((await meet({})).code).toBe('PASSWORD_WITHHELD')

  const answers = stranger.answers()
  expect(answers.toString('latin1')).toContain('SCRAM-SHA-256')
  expect(answers.toString('latin1')).not.toContain(PASSWORD)
  expect(answers).toHaveLength(1 + answers.readUInt32BE(1))
})

test.each(['1', '4095', '4096,i=1', '-1'])(
  'SCRAM with %s iterations is not answered by a proof that is easy to guess',
  async (iterations) => {
    stranger = await startAskingServer([ASK.scram, ASK.scramIterations(iterations)])
    const refused = await meet({})

    expect(refused.code).toBe('PASSWORD_WITHHELD')
    expect(refused.message).toContain('by SCRAM with fewer than 4096 iterations, which makes it easy to guess')
    expect(stranger.answers().toString('latin1')).not.toContain('p=')
  },
)

test("SCRAM with PostgreSQL's own number of iterations is answered, and with fewer by whom a certificate vouches for", async () => {
  stranger = await startAskingServer([ASK.scram, ASK.scramIterations('4096')])
  expect((await meet({})).code).toBe('DATABASE_UNREACHABLE')
  expect(stranger.answers().toString('latin1')).toContain('p=')
  await stranger.close()

  stranger = await startAskingServer([ASK.scram, ASK.scramIterations('1')], certificate)
  expect((await meet({ tls: 'require' })).code).toBe('PASSWORD_WITHHELD')
  await meet({ tls: 'verify-full', tlsAuthority: certificate.cert })
  expect(stranger.answers().toString('latin1')).toContain('p=')
})

test('a certificate that nobody vouches for does not open the way for clear text', async () => {
  stranger = await startAskingServer([ASK.clearText], certificate)
  const refused = await meet({ tls: 'require' })

  expect(refused.code).toBe('PASSWORD_WITHHELD')
  expect(refused.message).toContain('whose certificate was not verified')
  expect(stranger.answers()).toHaveLength(0)
})

test('over a verified connection a password in clear text is given', async () => {
  stranger = await startAskingServer([ASK.clearText], certificate)
  expect((await meet({ tls: 'verify-full', tlsAuthority: certificate.cert })).code).toBe('DATABASE_UNREACHABLE')
  expect(stranger.answers().toString()).toContain(PASSWORD)
})

test('an MD5 answer is given on this machine, and is no password', async () => {
  stranger = await startAskingServer([ASK.md5])
  expect((await meet({})).code).toBe('DATABASE_UNREACHABLE')

  const md5 = (...parts: (string | Buffer)[]) =>
    createHash('md5')
      .update(Buffer.concat(parts.map((part) => Buffer.from(part))))
      .digest('hex')
  expect(stranger.answers().toString('latin1')).toContain(`md5${md5(md5(PASSWORD, 'ann'), Buffer.from([1, 2, 3, 4]))}`)
  expect(stranger.answers().toString('latin1')).not.toContain(PASSWORD)
})

test('a request that the driver does not announce is not answered', async () => {
  stranger = await startAskingServer([ASK.clearText])
  const client = new GuardedClient({ host: '127.0.0.1', port: stranger.port, user: 'ann', password: PASSWORD })
  client.connection.removeAllListeners()
  await expect(client.connect()).rejects.toMatchObject({ code: 'PASSWORD_WITHHELD' })
  await sleep(100)

  expect(stranger.answers().toString()).not.toContain(PASSWORD)
  await client.end()
})

test('in a pool the same holds', async () => {
  stranger = await startAskingServer([ASK.clearText])
  const pool = new Pool({ host: '127.0.0.1', port: stranger.port, user: 'ann', password: PASSWORD, Client: GuardedClient })
  const ended: unknown = await pool.query('SELECT 1').catch((error: unknown) => error)
  await sleep(100)

  expect(ended).toBeInstanceOf(Failure)
  expect(stranger.answers()).toHaveLength(0)
  await pool.end()
})

const AWAY = { encrypted: false, verified: false, address: '10.0.0.7' }
const HERE = { ...AWAY, address: '127.8.0.1' }
const TLS = { ...AWAY, encrypted: true }
const VERIFIED = { ...TLS, verified: true }

test.each<[PasswordRequest, Way, boolean]>([
  ['authenticationSASL', AWAY, true],
  ['authenticationSASL', VERIFIED, true],
  ['authenticationMD5Password', AWAY, false],
  ['authenticationMD5Password', { ...AWAY, address: null }, false],
  ['authenticationMD5Password', { ...AWAY, address: '::ffff:10.0.0.7' }, false],
  ['authenticationMD5Password', HERE, true],
  ['authenticationMD5Password', { ...AWAY, address: '::1' }, true],
  ['authenticationMD5Password', { ...AWAY, address: '::ffff:127.0.0.1' }, true],
  ['authenticationMD5Password', TLS, true],
  ['authenticationCleartextPassword', HERE, false],
  ['authenticationCleartextPassword', AWAY, false],
  ['authenticationCleartextPassword', TLS, false],
  ['authenticationCleartextPassword', VERIFIED, true],
])('%s over %j: given is %s', (request, way, given) => {
  expect(objection(request, way) === null).toBe(given)
})
