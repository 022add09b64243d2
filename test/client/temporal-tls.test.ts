import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSettings, temporalOf } from '../../client/config'
import { connectTemporal } from '../../client/temporal'
import { selfSigned } from '../postgres/support/self-signed'
import { proxyTo } from './proxy'
import { capstan } from './recorded-io'
import { type Gate, keyGate, tlsGate } from './temporal-gates'
import { startTestTemporal, type TestTemporal } from './temporal-server'

const KEY = 'key-that-nobody-may-see'
const folder = mkdtempSync(join(tmpdir(), 'capstan-temporal-tls-'))
const server = selfSigned('127.0.0.1')
const client = selfSigned('127.0.0.1')
const stranger = selfSigned('127.0.0.1')
const otherHost = selfSigned('127.0.0.9')
const file = (name: string, content: string): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
const CA = { TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('server.crt', server.cert) }
const certificate = (name: string, { cert, key }: { cert: string; key: string }) => ({
  TEMPORAL_TLS_CLIENT_CERT_PATH: file(`${name}.crt`, cert),
  TEMPORAL_TLS_CLIENT_KEY_PATH: file(`${name}.key`, key),
})
const MUTUAL = { ...CA, ...certificate('client', client) }

let temporal: TestTemporal
let mutual: Gate
let keyed: Gate
let elsewhere: Gate
beforeAll(async () => {
  temporal = await startTestTemporal()
  mutual = await tlsGate(temporal.address, { ...server, ca: client.cert, requestCert: true })
  keyed = await keyGate(temporal.address, { ...server, apiKey: KEY })
  elsewhere = await tlsGate(temporal.address, otherHost)
})
afterAll(async () => {
  for (const gate of [mutual, keyed, elsewhere]) await gate?.close()
  await temporal?.stop()
  rmSync(folder, { recursive: true })
})

/** Asks for something that only the server behind the gate can answer. */
async function namespacesSeen(env: Record<string, string>): Promise<string | undefined> {
  const door = await connectTemporal(temporalOf(readSettings(env, folder)))
  try {
    const workflows = door.client.workflow.list({ query: 'WorkflowType = "none"' })
    for await (const workflow of workflows) throw new Error(workflow.workflowId)
    const { namespaceInfo } = await door.client.workflowService.describeNamespace({ namespace: 'default' })
    return namespaceInfo?.name ?? undefined
  } finally {
    await door.close()
  }
}

/** A command that asks Temporal before the ledger. */
const refusal = (env: Record<string, string>) =>
  capstan(['ops', 'reject', 'migrate-shop-abcdef', '--reason', 'no', '--json'], {
    env: { CAPSTAN_STATE_DIR: folder, CAPSTAN_LEDGER_URL: 'postgres://nobody@127.0.0.1:1/none', ...env },
  })

describe('the command line is let in', () => {
  test('through mutual TLS', async () => {
    expect(await namespacesSeen({ TEMPORAL_ADDRESS: mutual.address, ...MUTUAL })).toBe('default')
  })

  test('with an API key from a file, which brings TLS with it', async () => {
    const key = file('api-key', `${KEY}\n`)
    expect(await namespacesSeen({ TEMPORAL_ADDRESS: keyed.address, ...CA, TEMPORAL_API_KEY_FILE: key })).toBe('default')
  })

  test('with a profile, when it is named', async () => {
    const lines = [
      ['[profile.shop]', `address = "${keyed.address}"`, 'namespace = "default"', `api_key = "${KEY}"`],
      ['[profile.shop.tls]', `server_ca_cert_path = "${CA.TEMPORAL_TLS_SERVER_CA_CERT_PATH}"`],
    ]
    const env = { TEMPORAL_CONFIG_FILE: file('temporal.toml', lines.flat().join('\n')), TEMPORAL_PROFILE: 'shop' }
    expect(await namespacesSeen(env)).toBe('default')
  })
})

describe('what keeps it out is said', () => {
  const outside: [string, () => Record<string, string>, RegExp, string?][] = [
    ['no certificate', () => ({ TEMPORAL_ADDRESS: mutual.address, ...CA }), /may want a client certificate/],
    [
      'another certificate',
      () => ({ TEMPORAL_ADDRESS: mutual.address, ...CA, ...certificate('stranger', stranger) }),
      /may want another client certificate than that of TEMPORAL_TLS_CLIENT_CERT_PATH/,
      // A server that only hangs up may be one that is just ending.
      'TEMPORAL_UNREACHABLE',
    ],
    [
      'a server of unknown signature',
      () => ({ TEMPORAL_ADDRESS: mutual.address, TEMPORAL_TLS: 'true' }),
      /its certificate is not accepted/,
    ],
    [
      'a server of another name',
      () => ({ TEMPORAL_ADDRESS: elsewhere.address, TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('other.crt', otherHost.cert) }),
      /its certificate is not accepted .*TEMPORAL_TLS_SERVER_NAME/,
    ],
    ['TLS to a server in clear text', () => ({ TEMPORAL_ADDRESS: temporal.address, TEMPORAL_TLS: 'true' }), /it speaks no TLS/],
    ['clear text to a server with TLS', () => ({ TEMPORAL_ADDRESS: keyed.address }), /it speaks TLS, and this command does not/],
    [
      'no key',
      () => ({ TEMPORAL_ADDRESS: keyed.address, ...CA }),
      /does not let this command in: .*no header.*TEMPORAL_API_KEY_FILE/,
    ],
  ]
  test.each(outside)('%s', async (_what, env, words, code = 'TEMPORAL_REFUSED') => {
    const run = await refusal(env())
    const exit = code === 'TEMPORAL_REFUSED' ? 3 : 4
    expect(run).toMatchObject({ exit, json: { error: { code, message: expect.stringMatching(words) } } })
  })

  test('a key that is not taken, without the key, even if the server repeats it', async () => {
    const run = await refusal({ TEMPORAL_ADDRESS: keyed.address, ...CA, TEMPORAL_API_KEY: 'wrong-key', CAPSTAN_DEBUG: '1' })
    expect(run).toMatchObject({ exit: 3, json: { error: { code: 'TEMPORAL_REFUSED' } } })
    expect(run.out).toContain('does not take the API key for the namespace default: Request unauthorized: Bearer ….')
    expect(run.out + run.err).not.toContain('wrong-key')
  })

  test('a server that is not there is no matter of TLS', async () => {
    const way = await proxyTo(temporal.address)
    await way.cut()
    const run = await refusal({ TEMPORAL_ADDRESS: way.address, TEMPORAL_TLS: 'true' })
    expect(run).toMatchObject({ exit: 4, json: { error: { code: 'TEMPORAL_UNREACHABLE' } } })
  })

  test('a key file that is none, or that belongs to another certificate', async () => {
    const garbage = { ...MUTUAL, TEMPORAL_TLS_CLIENT_KEY_PATH: file('garbage.key', 'no key') }
    const foreign = { ...MUTUAL, TEMPORAL_TLS_CLIENT_KEY_PATH: file('foreign.key', stranger.key) }
    for (const env of [garbage, foreign]) {
      const run = await refusal({ TEMPORAL_ADDRESS: mutual.address, ...env })
      expect(run).toMatchObject({
        exit: 2,
        json: { error: { message: expect.stringContaining('A certificate or key for Temporal') } },
      })
    }
  })
})
