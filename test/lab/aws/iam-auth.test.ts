import { EventEmitter } from 'node:events'
import { connect as tcp } from 'node:net'
import { type ConnectionOptions, connect as tls } from 'node:tls'
import type { DBInstance } from '@aws-sdk/client-rds'
import type { AccessKey } from '../../../lab/credentials'
import {
  ask,
  available,
  connect,
  createInstance,
  eventually,
  gone,
  openLab,
  PASSWORD,
  placeOf,
  refused,
  type TestLab,
} from '../fixture'
import { arnOf, deploymentsOf, idOf, nameIn } from './blue-green-fixture'
import { iamOf, PAM, ROLES, type Wish } from './iam-fixture'

let lab: TestLab
/** Of PostgreSQL 17 and 15. */
let shop: DBInstance
let old: DBInstance
const { authority, careful, tokenFor, enter, byToken } = iamOf(() => ({
  client: lab.client,
  credentials: lab.lab.credentials.aws,
  certificateFile: lab.lab.certificateFile,
}))

/** What the driver keeps of a session without its types saying so. */
function connectionOf(client: object): EventEmitter {
  if ('connection' in client && client.connection instanceof EventEmitter) return client.connection
  throw new Error('The driver has changed.')
}
/** By which the session is cancelled. */
function keyOf(client: object): { processID: number; secretKey: number } {
  const { processID, secretKey } = { processID: undefined, secretKey: undefined, ...client }
  if (typeof processID === 'number' && typeof secretKey === 'number') return { processID, secretKey }
  throw new Error('The driver has changed.')
}

beforeAll(async () => {
  lab = await openLab()
  await lab.call('PUT', '/_lab/profile', { profile: 'instant' })
  const wanted = { EnableIAMDatabaseAuthentication: true, BackupRetentionPeriod: 0 }
  ;[shop, old] = await Promise.all([
    createInstance(lab, 'shop', { ...wanted, EngineVersion: '17' }),
    createInstance(lab, 'old', { ...wanted, EngineVersion: '15' }),
  ])
  await ask(lab, shop, ROLES)
  await ask(lab, old, ROLES)
})
afterAll(() => lab.remove())

