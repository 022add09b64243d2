/** What a worker is told by its environment: only what its queues need, secrets by file, and Temporal's own variables. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecretResolver } from '../../postgres/connect/secret-refs'
import { readConfig } from '../../workers/config'
import { readHealth } from '../../workers/health-check'

const folder = mkdtempSync(join(tmpdir(), 'capstan-config-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function fileOf(name: string, content: string): string {
  const file = join(folder, name)
  writeFileSync(file, content)
  return file
}

const KEY = 'ab'.repeat(32)
const base = { TEMPORAL_ADDRESS: 'temporal:7233', CAPSTAN_LEDGER_URL: 'postgres://capstan@ledger/ledger' }
const aws = { ...base, CAPSTAN_TASK_QUEUES: 'aws', CAPSTAN_SECRET_KEY: KEY }

describe('a worker is asked only for what its queues need', () => {
  test('control needs the workflow bundle and no secret key', () => {
    const config = readConfig({ ...base, CAPSTAN_TASK_QUEUES: 'control', CAPSTAN_WORKFLOW_BUNDLE: '/app/bundle.js' })
    expect(config).toMatchObject({ queues: ['control'], secretKey: null, workflowBundle: '/app/bundle.js' })
    expect(() => readConfig({ ...base, CAPSTAN_TASK_QUEUES: 'control' })).toThrow(/CAPSTAN_WORKFLOW_BUNDLE/)
  })

  test.each(['postgres', 'aws', 'azure', 'gcp'])('%s needs the secret key and no workflow bundle', (queue) => {
    const env = { ...base, CAPSTAN_TASK_QUEUES: queue }
    expect(readConfig({ ...env, CAPSTAN_SECRET_KEY: KEY })).toMatchObject({ workflowBundle: null, secretKey: expect.any(Buffer) })
    expect(() => readConfig(env)).toThrow(/CAPSTAN_SECRET_KEY/)
  })

  test('a worker is told where a cloud is only if it serves that cloud', () => {
    const azure = {
      CAPSTAN_AZURE_ENDPOINT: 'https://127.0.0.1:8443',
      CAPSTAN_AZURE_TOKEN_FILE: fileOf('azure-token', 'word\n'),
      CAPSTAN_AZURE_CA_FILE: fileOf('ca.pem', 'PEM'),
      CAPSTAN_AZURE_POSTGRES_PORT: '5433',
    }
    const gcp = { CAPSTAN_GCP_ENDPOINT: 'http://127.0.0.1:8080', CAPSTAN_GCP_TOKEN: 'word' }
    const told = { ...aws, ...azure, ...gcp }
    const nowhere = { endpoint: null, token: null, port: null }
    expect(readConfig(told).clouds).toEqual({ azure: { ...nowhere, authority: null }, gcp: nowhere })
    expect(readConfig({ ...told, CAPSTAN_TASK_QUEUES: 'azure' }).clouds).toEqual({
      azure: { endpoint: 'https://127.0.0.1:8443', token: 'word', port: 5433, authority: 'PEM' },
      gcp: nowhere,
    })
    expect(readConfig({ ...told, CAPSTAN_TASK_QUEUES: 'gcp' }).clouds.gcp).toEqual({
      endpoint: 'http://127.0.0.1:8080',
      token: 'word',
      port: null,
    })
  })

  test('papers are written to a folder that is named by its whole path, or nowhere', () => {
    expect(readConfig(aws).papersFolder).toBeUndefined()
    expect(readConfig({ ...aws, CAPSTAN_PAPERS: '/srv/papers' }).papersFolder).toBe('/srv/papers')
    expect(() => readConfig({ ...aws, CAPSTAN_PAPERS: 'papers' })).toThrow(/has to be the whole path of a folder/)
  })

  test('what may move endpoints is told to a worker that serves databases', () => {
    const told = {
      CAPSTAN_ENDPOINT_COMMANDS: '/etc/endpoints',
      CAPSTAN_PGBOUNCER_FILES: '/etc/poolers',
      CAPSTAN_LAB_ENDPOINT: 'http://127.0.0.1:8080/',
      CAPSTAN_LAB_TOKEN: 'word',
    }
    const postgres = { ...aws, CAPSTAN_TASK_QUEUES: 'postgres', PATH: '/bin' }
    expect(readConfig({ ...postgres, ...told }).endpoints).toEqual({
      commands: { folder: '/etc/endpoints', path: '/bin' },
      labRouter: { api: 'http://127.0.0.1:8080', token: 'word' },
      poolerFiles: '/etc/poolers',
    })
    expect(readConfig({ ...aws, ...told }).endpoints).toEqual({ commands: null, labRouter: null })
    expect(readConfig(postgres).endpoints).toEqual({ commands: null, labRouter: null })
    expect(() => readConfig({ ...postgres, CAPSTAN_ENDPOINT_COMMANDS: 'here' })).toThrow(/has to be the whole path of a folder/)
    expect(() => readConfig({ ...postgres, CAPSTAN_PGBOUNCER_FILES: '.' })).toThrow(/has to be the whole path of a folder/)
    expect(() => readConfig({ ...postgres, CAPSTAN_LAB_TOKEN: 'word' })).toThrow(/belong together/)
  })

  test.each([
    ['a token without its endpoint', { CAPSTAN_GCP_TOKEN: 'word' }, /CAPSTAN_GCP_TOKEN is set without CAPSTAN_GCP_ENDPOINT/],
    ['an endpoint of Azure without TLS', { CAPSTAN_AZURE_ENDPOINT: 'http://lab' }, /must begin with https:\/\/ and/],
    [
      'an endpoint that is no URL',
      { CAPSTAN_GCP_ENDPOINT: 'lab:80' },
      /^CAPSTAN_GCP_ENDPOINT is not the address of an API; (?!.*lab)/,
    ],
    [
      'an endpoint with a password in it',
      { CAPSTAN_AZURE_ENDPOINT: 'https://boss:hunter2@lab' },
      /^CAPSTAN_AZURE_ENDPOINT is not the address of an API; (?!.*hunter2)/,
    ],
    ['a port that is none', { CAPSTAN_AZURE_POSTGRES_PORT: '0' }, /CAPSTAN_AZURE_POSTGRES_PORT is 0/],
    ['an authority that is not there', { CAPSTAN_AZURE_CA_FILE: '/nowhere/ca' }, /CAPSTAN_AZURE_CA_FILE names \/nowhere\/ca/],
  ])('%s is refused', (_what, env, message) => {
    expect(() => readConfig({ ...aws, CAPSTAN_TASK_QUEUES: 'azure,gcp', ...env })).toThrow(message)
  })

  test('a queue that is named twice is served once', () => {
    expect(readConfig({ ...aws, CAPSTAN_TASK_QUEUES: 'aws, aws' }).queues).toEqual(['aws'])
  })
})

describe('secrets may be files', () => {
  test('the content of the file is the value, without its last line break', () => {
    const url = fileOf('ledger-url', 'postgres://capstan:word@ledger:5432/ledger\n')
    const { CAPSTAN_LEDGER_URL: _left, ...rest } = aws
    expect(readConfig({ ...rest, CAPSTAN_LEDGER_URL_FILE: url }).ledgerUrl).toBe('postgres://capstan:word@ledger:5432/ledger')
  })

  test.each([
    ['both are set', { CAPSTAN_SECRET_KEY_FILE: '/run/secrets/key' }, /both set/],
    [
      'the file is missing',
      { CAPSTAN_SECRET_KEY: '', CAPSTAN_SECRET_KEY_FILE: '/nowhere/key' },
      /\/nowhere\/key, which cannot be read/,
    ],
    ['the file is empty', { CAPSTAN_SECRET_KEY: '', CAPSTAN_SECRET_KEY_FILE: '/dev/null' }, /empty/],
  ])('refused when %s', (_when, env, message) => {
    expect(() => readConfig({ ...aws, ...env })).toThrow(message)
  })

  test("a fleet file's reference leads into the one folder alone, links followed", async () => {
    const databases = join(folder, 'databases')
    mkdirSync(databases)
    writeFileSync(join(databases, 'shop'), 'word\n')
    const own = fileOf('secret-key', KEY)
    symlinkSync(own, join(databases, 'link'))
    const resolve = createSecretResolver({}, { variables: [], folder: databases })
    expect(await resolve(`file:${databases}/shop`)).toBe('word')
    await expect(resolve(`file:${own}`)).rejects.toThrow(/lies outside/)
    await expect(resolve(`file:${databases}/../secret-key`)).rejects.toThrow(/lies outside/)
    await expect(resolve(`file:${databases}/link`)).rejects.toThrow(/lies outside/)
    await expect(resolve(`file:${databases}/none`)).rejects.toThrow(/cannot be read/)
    symlinkSync('/proc/self/environ', join(databases, 'environ'))
    if (process.platform === 'linux') await expect(resolve(`file:${databases}/environ`)).rejects.toThrow(/a part of the system/)
    const anywhere = createSecretResolver({}, { variables: [], folder: '/' })
    if (process.platform === 'linux') await expect(anywhere('file:/proc/self/environ')).rejects.toThrow(/a part of the system/)
  })

  test('a worker that was told no folder reads no file', async () => {
    const own = fileOf('secret-key', KEY)
    const resolve = createSecretResolver({}, readConfig(aws).secrets)
    await expect(resolve(`file:${own}`)).rejects.toMatchObject({
      code: 'SECRET_UNRESOLVED',
      message: expect.stringMatching(/this worker reads none: CAPSTAN_SECRETS_FOLDER has to name the folder/),
    })
  })

  test("a fleet file's reference reaches allowed variables alone", async () => {
    const env = { SHOP_ADMIN: 'word', STOCK: 'other', STOCK_KEY: 'mine', SHOP_EMPTY: '', CAPSTAN_SECRET_KEY: KEY }
    const { secrets } = readConfig({ ...aws, CAPSTAN_SECRET_VARIABLES: 'SHOP_, STOCK' })
    const resolve = createSecretResolver(env, secrets)
    expect([await resolve('env:SHOP_ADMIN'), await resolve('env:STOCK')]).toEqual(['word', 'other'])
    for (const ref of ['env:STOCK_KEY', 'env:PATH', 'env:SHOP', 'env:__proto__']) {
      await expect(resolve(ref)).rejects.toThrow(/CAPSTAN_SECRET_VARIABLES of this worker does not allow/)
    }
    await expect(resolve('env:SHOP_EMPTY')).rejects.toThrow(/has no variable SHOP_EMPTY/)
    await expect(resolve('env:CAPSTAN_SECRET_KEY')).rejects.toThrow(/of the control plane itself/)
    await expect(createSecretResolver(env, readConfig(aws).secrets)('env:STOCK')).rejects.toThrow(/does not allow/)
  })

  test.each(['*', 'SHOP-', '_', 'AWS_', 'CAPSTAN_SECRET_KEY'])('%s cannot be allowed', (names) => {
    expect(() => readConfig({ ...aws, CAPSTAN_SECRET_VARIABLES: names })).toThrow(/^CAPSTAN_SECRET_VARIABLES /)
  })
})

describe("Temporal is reached by Temporal's own variables", () => {
  const connectionOf = (env: object) => readConfig({ ...aws, ...env }).temporal.connection

  test('without any, in clear text, in the namespace default', () => {
    expect(readConfig(aws).temporal).toEqual({
      address: 'temporal:7233',
      namespace: 'default',
      connection: { address: 'temporal:7233' },
    })
  })

  test('an API key brings TLS with it, and may be a file', () => {
    expect(connectionOf({ TEMPORAL_API_KEY_FILE: fileOf('api-key', 'word\n') })).toMatchObject({ apiKey: 'word', tls: true })
  })

  test('client certificates are read from their files', () => {
    const paths = {
      TEMPORAL_TLS_CLIENT_CERT_PATH: fileOf('client.pem', 'CERT'),
      TEMPORAL_TLS_CLIENT_KEY_PATH: fileOf('client.key', 'KEY'),
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: fileOf('ca.pem', 'CA'),
      TEMPORAL_TLS_SERVER_NAME: 'temporal.internal',
    }
    const { tls } = connectionOf(paths) as { tls: { clientCertPair: { crt: Uint8Array; key: Uint8Array } } }
    expect(tls).toMatchObject({ serverNameOverride: 'temporal.internal' })
    expect([tls.clientCertPair.crt, tls.clientCertPair.key].map((bytes) => Buffer.from(bytes).toString())).toEqual([
      'CERT',
      'KEY',
    ])
    expect(() => connectionOf({ ...paths, TEMPORAL_TLS_CLIENT_KEY_PATH: '/nowhere/key' })).toThrow(/\/nowhere\/key/)
  })

  test('what a template left empty is not set', () => {
    expect(connectionOf({ TEMPORAL_API_KEY: '', TEMPORAL_TLS: '', TEMPORAL_TLS_SERVER_NAME: '' })).toEqual({
      address: 'temporal:7233',
    })
  })

  test('a profile counts when its file is named, and never because it lies in the home folder', () => {
    mkdirSync(join(folder, 'temporalio'))
    const file = fileOf('temporalio/temporal.toml', '[profile.default]\naddress = "elsewhere:7233"\napi_key = "word"\n')
    expect(connectionOf({ XDG_CONFIG_HOME: folder })).toEqual({ address: 'temporal:7233' })
    expect(connectionOf({ TEMPORAL_ADDRESS: '', TEMPORAL_CONFIG_FILE: file })).toMatchObject({
      address: 'elsewhere:7233',
      apiKey: 'word',
    })
  })
})

describe('a health report', () => {
  const now = Date.parse('2026-01-01T00:00:30.000Z')
  const reported = (report: object) => fileOf('health.json', JSON.stringify({ version: 1, pid: 1, problems: [], ...report }))

  test('is good when fresh and without problems', () => {
    expect(readHealth(reported({ at: '2026-01-01T00:00:20.000Z' }), now)).toEqual([])
  })

  test.each([
    ['its problems', { at: '2026-01-01T00:00:29.000Z', problems: ['The ledger is gone'] }, /The ledger is gone/],
    ['its age', { at: '2025-12-31T23:59:50.000Z' }, /hangs, or is gone/],
    ['having no date', {}, /hangs, or is gone/],
  ])('is bad by %s', (_what, report, problem) => {
    expect(readHealth(reported(report), now).join()).toMatch(problem)
  })

  test('is bad when there is none, or nobody said where', () => {
    expect(readHealth(join(folder, 'none'), now).join()).toMatch(/not reported/)
    expect(readHealth(undefined, now).join()).toMatch(/CAPSTAN_HEALTH_FILE is not set/)
  })
})
