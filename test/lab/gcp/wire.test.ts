/** The API as other clients speak it, and what it says to what it cannot understand: Google's own errors, and an unchanged state. */
import { type GcpLab, openGcp, PASSWORD, PROJECT, type RawAnswer } from './fixture'

let gcp: GcpLab
beforeAll(async () => {
  gcp = await openGcp()
  const { body } = await gcp.raw('POST', 'instances', minimal('shop'))
  await gcp.done(body.name)
})
afterAll(() => gcp.lab.remove())

function minimal(name: string, settings: object = {}, more: object = {}): object {
  return {
    name,
    databaseVersion: 'POSTGRES_15',
    rootPassword: PASSWORD,
    settings: { tier: 'db-custom-1-3840', ...settings },
    ...more,
  }
}

function expectRefusal({ status, body }: RawAnswer, code: number, reason: string, message: string): void {
  expect({ status, code: body.error.code, errors: body.error.errors }).toMatchObject({
    status: code,
    code,
    errors: [{ reason, domain: 'global', message: expect.stringContaining(message) }],
  })
  expect(body.error.status).toMatch(/^[A-Z_]+$/)
}

const shown = async () => JSON.stringify((await gcp.raw('GET', 'instances')).body)

test('an instance is shown with names of enumerations, integers of 64 bits as strings, and nothing that is not there', async () => {
  const { body } = await gcp.raw('GET', 'instances/shop')
  expect(body).toMatchObject({
    kind: 'sql#instance',
    state: 'RUNNABLE',
    databaseVersion: 'POSTGRES_15',
    backendType: 'SECOND_GEN',
    instanceType: 'CLOUD_SQL_INSTANCE',
    region: 'us-central1',
    selfLink: `https://sqladmin.googleapis.com/sql/v1beta4/projects/${PROJECT}/instances/shop`,
    settings: {
      kind: 'sql#settings',
      settingsVersion: '1',
      dataDiskSizeGb: '10',
      edition: 'ENTERPRISE',
      availabilityType: 'ZONAL',
      activationPolicy: 'ALWAYS',
      ipConfiguration: { ipv4Enabled: true },
      backupConfiguration: { enabled: false, transactionLogRetentionDays: 7 },
    },
  })
  expect(body).not.toHaveProperty('rootPassword')
  expect(body).not.toHaveProperty('masterInstanceName')
})

test('the same call answers numbers of enumerations when its caller asks for them', async () => {
  const numbers = await gcp.raw('GET', `/v1/projects/${PROJECT}/instances/shop?$alt=json%3Benum-encoding=int`)
  expect(numbers.body).toMatchObject({ state: 1, databaseVersion: 172, settings: { activationPolicy: 1, edition: 2 } })
  const names = await gcp.raw('GET', `/v1/projects/${PROJECT}/instances/shop?alt=json&prettyPrint=false`)
  expect(names.body).toMatchObject({ state: 'RUNNABLE', databaseVersion: 'POSTGRES_15' })
})

test('numbers of enumerations, snake case and integers without quotes are understood as well', async () => {
  const settings = { activation_policy: 1, data_disk_size_gb: 12, user_labels: { team: 'a' } }
  const { status, body } = await gcp.raw('PATCH', 'instances/shop', { settings })
  expect(status).toBe(200)
  expect(body).toMatchObject({ kind: 'sql#operation', operationType: 'UPDATE', status: 'PENDING' })
  await gcp.done(body.name)
  expect((await gcp.raw('GET', 'instances/shop')).body.settings).toMatchObject({
    dataDiskSizeGb: '12',
    userLabels: { team: 'a' },
  })
})