describe('a role in rds_iam', () => {
  test('logs in over TLS with a token, from its own address, to either version', async () => {
    for (const instance of [shop, old]) {
      expect(instance.IAMDatabaseAuthenticationEnabled).toBe(true)
      expect(await byToken(instance, 'app')).toBe(`app from ${lab.client}, TLS t`)
      expect(await byToken(instance, 'worker')).toBe(`worker from ${lab.client}, TLS t`)
    }
  })

  test('may have any name, and be a member by another role', async () => {
    const user = "it's, CN=app"
    expect(await byToken(shop, user)).toBe(`${user} from ${lab.client}, TLS t`)
  })

  test('is refused a token for another user, host, port or region, and one of an unknown or wrong key', async () => {
    const { accessKeyId, secretAccessKey } = lab.lab.credentials.aws
    const wrong: Wish[] = [
      { hostname: placeOf(old).host },
      { port: 1 },
      { region: 'eu-west-1' },
      { credentials: { accessKeyId: 'LABNOBODY', secretAccessKey } },
      { credentials: { accessKeyId, secretAccessKey: 'wrong' } },
    ]
    for (const wish of wrong) await expect(byToken(shop, 'app', wish)).rejects.toMatchObject(PAM('app'))
    const another = { user: 'app', password: await tokenFor(shop, 'worker'), ...careful() }
    await expect(enter(shop, another)).rejects.toMatchObject(PAM('app'))
    const said = lab.lines.filter((line) => line.includes('the token of "app" is refused'))
    const why = ['another endpoint', 'region eu-west-1', 'nobody has its access key', 'signature is not right', 'another user']
    for (const reason of why) expect(said.some((line) => line.includes(reason))).toBe(true)
    expect(lab.lines.join()).not.toContain('X-Amz-Signature')
  })

  test('is refused its password, and whatever is no token', async () => {
    for (const password of ['a password of its own', '', 'x'.repeat(60_000), 'host:1/?Action=connect', '%/?%=%&%']) {
      await expect(enter(shop, { user: 'worker', password, ...careful() })).rejects.toMatchObject(PAM('worker'))
    }
  })

  test('is refused without TLS, whatever it has', async () => {
    for (const password of [await tokenFor(shop, 'worker'), 'a password of its own']) {
      await expect(enter(shop, { user: 'worker', password })).rejects.toMatchObject({
        code: '28000',
        message: expect.stringMatching(/^pg_hba.conf rejects connection for host .*no encryption$/),
      })
    }
  })

  test('is refused at the place of the server itself, which customers are not told, without a certificate of the lab', async () => {
    const [inner] = await ask<{ host: string }>(lab, shop, "SELECT current_setting('listen_addresses') AS host")
    expect(inner!.host).not.toBe(placeOf(shop).host)
    for (const password of [await tokenFor(shop, 'worker'), 'a password of its own']) {
      const direct = { host: inner!.host, user: 'worker', password }
      await expect(enter(shop, { ...direct, ...careful() })).rejects.toMatchObject({ code: '28000' })
      await expect(enter(shop, direct)).rejects.toMatchObject({ code: '28000' })
      await expect(enter(shop, { ...direct, host: lab.client })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    }
  })

  test('counts as one from the grant on, and not after it was revoked', async () => {
    const passing = { user: 'passing', password: 'passing', ...careful() }
    await ask(lab, shop, "CREATE ROLE passing LOGIN PASSWORD 'passing'")
    expect(await enter(shop, passing)).toContain('passing')
    await ask(lab, shop, 'GRANT rds_iam TO passing')
    await expect(enter(shop, passing)).rejects.toMatchObject(PAM('passing'))
    expect(await byToken(shop, 'passing')).toContain('passing')
    await ask(lab, shop, 'REVOKE rds_iam FROM passing')
    expect(await enter(shop, passing)).toContain('passing')
    await expect(byToken(shop, 'passing')).rejects.toMatchObject({ code: '28P01' })
  })
})

describe('an identity', () => {
  const identity = async (name: string, statements: object[]): Promise<AccessKey> => {
    const policies = [{ Version: '2012-10-17', Statement: statements }]
    const { status, body } = await lab.call('PUT', `/_lab/identities/${name}`, { cloud: 'aws', policies })
    expect({ status, body }).toMatchObject({ status: 200 })
    return body.credentials as AccessKey
  }
  const arn = (user: string, resource = shop.DbiResourceId!, region = 'us-east-1') =>
    `arn:aws:rds-db:${region}:000000000000:dbuser:${resource}/${user}`
  const allow = (Resource: string) => ({ Effect: 'Allow', Action: 'rds-db:connect', Resource })

  test('connects as whom its policy names, and as nobody else', async () => {
    const credentials = await identity('app-only', [allow(arn('app'))])
    expect(await byToken(shop, 'app', { credentials })).toContain('app')
    await expect(byToken(shop, 'worker', { credentials })).rejects.toMatchObject(PAM('worker'))
    await expect(byToken(old, 'app', { credentials })).rejects.toMatchObject(PAM('app'))
    await lab.call('DELETE', '/_lab/identities/app-only')
    await expect(byToken(shop, 'app', { credentials })).rejects.toMatchObject(PAM('app'))
  })

  test.each([
    ['another region', () => [allow(arn('*', '*', 'eu-west-1'))]],
    ['another action', () => [{ Effect: 'Allow', Action: 'rds:*', Resource: '*' }]],
    ['a statement that denies', () => [allow('*'), { ...allow(arn('app')), Effect: 'Deny' }]],
    ['nothing', () => []],
  ])('whose policy has %s does not', async (_what, statements) => {
    const credentials = await identity('forbidden', statements())
    await expect(byToken(shop, 'app', { credentials })).rejects.toMatchObject(PAM('app'))
  })

  test('may be allowed all users of all instances', async () => {
    const credentials = await identity('everybody', [allow(arn('*', '*'))])
    expect(await byToken(shop, 'app', { credentials })).toContain('app')
    expect(await byToken(old, 'worker', { credentials })).toContain('worker')
  })
})

describe('everybody else', () => {
  const plain = { user: 'plain', password: 'plain' }

  test('logs in with a password as before, with and without TLS', async () => {
    for (const instance of [shop, old]) {
      expect(await enter(instance, plain)).toBe(`plain from ${lab.client}, TLS f`)
      expect(await enter(instance, { ...plain, ...careful() })).toBe(`plain from ${lab.client}, TLS t`)
      expect(await enter(instance, careful())).toBe(`boss from ${lab.client}, TLS t`)
      await expect(enter(instance, { ...plain, password: 'wrong', ...careful() })).rejects.toMatchObject({ code: '28P01' })
    }
  })

  test('has channel binding from end to end', async () => {
    const { Client } = await import('pg')
    for (const instance of [shop, old]) {
      await lab.call('PUT', '/_lab/security-groups/sg-tests', { cidrs: [`${lab.block}.2/32`, '127.0.0.1/32'] })
      const client = new Client({ ...placeOf(instance), database: 'shop', ...plain, ...careful(), enableChannelBinding: true })
      const offered: string[][] = []
      connectionOf(client).on('authenticationSASL', ({ mechanisms }: { mechanisms: string[] }) => offered.push(mechanisms))
      await client.connect()
      await client.end()
      expect(offered).toEqual([['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256']])
    }
    await lab.call('PUT', '/_lab/security-groups/sg-tests', { cidrs: [`${lab.block}.2/32`] })
  })

  test('is held to the network rules, whatever it would log in with', async () => {
    const outside = `${lab.block}.3`
    const app = { user: 'app', password: await tokenFor(shop, 'app'), ...careful() }
    for (const config of [plain, { ...plain, ...careful() }, app]) {
      await expect(enter(shop, config, outside)).rejects.toMatchObject({
        code: '28000',
        message: expect.stringContaining(`no pg_hba.conf entry for host "${outside}"`),
      })
    }
    for (const config of [careful(), {}]) {
      await expect(enter(shop, { ...config, user: 'rdsadmin' })).rejects.toMatchObject({ code: '28000' })
    }
  })

  test('moves much at once, both ways, and is cut off by none of it', async () => {
    const client = await connect(lab.client, { ...placeOf(shop), ...plain, ...careful() })
    const { rows } = await client.query<{ bytes: number }>("SELECT length($1::text) AS bytes, repeat('y', 30000000) AS all", [
      'x'.repeat(30_000_000),
    ])
    expect(rows[0]!.bytes).toBe(30_000_000)
    await client.end()
  })

  test('comes in crowds', async () => {
    const token = await tokenFor(shop, 'app')
    const who = Array.from({ length: 30 }, (_, n) => (n % 2 ? { user: 'app', password: token } : plain))
    const entered = await Promise.all(who.map((config) => enter(shop, { ...config, ...careful() })))
    expect(entered.filter((text) => text.startsWith('app'))).toHaveLength(15)
  })

  test('cancels what it has begun', async () => {
    const client = await connect(lab.client, { ...placeOf(shop), ...plain, ...careful() })
    const { processID, secretKey } = keyOf(client)
    const sleeping = client.query('SELECT pg_sleep(600)')
    const request = Buffer.alloc(16)
    for (const [at, value] of [16, 80_877_102, processID].entries()) request.writeUInt32BE(value, at * 4)
    request.writeInt32BE(secretKey, 12)
    const [outcome] = await Promise.allSettled([
      sleeping,
      eventually(async () => {
        tcp({ ...placeOf(shop), localAddress: lab.client }).end(request)
        return ((await client.query('SELECT 1').catch(() => undefined)) as object | undefined) && true
      }),
    ])
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: '57014' } })
    await client.end()
  })

  test('may begin with TLS at once, where PostgreSQL knows that', async () => {
    const startup = Buffer.from('\0\0\0\0\0\x03\0\0user\0plain\0database\0shop\0\0')
    startup.writeUInt32BE(startup.length)
    const begin = async (instance: DBInstance, ALPNProtocols: string[]) => {
      const from: ConnectionOptions & { localAddress: string } = { ...placeOf(instance), localAddress: lab.client }
      const socket = tls({ ...from, ca: authority(), ALPNProtocols })
      const said = new Promise<string>((resolve) => {
        socket.once('data', (data) => resolve(data.toString('latin1', 0, 1)))
        socket.on('error', () => resolve('')).once('close', () => resolve(''))
      })
      socket.write(startup)
      return said.finally(() => socket.destroy())
    }
    expect(await begin(shop, ['postgresql'])).toBe('R')
    expect(await begin(shop, ['http/1.1'])).toBe('')
    expect(await begin(shop, [])).toBe('')
    expect(await begin(old, ['postgresql'])).toBe('')
  })
})

