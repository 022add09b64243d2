import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ledgerUrlOf, readSettings, temporalOf } from '../../client/config'
import { capstan } from './recorded-io'

const folder = mkdtempSync(join(tmpdir(), 'capstan-access-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, content: string): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
const ADDRESS = { TEMPORAL_ADDRESS: 'temporal.example:7233' }
const target = (env: Record<string, string>) => temporalOf(readSettings(env, folder))

test('a file holds the ledger’s address, or the variable does, never both', () => {
  const held = file('ledger-url', 'postgres://w:secret@ledger/ledger\n')
  expect(ledgerUrlOf(readSettings({ CAPSTAN_LEDGER_URL_FILE: held }, folder))).toBe('postgres://w:secret@ledger/ledger')
  const both = readSettings({ CAPSTAN_LEDGER_URL_FILE: held, CAPSTAN_LEDGER_URL: 'postgres://other@ledger/ledger' }, folder)
  expect(() => ledgerUrlOf(both)).toThrow('CAPSTAN_LEDGER_URL and CAPSTAN_LEDGER_URL_FILE are both set')
  const missing = readSettings({ CAPSTAN_LEDGER_URL_FILE: join(folder, 'nowhere') }, folder)
  expect(() => ledgerUrlOf(missing)).toThrow(/CAPSTAN_LEDGER_URL_FILE names .*nowhere, which cannot be read \(ENOENT\)/)
})

test('the embedded default is told no key, and is spoken to in clear text', () => {
  writeFileSync(join(folder, 'endpoints.json'), JSON.stringify({ temporal: { address: '127.0.0.1:7233', namespace: 'shop' } }))
  const env = { CAPSTAN_STATE_DIR: folder, TEMPORAL_API_KEY: 'mine', TEMPORAL_TLS: 'true' }
  expect(target(env)).toEqual({ address: '127.0.0.1:7233', namespace: 'shop' })
  expect(target({ ...env, TEMPORAL_ADDRESS: '127.0.0.1:7233' })).toEqual({
    address: '127.0.0.1:7233',
    namespace: 'shop',
    credentials: expect.objectContaining({ apiKey: 'mine' }),
  })
})

test('a key asks for TLS; a word that is neither yes nor no is refused instead of turning TLS off', () => {
  expect(target({ ...ADDRESS, TEMPORAL_API_KEY: 'k' }).credentials).toEqual({ tls: true, apiKey: 'k' })
  expect(target({ ...ADDRESS, TEMPORAL_TLS: '', TEMPORAL_API_KEY: '' }).credentials).toEqual({})
  expect(() => target({ ...ADDRESS, TEMPORAL_TLS: 'yes' })).toThrow('TEMPORAL_TLS is "yes"; it has to be true or false.')
})

const PROFILE = '[profile.default]\naddress = "temporal.example:7233"\n'
const refused: [string, Record<string, string>, RegExp][] = [
  [
    'a certificate that is not there',
    { TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/nowhere/ca' },
    /^TEMPORAL_TLS_SERVER_CA_CERT_PATH names \/nowhere\/ca, /,
  ],
  [
    'a certificate without its key',
    { TEMPORAL_TLS_CLIENT_CERT_PATH: '/c' },
    /TEMPORAL_TLS_CLIENT_KEY_PATH is not; mutual TLS needs both/,
  ],
  [
    'a key without its certificate',
    { TEMPORAL_TLS_CLIENT_KEY_PATH: '/k' },
    /TEMPORAL_TLS_CLIENT_CERT_PATH is not; mutual TLS needs both/,
  ],
  [
    'a certificate twice',
    { TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/c', TEMPORAL_TLS_SERVER_CA_CERT_DATA: 'c' },
    /Cannot specify both/,
  ],
  [
    'a key twice',
    { TEMPORAL_API_KEY: 'hush', TEMPORAL_API_KEY_FILE: '/k' },
    /TEMPORAL_API_KEY and TEMPORAL_API_KEY_FILE are both set/,
  ],
  ['a key file that is not there', { TEMPORAL_API_KEY_FILE: '/nowhere/key' }, /^TEMPORAL_API_KEY_FILE names \/nowhere\/key, /],
  ['a key of two lines', { TEMPORAL_API_KEY: 'hush\nhush' }, /^The API key for Temporal holds characters that cannot be sent/],
  ['a header of two lines', { TEMPORAL_GRPC_META_X: 'hush\nhush' }, /^The header "x" for Temporal holds characters/],
  [
    'a configuration file that is not there',
    { TEMPORAL_CONFIG_FILE: '/nowhere/t.toml' },
    /^TEMPORAL_CONFIG_FILE names \/nowhere/,
  ],
  [
    'a profile that is not there',
    { TEMPORAL_CONFIG_FILE: file('a.toml', PROFILE), TEMPORAL_PROFILE: 'shop' },
    /Profile 'shop' not found/,
  ],
  ['a file without profiles', { TEMPORAL_CONFIG_FILE: file('b.toml', 'x = 1') }, /has no such profile/],
  [
    'a file that is no TOML',
    { TEMPORAL_CONFIG_FILE: file('c.toml', 'api_key = hush') },
    /cannot be read from .*c\.toml: .*\(line 1\)/,
  ],
  [
    'a profile whose certificate is not there',
    { TEMPORAL_CONFIG_FILE: file('d.toml', `${PROFILE}tls = { server_ca_cert_path = "/nowhere/ca" }`) },
    /^The profile in .*d\.toml names \/nowhere\/ca, which cannot be read \(ENOENT\)/,
  ],
  [
    'a profile with half a certificate',
    { TEMPORAL_CONFIG_FILE: file('e.toml', `${PROFILE}tls = { client_cert_path = "/nowhere/ca" }`) },
    /mutual TLS needs both/,
  ],
]
test.each(refused)('%s is refused before anything is sent, and no secret is repeated', async (_what, env, words) => {
  const run = await capstan(['snapshot', 'list', 'shop', '--fleet', join(__dirname, 'fleet-example.yaml'), '--json'], {
    env: {
      ...ADDRESS,
      ...env,
      CAPSTAN_LEDGER_URL: 'postgres://nobody@127.0.0.1:1/none',
      CAPSTAN_STATE_DIR: join(folder, 'none'),
    },
  })
  expect(() => target({ ...ADDRESS, ...env })).toThrow(
    expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(words) }),
  )
  expect(run.out + run.err).not.toContain('hush')
})

test('a profile without an address is no embedded default', () => {
  const env = { TEMPORAL_CONFIG_FILE: file('f.toml', '[profile.default]\nnamespace = "shop"'), CAPSTAN_STATE_DIR: folder }
  expect(() => target(env)).toThrow(/the profile in .*f\.toml has no address/)
})

test('what needs no Temporal works although its files are not there', async () => {
  const env = {
    ...ADDRESS,
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/nowhere',
    CAPSTAN_LEDGER_URL_FILE: '/nowhere',
    CAPSTAN_STATE_DIR: join(folder, 'none'),
  }
  const run = await capstan(['fleet', 'list', '--fleet', join(__dirname, 'fleet-example.yaml'), '--json'], { env })
  expect(run.err + run.out).not.toContain('/nowhere')
})