test('a patch takes a label away by null, as gcloud does, and a list by an empty one', async () => {
  const flags = [{ name: 'work_mem', value: '8192' }]
  const first = await gcp.raw('PATCH', 'instances/shop', { settings: { userLabels: { a: '1', b: '2' }, databaseFlags: flags } })
  await gcp.done(first.body.name)
  const second = await gcp.raw('PATCH', 'instances/shop', { settings: { userLabels: { a: null }, databaseFlags: [] } })
  await gcp.done(second.body.name)
  const { settings } = (await gcp.raw('GET', 'instances/shop')).body
  expect(settings).toMatchObject({ userLabels: { team: 'a', b: '2' }, databaseFlags: [] })
  expect(settings.userLabels).not.toHaveProperty('a')
})

test('a call without a body is understood with an empty one, with none, and with the two quotes of the Node client', async () => {
  for (const body of [undefined, '', '""', '{}']) {
    const { status, body: operation } = await gcp.raw('POST', 'instances/shop/restart', body)
    expect(status).toBe(200)
    await gcp.done(operation.name)
  }
})

test.each<[string, string, string, unknown, string]>([
  ['malformed JSON', 'POST', 'instances', '{"name": ', 'Invalid JSON payload received.'],
  [
    'a name that is unknown',
    'POST',
    'instances',
    minimal('x', {}, { nmae: 'y' }),
    `Unknown name "nmae" at 'body': Cannot find field.`,
  ],
  ['one further inside', 'PATCH', 'instances/shop', { settings: { teir: 'x' } }, `Unknown name "teir" at 'body.settings'`],
  [
    'a word that is no enumeration',
    'POST',
    'instances',
    minimal('x', {}, { databaseVersion: 'POSTGRES_99' }),
    `Invalid value at 'body.database_version' (type.googleapis.com/google.cloud.sql.v1.SqlDatabaseVersion), "POSTGRES_99"`,
  ],
  [
    'a number that is none',
    'PATCH',
    'instances/shop',
    { settings: { activationPolicy: 77 } },
    `Invalid value at 'body.settings.activation_policy'`,
  ],
  [
    'a text for a number',
    'PATCH',
    'instances/shop',
    { settings: { dataDiskSizeGb: 'much' } },
    `Invalid value at 'body.settings.data_disk_size_gb' (TYPE_INT64), "much"`,
  ],
  ['a text for a truth', 'PATCH', 'instances/shop', { settings: { storageAutoResize: 'yes' } }, `(TYPE_BOOL), "yes"`],
  ['a list for a message', 'PATCH', 'instances/shop', { settings: [] }, `Invalid value at 'body.settings'`],
  [
    'a message for a list',
    'PATCH',
    'instances/shop',
    { settings: { databaseFlags: {} } },
    `Invalid value at 'body.settings.database_flags'`,
  ],
  ['no message at all', 'PATCH', 'instances/shop', '[1]', `Invalid value at 'body'`],
  [
    'a query that is unknown',
    'GET',
    'instances?maxResult=3',
    undefined,
    'Unknown name "maxResult": Cannot bind query parameter.',
  ],
  [
    'a query of another kind',
    'GET',
    'instances?maxResults=many',
    undefined,
    `Invalid value at 'max_results' (TYPE_UINT32), "many"`,
  ],
  ['a depth without end', 'PATCH', 'instances/shop', `${'['.repeat(5_000)}${']'.repeat(5_000)}`, 'Message too deep'],
])('%s is refused as badRequest, naming what is wrong, and nothing is changed', async (_, method, path, body, message) => {
  const before = await shown()
  expectRefusal(await gcp.raw(method, path, body), 400, 'badRequest', message)
  expect(await shown()).toBe(before)
})

test('all that is wrong with a request is said at once', async () => {
  const { body } = await gcp.raw('PATCH', 'instances/shop', { settings: { teir: 1, dataDiskSizeGb: 'x' }, state: 'WELL' })
  expect(body.error.details[0]!.fieldViolations).toHaveLength(3)
})

