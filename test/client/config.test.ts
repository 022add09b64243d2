import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { databaseOf, fleetFileOf, labOf, ledgerUrlOf, readSettings, readTerminalSettings, temporalOf } from '../../client/config'

let dist: string
beforeEach(() => {
  dist = mkdtempSync(join(tmpdir(), 'capstan-config-'))
})
afterEach(() => rmSync(dist, { recursive: true }))

const endpoints = {
  version: 1,
  temporal: { address: '127.0.0.1:7233', namespace: 'shop', uiUrl: 'http://127.0.0.1:8233' },
  ledgerUrl: 'postgres://capstan:x@127.0.0.1:5433/ledger',
  fleet: '/clone/examples/shop/fleet.yaml',
  labApi: 'http://127.70.0.1:8000/',
  labToken: 'open sesame',
}
function embedded(state: 'stopped' | 'running'): void {
  writeFileSync(join(dist, 'embedded.json'), JSON.stringify({ stateDir: dist }))
  if (state === 'running') writeFileSync(join(dist, 'endpoints.json'), JSON.stringify(endpoints))
}

test('what is not set comes from the running embedded default', () => {
  embedded('running')
  const settings = readSettings({ USER: 'ada' }, dist)
  expect(temporalOf(settings)).toEqual({ address: '127.0.0.1:7233', namespace: 'shop' })
  expect(ledgerUrlOf(settings)).toBe(endpoints.ledgerUrl)
  expect(fleetFileOf(settings, undefined)).toBe(endpoints.fleet)
  expect(labOf(settings, undefined)).toEqual({ api: 'http://127.70.0.1:8000', token: 'open sesame' })
  expect(settings).toMatchObject({ heartbeatTimeoutMs: 5000, requestedBy: 'ada', embedded: 'running' })
})

test('the environment wins, and another Temporal server has its own namespace and no page of ours', () => {
  embedded('running')
  const env = { TEMPORAL_ADDRESS: 'temporal:7233', CAPSTAN_LEDGER_URL: 'postgres://other@db/ledger', CAPSTAN_FLEET: 'mine.yaml' }
  const settings = readSettings(env, dist)
  expect(settings).toMatchObject({
    temporal: { address: 'temporal:7233', namespace: 'default' },
    temporalUiUrl: null,
    ledgerUrl: 'postgres://other@db/ledger',
  })
  expect(fleetFileOf(settings, 'given.yaml')).toBe('given.yaml')
  expect(fleetFileOf(settings, undefined)).toBe('mine.yaml')
})

test.each(['none', 'stopped'] as const)('with the embedded default %s the way to start is said', (state) => {
  if (state === 'stopped') embedded('stopped')
  const settings = readSettings({}, dist)
  const where = state === 'stopped' ? 'is not running: start it with "npm start"' : 'start the embedded default with "npm start"'
  expect(() => temporalOf(settings)).toThrow(
    expect.objectContaining({ code: 'TEMPORAL_UNREACHABLE', message: expect.stringContaining(where) }),
  )
  expect(() => ledgerUrlOf(settings)).toThrow(
    expect.objectContaining({ code: 'LEDGER_UNREACHABLE', message: expect.stringContaining('CAPSTAN_LEDGER_URL') }),
  )
  expect(() => fleetFileOf(settings, undefined)).toThrow(
    expect.objectContaining({ code: 'FLEET_FILE_MISSING', message: expect.stringContaining('--fleet FILE') }),
  )
})

test('a half-written endpoints file counts as not running', () => {
  embedded('stopped')
  writeFileSync(join(dist, 'endpoints.json'), '{"version":')
  expect(readSettings({}, dist).embedded).toBe('stopped')
})

test('a heartbeat time-out that is no number is refused by name', () => {
  expect(() => readSettings({ CAPSTAN_HEARTBEAT_TIMEOUT_MS: '5s' }, dist)).toThrow('CAPSTAN_HEARTBEAT_TIMEOUT_MS is "5s"')
})

test('the lab’s token is told to the lab it belongs to, and to no other', () => {
  embedded('running')
  const settings = readSettings({}, dist)
  expect(labOf(settings, 'http://127.70.0.1:8000')).toMatchObject({ token: 'open sesame' })
  expect(labOf(settings, 'http://127.80.0.1:8000')).toEqual({ api: 'http://127.80.0.1:8000', token: null })
  expect(labOf(readSettings({ CAPSTAN_LAB_API: 'http://127.80.0.1:8000' }, dist), undefined)).toMatchObject({ token: null })
  const given = readSettings({ CAPSTAN_LAB_TOKEN: 'mine' }, dist)
  expect(labOf(given, 'http://127.80.0.1:8000')).toMatchObject({ token: 'mine' })
})

test('a state folder that is named is the only one that is looked at', () => {
  embedded('running')
  const named = join(dist, 'named')
  expect(readSettings({ CAPSTAN_STATE_DIR: named }, dist)).toMatchObject({ embedded: 'stopped', ledgerUrl: null })
  mkdirSync(named)
  writeFileSync(join(named, 'endpoints.json'), JSON.stringify({ ...endpoints, ledgerUrl: 'postgres://named/ledger' }))
  expect(readSettings({ CAPSTAN_STATE_DIR: named }, dist)).toMatchObject({
    embedded: 'running',
    ledgerUrl: 'postgres://named/ledger',
  })
})

test('a database comes from --url, otherwise from the environment; its password needs no place on the command line', () => {
  const settings = readSettings({ CAPSTAN_DATABASE_URL: 'postgres://u:p@db/shop', PGPASSWORD: 'secret' }, dist)
  expect(databaseOf(settings, undefined)).toEqual({ url: 'postgres://u:p@db/shop', password: 'secret' })
  expect(databaseOf(settings, 'postgres://other@db/shop')).toEqual({ url: 'postgres://other@db/shop', password: 'secret' })
  expect(() => databaseOf(readSettings({}, dist), undefined)).toThrow(
    expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringContaining('CAPSTAN_DATABASE_URL') }),
  )
})

test('colours and stacks are asked for by the usual variables', () => {
  expect(readTerminalSettings({})).toEqual({ debug: false, dumb: false, ci: false, noColour: false, forceColour: false })
  const all = readTerminalSettings({ CAPSTAN_DEBUG: '1', TERM: 'dumb', CI: 'true', NO_COLOR: '1', FORCE_COLOR: '1' })
  expect(all).toEqual({ debug: true, dumb: true, ci: true, noColour: true, forceColour: true })
  expect(readTerminalSettings({ FORCE_COLOR: '0' }).forceColour).toBe(false)
})