test('garbage at the port ends that connection, and nothing else', async () => {
  const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])
  const garbage = [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.alloc(20_000, 0xff),
    Buffer.from([0, 0, 0, 4]),
    Buffer.from([0, 0, 0, 0]),
    Buffer.from([0, 0, 0x27, 0x11, 0, 3, 0, 0]),
    Buffer.from([0, 0, 0, 12, 0, 3, 0, 0, 0x75, 0x73, 0x65, 0x72]),
    Buffer.from([0, 0, 0, 8, 0x12, 0x34, 0x56, 0x78]),
    Buffer.from([0x16, 3, 1, 0xff, 0xff, ...Buffer.alloc(500, 7)]),
    Buffer.concat([sslRequest, Buffer.from('and more at once')]),
    Buffer.concat([sslRequest, sslRequest]),
    Buffer.from([0]),
    Buffer.alloc(0),
  ]
  const ends = (bytes: Buffer, then?: Buffer) =>
    new Promise<void>((resolve) => {
      const socket = tcp({ ...placeOf(shop), localAddress: lab.client }, () => socket.write(bytes))
      socket.once('data', () => (then ? socket.write(then) : socket.end()))
      socket.on('error', () => {}).once('close', () => resolve())
      // whoever says too little is waited for by PostgreSQL itself
      if (bytes.length < 4) socket.end()
    })
  for (const bytes of garbage) await ends(bytes)
  await ends(sslRequest, Buffer.alloc(500, 7))
  expect(await byToken(shop, 'app')).toContain('app')
  expect(await enter(shop, {})).toContain('boss')
})

