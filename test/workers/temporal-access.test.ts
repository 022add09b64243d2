/** Workers and the command line read the same variables each in a room of their own: both refuse the same, in the same words. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readTemporalAccess as readByCommandLine } from '../../client/temporal-access'
import { readTemporalAccess as readByWorker } from '../../workers/temporal-access'

const folder = mkdtempSync(join(tmpdir(), 'capstan-worker-access-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, content: string): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
const PROFILE = '[profile.default]\naddress = "temporal.example:7233"\n'
const CERT = file('client.pem', 'CERT')
const KEY = file('client.key', 'KEY')

type Read = (env: Record<string, string>) => unknown
const readers: [string, Read][] = [
  ['the command line', readByCommandLine],
  ['a worker', readByWorker],
]
const refused: [string, Record<string, string>, RegExp][] = [
  ['TLS by a word', { TEMPORAL_TLS: 'yes', TEMPORAL_API_KEY: 'hush' }, /^TEMPORAL_TLS is "yes"; it has to be true or false\.$/],
  ['a certificate without its key', { TEMPORAL_TLS_CLIENT_CERT_PATH: CERT }, /TEMPORAL_TLS_CLIENT_KEY_PATH is not; mutual TLS/],
  ['a key without its certificate', { TEMPORAL_TLS_CLIENT_KEY_DATA: 'hush' }, /TEMPORAL_TLS_CLIENT_CERT_PATH is not; mutual TLS/],
  [
    'an authority that is not there',
    { TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/nowhere/ca' },
    /names \/nowhere\/ca, which cannot be read/,
  ],
  [
    'an authority twice',
    { TEMPORAL_TLS_SERVER_CA_CERT_PATH: CERT, TEMPORAL_TLS_SERVER_CA_CERT_DATA: 'c' },
    /Cannot specify both/,
  ],
  ['an API key twice', { TEMPORAL_API_KEY: 'hush', TEMPORAL_API_KEY_FILE: KEY }, /are both set; keep one of them/],
  ['an API key file that is not there', { TEMPORAL_API_KEY_FILE: '/nowhere/key' }, /names \/nowhere\/key, which cannot be read/],
  ['an API key of two lines', { TEMPORAL_API_KEY: 'hush\nhush' }, /^The API key for Temporal holds characters/],
  ['a header of two lines', { TEMPORAL_GRPC_META_X: 'hush\nhush' }, /^The header "x" for Temporal holds characters/],
  ['a configuration file that is not there', { TEMPORAL_CONFIG_FILE: '/nowhere/t.toml' }, /names \/nowhere\/t\.toml/],
  ['a file that is no TOML', { TEMPORAL_CONFIG_FILE: file('no.toml', 'api_key = hush') }, /no\.toml: .*\(line 1\)/],
  ['a file without profiles', { TEMPORAL_CONFIG_FILE: file('none.toml', 'x = 1') }, /has no such profile/],
  [
    'a profile with half a certificate',
    { TEMPORAL_CONFIG_FILE: file('half.toml', `${PROFILE}tls = { client_cert_path = "${CERT}" }`) },
    /mutual TLS needs both/,
  ],
  [
    'a profile whose other half comes from nowhere',
    { TEMPORAL_CONFIG_FILE: file('bare.toml', PROFILE), TEMPORAL_TLS_CLIENT_CERT_PATH: CERT },
    /mutual TLS needs both/,
  ],
]

describe.each(readers)('%s', (_who, read) => {
  test.each(refused)('refuses %s and repeats no secret', (_what, env, words) => {
    let said = ''
    try {
      read({ TEMPORAL_ADDRESS: 'temporal.example:7233', ...env })
    } catch (error) {
      expect(error).toMatchObject({ code: 'OPTION_INVALID', message: expect.stringMatching(words) })
      said = String(error)
    }
    expect(said).not.toBe('')
    expect(said).not.toContain('hush')
  })

  test('needs an address', () => {
    expect(() => read({ TEMPORAL_CONFIG_FILE: file('f.toml', '[profile.default]\nnamespace = "shop"') })).toThrow(
      /TEMPORAL_ADDRESS is not set/,
    )
  })
})

test.each<[string, Record<string, string>]>([
  ['nothing more', {}],
  ['an API key', { TEMPORAL_API_KEY: 'k' }],
  ['TLS and a namespace', { TEMPORAL_TLS: 'true', TEMPORAL_NAMESPACE: 'shop' }],
  ['both halves of a certificate', { TEMPORAL_TLS_CLIENT_CERT_PATH: CERT, TEMPORAL_TLS_CLIENT_KEY_PATH: KEY }],
  ['a profile', { TEMPORAL_ADDRESS: '', TEMPORAL_CONFIG_FILE: file('ok.toml', `${PROFILE}api_key = "k"\n`) }],
])('both come to the same with %s', (_what, more) => {
  const env = { TEMPORAL_ADDRESS: 'temporal.example:7233', ...more }
  const { address, namespace, credentials } = readByCommandLine(env)
  expect(readByWorker(env)).toEqual({ address, namespace: namespace ?? 'default', connection: { address, ...credentials } })
})