test.each<[string, string, string, unknown, number, string, string]>([
  ['a bad name', 'POST', 'instances', minimal('Shop_1'), 400, 'invalid', 'instance name (Shop_1)'],
  [
    'no name',
    'POST',
    'instances',
    { settings: { tier: 'db-f1-micro' }, databaseVersion: 'POSTGRES_15' },
    400,
    'required',
    'name',
  ],
  ['a name that is taken', 'POST', 'instances', minimal('shop'), 409, 'instanceAlreadyExists', 'already exists'],
  ['another engine', 'POST', 'instances', minimal('x', {}, { databaseVersion: 'MYSQL_8_0' }), 400, 'invalid', 'MYSQL_8_0'],
  ['a bad region', 'POST', 'instances', minimal('x', {}, { region: 'Moon' }), 400, 'invalid', 'Moon'],
  ['no tier', 'POST', 'instances', minimal('x', { tier: '' }), 400, 'invalid', 'settings.tier'],
  [
    'a tier that is none',
    'POST',
    'instances',
    minimal('x', { tier: 'db-huge' }),
    400,
    'invalid',
    'Invalid Tier (db-huge) for (ENTERPRISE)',
  ],
  [
    'a custom tier in the edition that 17 has by default',
    'POST',
    'instances',
    minimal('x', {}, { databaseVersion: 'POSTGRES_17' }),
    400,
    'invalid',
    'Invalid Tier (db-custom-1-3840) for (ENTERPRISE_PLUS) Edition. Use a predefined Tier like db-perf-optimized-N-* instead',
  ],
  ['a disk that shrinks', 'PATCH', 'instances/shop', { settings: { dataDiskSizeGb: '10' } }, 400, 'invalid', 'decreased'],
  [
    'a disk that is too large',
    'PATCH',
    'instances/shop',
    { settings: { dataDiskSizeGb: '9007199254740993' } },
    400,
    'invalid',
    'disk size',
  ],
  [
    'an unknown flag',
    'PATCH',
    'instances/shop',
    { settings: { databaseFlags: [{ name: 'fsync', value: 'off' }] } },
    400,
    'invalidFlagName',
    'Flag requested cannot be set',
  ],
  ['a flag without a name', 'PATCH', 'instances/shop', { settings: { databaseFlags: [{}] } }, 400, 'invalidFlagName', ''],
  [
    'a flag out of range',
    'PATCH',
    'instances/shop',
    { settings: { databaseFlags: [{ name: 'max_connections', value: '0' }] } },
    400,
    'invalidFlagValue',
    'Value requested is not valid.',
  ],
  [
    'a flag with a line break',
    'PATCH',
    'instances/shop',
    { settings: { databaseFlags: [{ name: 'log_line_prefix', value: "'\nfsync = off" }] } },
    400,
    'invalidFlagValue',
    '',
  ],
  [
    'a bad label',
    'PATCH',
    'instances/shop',
    { settings: { userLabels: { 'capstan:operation': 'x' } } },
    400,
    'invalid',
    'Invalid user label',
  ],
  [
    'a label of an object’s own',
    'PATCH',
    'instances/shop',
    '{"settings": {"userLabels": {"__proto__": "x"}}}',
    400,
    'invalid',
    'Invalid user label',
  ],
  [
    'a network that is none',
    'PATCH',
    'instances/shop',
    { settings: { ipConfiguration: { authorizedNetworks: [{ value: '1.2.3.4/33' }] } } },
    400,
    'invalid',
    'Invalid authorized network',
  ],
  [
    'a private network',
    'PATCH',
    'instances/shop',
    { settings: { ipConfiguration: { authorizedNetworks: [{ value: '10.0.0.0/8' }] } } },
    400,
    'invalid',
    'Non-routable or private authorized network (10.0.0.0/8)',
  ],
  [
    'no connection at all',
    'PATCH',
    'instances/shop',
    { settings: { ipConfiguration: { ipv4Enabled: false } } },
    400,
    'invalid',
    'At least one of Public IP',
  ],
  [
    'too many days of log',
    'PATCH',
    'instances/shop',
    { settings: { backupConfiguration: { transactionLogRetentionDays: 8 } } },
    400,
    'invalid',
    'The number of transaction log retention days must be between 1 and 7',
  ],
  [
    'recovery without backups',
    'PATCH',
    'instances/shop',
    { settings: { backupConfiguration: { pointInTimeRecoveryEnabled: true } } },
    400,
    'invalid',
    'automated backups',
  ],
  [
    'another version',
    'PATCH',
    'instances/shop',
    { databaseVersion: 'POSTGRES_17' },
    400,
    'invalid',
    'databaseVersion cannot be changed',
  ],
  [
    'a stale version',
    'PATCH',
    'instances/shop',
    { settings: { settingsVersion: '99' } },
    412,
    'staleData',
    'Condition does not match.',
  ],
  ['an instance that is not there', 'GET', 'instances/none', undefined, 404, 'instanceDoesNotExist', 'does not exist'],
  ['one called as an object’s own', 'GET', 'instances/__proto__', undefined, 404, 'instanceDoesNotExist', 'does not exist'],
  ['another project', 'GET', '/v1/projects/other/instances', undefined, 403, 'notAuthorized', 'not authorized'],
  ['an unknown path', 'GET', `/v1/projects/${PROJECT}/clusters`, undefined, 404, 'notFound', 'Method not found'],
  ['an unknown verb', 'PUT', 'instances', {}, 404, 'notFound', 'Method not found'],
  ['a call that this lab does not have', 'POST', 'instances/shop/reencrypt', {}, 501, 'notImplemented', 'instances.reencrypt'],
  ['a user without a name', 'POST', 'instances/shop/users', { password: 'x' }, 400, 'required', 'name'],
  ['a user of the cloud', 'POST', 'instances/shop/users', { name: 'cloudsqladmin', password: 'x' }, 400, 'invalid', 'reserved'],
  [
    'a user of another kind',
    'POST',
    'instances/shop/users',
    { name: 'x', type: 'CLOUD_IAM_USER' },
    400,
    'invalid',
    'CLOUD_IAM_USER',
  ],
  ['a database of the cloud', 'POST', 'instances/shop/databases', { name: 'cloudsqladmin' }, 400, 'invalid', 'reserved'],
  ['a name with a null', 'POST', 'instances/shop/databases', { name: 'a\u0000b' }, 400, 'invalid', 'Invalid database name'],
  ['another character set', 'POST', 'instances/shop/databases', { name: 'x', charset: 'LATIN1' }, 400, 'invalid', 'LATIN1'],
])('%s is refused by its own reason, and nothing is changed', async (_, method, path, body, status, reason, message) => {
  const before = await shown()
  expectRefusal(await gcp.raw(method, path, body), status, reason, message)
  expect(await shown()).toBe(before)
})

