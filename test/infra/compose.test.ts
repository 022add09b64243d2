/** docker-compose.yml keeps the specification and its own promises. What its processes do is proved by native.crash.ts. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Ajv from 'ajv/dist/2020'
import { SEARCH_ATTRIBUTES, TASK_QUEUES } from '../../contracts/messages'
import { type Compose, composeText, durationMs, isJob, isWorker, ROOT, readCompose, type Service } from './compose'

const compose = readCompose()
const services = Object.entries(compose.services)
const workers = services.filter(([name]) => isWorker(name))

function findings(document: unknown): string[] {
  const schema = JSON.parse(readFileSync(join(__dirname, 'vendor/compose-spec.json'), 'utf8')) as object
  // The schema has formats and keywords of Go's own that say nothing about the shape.
  const validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(schema)
  return validate(document) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

function service(name: string): Service {
  const found = compose.services[name]
  if (found === undefined) throw new Error(`no service ${name}`)
  return found
}

const holders = (secret: string): string[] => services.filter(([, s]) => s.secrets?.includes(secret)).map(([name]) => name)

test('the file is what the Compose Specification allows', () => {
  expect(findings(compose)).toEqual([])
})

test.each([
  ['a misspelled key', 'restart: unless-stopped', 'restrat: unless-stopped', /temporal-db must NOT have unevaluated properties/],
  ['a value of the wrong kind', 'init: true', 'init: [yes]', /init must be boolean,string/],
  ['a condition that does not exist', 'condition: service_healthy', 'condition: healthy', /condition must be equal to one of/],
])('%s is found', (_what, right, wrong, finding) => {
  expect(findings(readCompose(composeText().replace(right, wrong))).join('\n')).toMatch(finding)
})

test.each(services)('%s runs as nobody in particular, read-only, without rights to gain, and within limits', (_name, s) => {
  expect(s).toMatchObject({ read_only: true, init: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
  expect(s.user).toMatch(/^[1-9]\d*:[1-9]\d*$/)
  expect(Object.keys(s.deploy?.resources.limits ?? {}).sort()).toEqual(['cpus', 'memory', 'pids'])
  expect(s.logging?.options).toEqual({ 'max-size': expect.any(String), 'max-file': expect.any(String) })
})

test.each(services)('%s stops in good time and comes back as it should', (_name, s) => {
  if (s.profiles?.includes('cli')) return expect(s.restart).toBeUndefined()
  expect(s.restart).toMatch(isJob(s) ? /^on-failure:\d+$/ : /^unless-stopped$/)
  expect(durationMs(s.stop_grace_period ?? '0s')).toBeGreaterThanOrEqual(10_000)
})

test.each(services)('the image of %s is pinned to an exact version', (_name, { image }) => {
  expect(image).toMatch(/:\d+\.\d+(\.\d+)?$/)
})

test('no secret is written down: what holds one is a file', () => {
  for (const [, { environment = {} }] of services) {
    for (const [name, value] of Object.entries(environment)) {
      expect(`${name}=${value}`).not.toMatch(/:\/\/[^/]*:[^/]*@/)
      if (/PASSWORD|SECRET|TOKEN|API_KEY|_URL|CREDENTIALS|PWD/.test(name)) {
        // Google's own variable names a file.
        expect(name).toMatch(/_FILE$|^CAPSTAN_SECRETS_FOLDER$|^GOOGLE_APPLICATION_CREDENTIALS$/)
        expect(value).toMatch(/^\/run\/(secrets|databases)/)
      }
    }
  }
  for (const { file } of Object.values(compose.secrets)) expect(file).toMatch(/^\.\/secrets\//)
})

test('the secrets are in neither git nor the image', () => {
  expect(readFileSync(join(ROOT, '.gitignore'), 'utf8').split('\n')).toContain('/secrets/')
  expect(readFileSync(join(ROOT, '.dockerignore'), 'utf8')).not.toMatch(/^!\S*secrets/m)
})

test('every secret, configuration, network and volume that is named exists, and none is left over', () => {
  const named = (pick: (s: Service) => readonly string[]) => [...new Set(services.flatMap(([, s]) => pick(s)))].sort()
  const declared = (kind: keyof Compose) => Object.keys(compose[kind]).sort()
  expect(named((s) => s.secrets ?? [])).toEqual(declared('secrets'))
  expect(named((s) => (s.configs ?? []).map(({ source }) => source))).toEqual(declared('configs'))
  expect(named((s) => s.networks)).toEqual(declared('networks'))
  const volumes = (s: Service) => (s.volumes ?? []).filter((v) => typeof v === 'string').map((v) => v.split(':')[0] ?? '')
  expect(named(volumes)).toEqual(declared('volumes'))
  for (const { file } of Object.values(compose.configs)) expect(existsSync(join(ROOT, file))).toBe(true)
})

test('a secret that is named in the environment is one that the service has', () => {
  for (const [, { environment = {}, entrypoint = [], secrets = [] }] of services) {
    const mentioned = [...Object.values(environment), ...entrypoint].flatMap(
      (text) => text.match(/\/run\/secrets\/[\w-]+/g) ?? [],
    )
    expect([...new Set(mentioned)].sort()).toEqual([...secrets].map((name) => `/run/secrets/${name}`).sort())
  }
})

test('each task queue has one worker, and each worker one queue', () => {
  const served = workers.map(([name, { environment }]) => [name, environment?.CAPSTAN_TASK_QUEUES])
  expect(served.sort()).toEqual(
    Object.values(TASK_QUEUES)
      .map((queue) => [`worker-${queue}`, queue])
      .sort(),
  )
})

test("each worker has only its own queue's credentials", () => {
  expect(holders('aws-credentials')).toEqual(['worker-aws'])
  expect(holders('azure-certificate')).toEqual(['worker-azure'])
  expect(holders('gcp-key')).toEqual(['worker-gcp'])
  expect(holders('secret-key').sort()).toEqual(['worker-aws', 'worker-azure', 'worker-gcp', 'worker-postgres'])
  expect(holders('ledger-owner-password')).toEqual(['ledger-db'])
  expect(holders('ledger-owner-url')).toEqual(['ledger-schema'])
  const reads = (folder: string) =>
    services.filter(([, s]) => JSON.stringify(s.volumes ?? []).includes(folder)).map(([name]) => name)
  expect(reads('/run/databases')).toEqual(['worker-postgres'])
  for (const [name, { environment = {} }] of services) {
    const clouds = { 'worker-aws': /^AWS_/, 'worker-azure': /^AZURE_/, 'worker-gcp': /^GOOGLE_/ }
    for (const [owner, own] of Object.entries(clouds)) {
      if (name !== owner) expect(Object.keys(environment).filter((key) => own.test(key))).toEqual([])
    }
  }
})

test('only what has to leave can leave, and databases are seen by their own alone', () => {
  const leaves = ({ networks }: Service) => networks.some((name) => compose.networks[name]?.internal !== true)
  const clouds = ['worker-aws', 'worker-azure', 'worker-gcp']
  expect(services.filter(([, s]) => leaves(s)).map(([name]) => name)).toEqual(['temporal-ui', 'worker-postgres', ...clouds])
  const on = (network: string) => services.filter(([, s]) => s.networks.includes(network)).map(([name]) => name)
  expect(on('temporal-db')).toEqual(['temporal-db', 'temporal-schema', 'temporal'])
  expect(on('ledger')).toEqual(['ledger-db', 'ledger-schema', ...workers.map(([name]) => name), 'capstan'])
  expect(on('databases')).toEqual(['worker-postgres'])
  for (const cloud of ['aws', 'azure', 'gcp']) expect(on(cloud)).toEqual([`worker-${cloud}`])
})

test('the only port that is published is that of the interface, on loopback, and it changes nothing', () => {
  expect(services.filter(([, { ports }]) => ports !== undefined).map(([name]) => name)).toEqual(['temporal-ui'])
  expect(service('temporal-ui').ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)])
  expect(service('temporal-ui').environment?.TEMPORAL_DISABLE_WRITE_ACTIONS).toBe('true')
})

test('whoever waits for health waits for a service that reports it, and whoever waits for an end for a job', () => {
  for (const [, { depends_on = {} }] of services) {
    for (const [name, { condition }] of Object.entries(depends_on)) {
      if (condition === 'service_healthy') expect(service(name).healthcheck).toBeDefined()
      else expect([condition, isJob(service(name))]).toEqual(['service_completed_successfully', true])
    }
  }
})

test('workers start after the schema job and the namespace, and report their health', () => {
  for (const [, { depends_on = {}, healthcheck }] of workers) {
    expect(Object.keys(depends_on).sort()).toEqual(['ledger-schema', 'temporal-namespace'])
    expect(healthcheck?.test).toEqual(['CMD', 'node', '/app/dist/workers/health-check.js'])
  }
})

test('a worker is given longer to stop than it takes at most', () => {
  for (const [, { environment, stop_grace_period = '0s' }] of workers) {
    const graceMs = Number(environment?.CAPSTAN_SHUTDOWN_GRACE_MS)
    expect(durationMs(stop_grace_period)).toBeGreaterThanOrEqual(graceMs + 5_000)
  }
})

test('the search attributes that the namespace gets are those of operations', () => {
  const script = readFileSync(join(ROOT, 'infra/temporal/namespace.sh'), 'utf8')
  const listed = /^for attribute in ([^;]*); do$/m.exec(script)?.[1]?.split(' ') ?? []
  expect(listed.sort()).toEqual(Object.values(SEARCH_ATTRIBUTES).sort())
})
