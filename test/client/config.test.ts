import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fleetFileOf, labApiOf, ledgerUrlOf, readSettings, temporalOf } from '../../client/config'

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
  expect(labApiOf(settings, undefined)).toBe('http://127.70.0.1:8000')
  expect(settings).toMatchObject({ heartbeatTimeoutMs: 5000, requestedBy: 'ada', embedded: 'running', debug: false })
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