test('a caller without the token, or with another one, is told so, and what it did is in no record', async () => {
  const { body: before } = await gcp.lab.call('GET', '/_lab/calls')
  expectRefusal(
    await gcp.raw('GET', 'instances', undefined, { authorization: 'Bearer other' }),
    401,
    'authError',
    'invalid authentication',
  )
  const bare = await fetch(`${gcp.lab.lab.api}/v1/projects/${PROJECT}/instances`)
  expect(bare.status).toBe(401)
  expect(await bare.json()).toMatchObject({ error: { code: 401, status: 'UNAUTHENTICATED' } })
  expect((await gcp.lab.call('GET', '/_lab/calls')).body.last).toBe(before.last)
})

test('a body beyond the limit is refused before it is read', async () => {
  const before = await shown()
  const answer = await gcp.raw('POST', 'instances', JSON.stringify({ name: 'x'.repeat(5_000_000) }))
  expectRefusal(answer, 400, 'badRequest', 'Request payload size exceeds the limit: 4194304 bytes.')
  expect(await shown()).toBe(before)
})

test('passwords are neither kept nor recorded', async () => {
  const { readFileSync } = await import('node:fs')
  const { join } = await import('node:path')
  for (const file of ['lab.json', 'calls.jsonl']) {
    expect(readFileSync(join(gcp.lab.stateDir, file), 'utf8')).not.toContain(PASSWORD)
  }
})