test('whoever says nothing is ended by PostgreSQL', async () => {
  await lab.rds.createDBParameterGroup({
    DBParameterGroupName: 'hasty',
    DBParameterGroupFamily: 'postgres15',
    Description: 'x',
  })
  const values = [{ ParameterName: 'authentication_timeout', ParameterValue: '1', ApplyMethod: 'immediate' as const }]
  await lab.rds.modifyDBParameterGroup({ DBParameterGroupName: 'hasty', Parameters: values })
  await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'old', DBParameterGroupName: 'hasty' })
  await available(lab, 'old')
  await lab.rds.rebootDBInstance({ DBInstanceIdentifier: 'old' })
  await available(lab, 'old')
  await new Promise<void>((resolve) => {
    const socket = tcp({ ...placeOf(old), localAddress: lab.client })
    socket.on('error', () => {}).once('close', () => resolve())
    socket.resume()
  })
  expect(await byToken(old, 'app')).toContain('app')
})

describe('in the profile realistic', () => {
  const choose = (profile: string) => lab.call('PUT', '/_lab/profile', { profile })
  beforeAll(() => choose('realistic'))
  afterAll(() => choose('instant'))

  test('whatever is wrong with a login is refused in the same words, and at once', async () => {
    const right = await tokenFor(shop, 'app')
    const wrong = [
      '',
      'a password',
      'x'.repeat(60_000),
      right.slice(0, -1),
      `${right}0`,
      right.replace('X-Amz-Expires=900', 'X-Amz-Expires=9000'),
      right.replace('Action=connect', 'Action=CONNECT'),
      right.replace('DBUser=app', 'DBUser=app%20'),
      await tokenFor(shop, 'worker'),
      await tokenFor(old, 'app'),
    ]
    expect(wrong).not.toContain(right)
    for (const password of wrong) {
      await expect(enter(shop, { user: 'app', password, ...careful() })).rejects.toMatchObject(PAM('app'))
    }
    await expect(enter(shop, { user: 'app', password: right })).rejects.toMatchObject({ code: '28000' })
    await expect(byToken(shop, 'nobody')).rejects.toMatchObject({ code: '28P01' })
    expect(await enter(shop, { user: 'app', password: right, ...careful() })).toContain('app')
  })

  test('while it is being switched off, which takes minutes, all is as before', async () => {
    const modify = (EnableIAMDatabaseAuthentication: boolean) =>
      lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'old', EnableIAMDatabaseAuthentication, ApplyImmediately: true })
    const withPassword = () => enter(old, { user: 'worker', password: 'a password of its own', ...careful() })
    await modify(false)
    expect(await byToken(old, 'worker')).toContain('worker')
    await expect(withPassword()).rejects.toMatchObject(PAM('worker'))
    await choose('instant')
    const becomes = (enabled: boolean) =>
      eventually(async () => ((await available(lab, 'old')).IAMDatabaseAuthenticationEnabled === enabled ? true : undefined))
    await becomes(false)
    await expect(byToken(old, 'worker')).rejects.toMatchObject({ code: '28P01' })
    expect(await withPassword()).toContain('worker')
    await modify(true)
    await becomes(true)
    expect(await byToken(old, 'worker')).toContain('worker')
  })
})

test('an instance keeps it through a blue/green switchover, at the same endpoint', async () => {
  const deployments = deploymentsOf(() => lab.rds)
  const blue = await createInstance(lab, 'blue', { EnableIAMDatabaseAuthentication: true, BackupRetentionPeriod: 1 })
  await ask(lab, blue, ROLES)
  expect(await byToken(blue, 'app')).toContain('app')
  const deployment = await deployments.created('tokens', { Source: arnOf('blue') })
  const green = await available(lab, nameIn(deployment.Target))
  expect(await byToken(green, 'app')).toContain('app')
  await deployments.switchOver(idOf(deployment))
  await deployments.reaches(idOf(deployment), 'SWITCHOVER_COMPLETED')
  const [now, old1] = [await available(lab, 'blue'), await available(lab, 'blue-old1')]
  expect([now.Endpoint, now.DbiResourceId]).toEqual([blue.Endpoint, green.DbiResourceId])
  expect(await byToken(blue, 'app')).toContain('app')
  expect(await byToken(old1, 'app')).toContain('app')
  await ask(lab, now, 'CREATE TABLE written ()')
  for (const id of ['blue', 'blue-old1']) {
    await lab.rds.deleteDBInstance({ DBInstanceIdentifier: id, SkipFinalSnapshot: true })
    await gone(lab, id)
  }
})

test('a member of a cluster has it from its cluster, and is not asked', async () => {
  const cluster = {
    DBClusterIdentifier: 'none',
    Engine: 'aurora-postgresql',
    MasterUsername: 'boss',
    MasterUserPassword: PASSWORD,
  }
  const { DBCluster } = await lab.rds.createDBCluster({ ...cluster, EnableIAMDatabaseAuthentication: true })
  expect(DBCluster!.IAMDatabaseAuthenticationEnabled).toBe(true)
  const member = { DBClusterIdentifier: 'none', Engine: 'aurora-postgresql', DBInstanceClass: 'db.r6g.large' }
  await refused(
    lab.rds.createDBInstance({ ...member, DBInstanceIdentifier: 'one', EnableIAMDatabaseAuthentication: true }),
    'InvalidParameterCombination',
    'IAM database authentication',
  )
})
