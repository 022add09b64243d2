/** `capstan fleet discover`: a fleet file out of what an account holds, whatever it holds. */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { parse } from 'yaml'
import { legalName } from '../../client/fleet/discover/names'
import { sortOut } from '../../client/fleet/discover/sort-out'
import { writeFleet } from '../../client/fleet/discover/write-fleet'
import { parseFleet } from '../../client/fleet/parse-fleet'
import type { FoundInstance } from '../../clouds/discovery/found'
import { createServer, openAzure } from '../lab/azure/fixture'
import { createInstance } from '../lab/fixture'
import { gcpOf } from '../lab/gcp/fixture'
import { awsIdentity, azureIdentity, gcpIdentity } from '../policies/identities'
import { createCluster, manyStopped } from './discover-account'
import { capstan } from './recorded-io'

function found(name: string, more: Partial<FoundInstance> = {}): FoundInstance {
  const region = more.region ?? 'eu-central-1'
  return {
    cloud: 'aws',
    account: '123456789012',
    name,
    cloudState: 'available',
    endpoint: { host: `${name}.abc.${region}.rds.amazonaws.com`, port: 5432 },
    engineVersion: '17.5',
    instanceClass: 'db.t4g.medium',
    deletionProtected: true,
    tags: {},
    id: `arn:aws:rds:${region}:123456789012:db:${name}`,
    region,
    resourceGroup: null,
    engine: 'postgres',
    cluster: false,
    master: 'boss',
    database: 'shop',
    backupDays: 7,
    backupsKept: null,
    replicaOf: null,
    ...more,
  }
}

const arn = (name: string, region = 'eu-central-1') => found(name, { region }).id
const entriesOf = (instances: readonly FoundInstance[]) =>
  parseFleet(writeFleet(sortOut(instances), 'a test'), 'fleet.yaml').databases

describe('names', () => {
  test.each([
    ['shop', 'shop'],
    ['Shop_DB--1', 'shop-db-1'],
    ['1st', 'db-1st'],
    ['---', 'db'],
    ['x'.repeat(63), 'x'.repeat(40)],
  ])('%s is %s', (name, legal) => expect(legalName(name)).toBe(legal))

  test('that several instances have are nobody’s alone, whoever was found first', () => {
    const all = [
      found('shop'),
      found('shop', { region: 'us-east-1' }),
      found('Shop', { region: 'us-east-1', id: 'other' }),
      found('crm'),
    ]
    const names = entriesOf(all).map(({ name, region }) => `${name} in ${region}`)
    expect(names).toEqual([
      'shop-us-east-1 in us-east-1',
      'crm in eu-central-1',
      'shop-eu-central-1 in eu-central-1',
      'shop-2 in us-east-1',
    ])
    expect(entriesOf([...all].reverse()).map(({ name, region }) => `${name} in ${region}`)).toEqual(names)
  })

  test('whatever the cloud calls them, and whatever it knows of them, the file is accepted', () => {
    const anything = fc.string({ unit: 'grapheme', maxLength: 80 })
    const instance = fc
      .record({
        name: fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,60}$/),
        tags: fc.dictionary(anything, anything),
        master: anything,
        database: anything,
      })
      .filter(({ name, tags }) => !name.startsWith('cap-') && tags['capstan-operation'] === undefined)
    fc.assert(
      fc.property(fc.array(instance, { maxLength: 12 }), (all) => {
        const entries = entriesOf(all.map(({ name, ...more }, index) => found(name, { ...more, id: String(index) })))
        expect(entries.map((entry) => entry.instance).sort()).toEqual(all.map(({ name }) => name).sort())
      }),
      { numRuns: 60 },
    )
  })
})

describe('what was found', () => {
  test('replicas are notes of their source, of whatever region; those whose source is not there are left out', () => {
    const { databases, leftOut } = sortOut([
      found('shop'),
      found('shop-read', { replicaOf: arn('shop') }),
      found('shop-far', { region: 'us-east-1', replicaOf: arn('shop-read') }),
      found('orphan', { replicaOf: arn('elsewhere', 'ap-south-1') }),
    ])
    expect(databases.map(({ name, standbys }) => [name, standbys.map((standby) => standby.name)])).toEqual([
      ['shop', ['shop-far', 'shop-read']],
    ])
    expect(leftOut).toMatchObject([
      { instance: { name: 'orphan' }, why: expect.stringContaining(arn('elsewhere', 'ap-south-1')) },
    ])
  })

  test('temporary copies and other engines are left out, each with the reason, in the file as well', () => {
    const sorted = sortOut([
      found('shop'),
      found('cap-migrate-1-canary', { tags: { 'capstan-operation': 'migrate-1' } }),
      found('cap-and-gown'),
      found('restored', { tags: { 'capstan-operation': 'restore-9' } }),
      found('old', { engine: 'mysql' }),
      found('other', { engine: 'aurora-mysql', cluster: true }),
      found('of-a-copy', { replicaOf: arn('cap-migrate-1-canary') }),
    ])
    const whys = Object.fromEntries(sorted.leftOut.map(({ instance, why }) => [instance.name, why]))
    expect(whys).toEqual({
      'cap-migrate-1-canary': 'a temporary copy that operation migrate-1 made',
      'cap-and-gown': expect.stringContaining('not tagged'),
      restored: expect.stringContaining('tagged capstan-operation=restore-9'),
      old: 'mysql',
      other: 'aurora-mysql',
      'of-a-copy': expect.stringContaining('not among them'),
    })
    const text = writeFleet(sorted, 'a test')
    for (const name of Object.keys(whys)) expect(text).toMatch(new RegExp(`^# ${name} \\(eu-central-1\\) is `, 'm'))
    expect(parseFleet(text, 'fleet.yaml').databases.map(({ name }) => name)).toEqual(['shop'])
  })

  test('what the cloud knows is written down, and what a person has to decide says so', () => {
    const tags = { Env: 'Staging', team: 'checkout', 'aws:cloudformation:stack-name': 'x', cost: '0123' }
    const text = writeFleet(sortOut([found('shop', { tags, backupDays: 0, deletionProtected: false })]), 'a test')
    expect(parse(text).databases[0]).toEqual({
      name: 'shop',
      cloud: 'aws',
      account: '123456789012',
      region: 'eu-central-1',
      instance: 'shop',
      database: 'shop',
      environment: 'staging',
      labels: { Env: 'Staging', cost: '0123', team: 'checkout' },
      connections: {
        admin: { user: 'boss', secret: 'env:SHOP_ADMIN_PASSWORD' },
        migrator: { user: 'migrator', secret: 'env:SHOP_MIGRATOR_PASSWORD' },
      },
      canary: { securityGroups: ['sg-undecided'] },
    })
    expect(text).toContain('NO BACKUPS; not protected from deletion')
    expect(text).toMatch(/secret: env:SHOP_ADMIN_PASSWORD # decide/)
    expect(text).toMatch(/- sg-undecided # decide/)
    expect(text).toMatch(/^ +# migrations: migrations\/shop # decide/m)
  })

  test('an empty account is a fleet without databases', () => expect(entriesOf([])).toEqual([]))
})

describe('asked of', () => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-discover-'))
  const before = { ...process.env }
  let lab: Awaited<ReturnType<typeof openAzure>>

  beforeAll(async () => {
    lab = await openAzure()
    await lab.call('PUT', '/_lab/profile', { profile: 'instant' })
    const gcp = gcpOf(lab)
    const Tags = [{ Key: 'capstan-operation', Value: 'migrate-1' }]
    const labels = { 'capstan-operation': 'migrate-1' }
    await Promise.all([
      createInstance(lab, 'shop', { Tags: [{ Key: 'environment', Value: 'production' }], BackupRetentionPeriod: 3 }),
      createInstance(lab, 'cap-migrate-1-canary', { Tags }),
      createServer(lab, 'shop', { tags: { team: 'checkout' } }),
      gcp.create('shop', { settings: { userLabels: { env: 'test' } } }),
      gcp.create('cap-migrate-1-canary', { settings: { userLabels: labels } }),
    ])
    await createCluster(lab)
    await lab.rds.createDBInstanceReadReplica({ DBInstanceIdentifier: 'shop-read', SourceDBInstanceIdentifier: 'shop' })
    await manyStopped(lab)
    // nobody who discovers may do more than read
    const { accessKeyId, secretAccessKey } = await awsIdentity(lab, 'reader')
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_RDS: lab.lab.api,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_REGION: 'us-east-1',
      AWS_EC2_METADATA_DISABLED: 'true',
    })
  })
  afterAll(async () => {
    process.env = before
    rmSync(folder, { recursive: true })
    await lab?.remove()
  })

  /** As a program of its own, with these variables and no others. */
  function discover(args: readonly string[], env: Readonly<Record<string, string | undefined>>) {
    const words = [join(__dirname, '../../bin/capstan.js'), 'fleet', 'discover', ...args]
    return new Promise<{ code: unknown; stdout: string; stderr: string }>((done) => {
      execFile(process.execPath, words, { env }, (error, stdout, stderr) => done({ code: error?.code ?? 0, stdout, stderr }))
    })
  }

  test('AWS, over regions and pages; what it writes is accepted, and never written over', async () => {
    const output = join(folder, 'aws.yaml')
    const args = ['fleet', 'discover', '--aws', '--region', 'us-east-1,eu-central-1', '--output', output]
    const { exit, out, err } = await capstan(args)
    expect({ exit, err: err.includes('cap-migrate-1-canary (us-east-1) is a temporary copy') }).toEqual({ exit: 0, err: true })
    expect(out).toContain('232 databases')
    const check = await capstan(['fleet', 'check', '--fleet', output, '--json'])
    expect(check.json).toMatchObject({ valid: true })
    const { databases } = parseFleet(readFileSync(output, 'utf8'), output)
    expect(databases).toHaveLength(232)
    expect(databases.find(({ name }) => name === 'shop')).toMatchObject({
      account: '000000000000',
      region: 'us-east-1',
      instance: 'shop',
      database: 'shop',
      environment: 'production',
      migrations: null,
      connections: { admin: { user: 'boss', secret: 'env:SHOP_ADMIN_PASSWORD', host: null } },
    })
    expect(databases.find(({ name }) => name === 'orders')).toMatchObject({
      instance: 'orders',
      aurora: true,
      database: 'orders',
      connections: { admin: { user: 'boss' } },
    })
    expect(err).not.toContain('orders-1')
    const text = readFileSync(output, 'utf8')
    expect(text).toMatch(/PostgreSQL 17\.\d+ on db\.r6g\.large, available; 127\.\S+:\d+; backups kept for 1 day$/m)
    expect(text).toMatch(/PostgreSQL 15\.\d+ on db\.t4g\.micro, \S+; 127\.\S+:\d+; backups kept for 3 days/)
    expect(text).toMatch(/Standby: shop-read \(us-east-1\), a read replica/)

    writeFileSync(output, 'mine')
    expect(await capstan(args)).toMatchObject({ exit: 2, err: expect.stringContaining('is there already') })
    expect(readFileSync(output, 'utf8')).toBe('mine')
    expect(await capstan([...args, '--force'])).toMatchObject({ exit: 0 })
    expect(readFileSync(output, 'utf8')).toBe(text)
  })

  test('AWS, in one region on standard output, or as one document', async () => {
    const plain = await capstan(['fleet', 'discover', '--aws'])
    expect(parse(plain.out).databases).toHaveLength(2)
    expect(plain.err).toContain('Left out:')
    const { json, err } = await capstan(['fleet', 'discover', '--aws', '--json'])
    expect(json).toMatchObject({
      version: 1,
      file: null,
      databases: [{ name: 'orders' }, { name: 'shop', standbys: [{ name: 'shop-read' }] }],
      leftOut: [{ instance: { name: 'cap-migrate-1-canary' } }],
      fleet: plain.out,
    })
    expect(err).toBe('')
  })

  test('a region that refuses: nothing is written, and it is named', async () => {
    await lab.call('POST', '/_lab/faults', {
      kind: 'fail',
      operation: 'DescribeDBInstances',
      code: 'OptInRequired',
      region: 'eu-central-1',
    })
    const output = join(folder, 'part.yaml')
    const refused = await capstan(['fleet', 'discover', '--aws', '--region', 'us-east-1,eu-central-1', '--output', output])
    expect(refused).toMatchObject({ exit: 3, err: expect.stringMatching(/In eu-central-1: .*OptInRequired/) })
    expect(existsSync(output)).toBe(false)
    await lab.call('DELETE', '/_lab/faults')
  })

  test('Google Cloud', async () => {
    const { projectId } = lab.lab.credentials.gcp
    const env = {
      CAPSTAN_GCP_TOKEN: await gcpIdentity(lab, 'reader'),
      GOOGLE_CLOUD_PROJECT: projectId,
      CAPSTAN_GCP_ENDPOINT: lab.lab.api,
    }
    const { exit, out, err } = await capstan(['fleet', 'discover', '--gcp'], { env })
    expect({ exit, left: err.includes('cap-migrate-1-canary') }).toEqual({ exit: 0, left: true })
    expect(parse(out).databases).toEqual([
      {
        name: 'shop',
        cloud: 'gcp',
        account: projectId,
        region: 'us-central1',
        instance: 'shop',
        database: 'postgres',
        environment: 'test',
        labels: { env: 'test' },
        connections: {
          admin: { user: 'postgres', secret: 'env:SHOP_ADMIN_PASSWORD' },
          migrator: { user: 'migrator', secret: 'env:SHOP_MIGRATOR_PASSWORD' },
        },
        canary: { networks: ['192.0.2.1/32'] },
      },
    ])
    const elsewhere = await capstan(['fleet', 'discover', '--gcp', '--region', 'europe-west1'], { env })
    expect(parse(elsewhere.out).databases).toEqual([])
  })

  test('Azure, as a program of its own, which believes the lab’s certificate', async () => {
    const { subscriptionId } = lab.lab.credentials.azure
    const env = {
      ...before,
      CAPSTAN_AZURE_TOKEN: await azureIdentity(lab, 'reader', null),
      CAPSTAN_AZURE_ENDPOINT: lab.lab.tlsApi,
      NODE_EXTRA_CA_CERTS: lab.lab.certificateFile,
    }
    const { code, stdout, stderr } = await discover(['--azure', '--subscription', subscriptionId], env)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(parse(stdout).databases).toMatchObject([
      {
        name: 'shop',
        cloud: 'azure',
        account: subscriptionId,
        resourceGroup: 'tests',
        region: 'eastus',
        instance: 'shop',
        labels: { team: 'checkout' },
        connections: { admin: { user: 'boss', secret: 'env:SHOP_ADMIN_PASSWORD' } },
      },
    ])
    expect(stdout).toMatch(/database: postgres # decide/)
    const decided = stdout.replace(/# (copiesResourceGroup: copies) # decide/, '$1 # decided')
    expect(parseFleet(decided, 'fleet.yaml').databases).toMatchObject([{ copiesResourceGroup: 'copies' }])
  })

  /** Nothing that says who asks: no variables, no home folder, no machine, and no program of a vendor's on its path. */
  const NOBODY = { NODE_NO_WARNINGS: '1', AWS_EC2_METADATA_DISABLED: 'true', METADATA_SERVER_DETECTION: 'none', PATH: '' }

  test.each([
    ['AWS', ['--aws', '--region', 'eu-central-1'], ['AWS_PROFILE', 'AWS_ACCESS_KEY_ID', 'aws sso login']],
    [
      'Azure',
      ['--azure', '--subscription', '3f2c1a9e-0b4d-4c57-9d3e-6a1b2c3d4e5f'],
      ['AZURE_CLIENT_ID', 'AZURE_CLIENT_CERTIFICATE_PATH', 'az login'],
    ],
    ['Google Cloud', ['--gcp', '--project', 'shop'], ['GOOGLE_APPLICATION_CREDENTIALS', 'gcloud auth application-default']],
  ])('without credentials for %s: what is missing is named, and nothing is asked', async (cloud, args, ways) => {
    const { code, stdout, stderr } = await discover(args, { ...NOBODY, HOME: folder })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(`No credentials for ${cloud} were found`)
    for (const way of ways) expect(stderr).toContain(way)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  test('without a region that anybody named', async () => {
    const { code, stderr } = await discover(['--aws'], { ...NOBODY, HOME: folder })
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('No region is named') })
  })

  test.each([
    [[], 'Name one cloud'],
    [['--aws', '--gcp'], 'Name one cloud'],
    [['--aws', '--project', 'x'], '--project belongs to --gcp'],
    [['--azure'], 'AZURE_SUBSCRIPTION_ID'],
    [['--azure', '--subscription', 'Shop Production'], 'The subscription is "Shop Production"; it must be its id'],
    [['--gcp'], 'GOOGLE_CLOUD_PROJECT'],
    [['--aws', '--region', 'EU'], '--region is "EU"'],
  ])('with %j: told in one sentence', async (args, sentence) => {
    expect(await capstan(['fleet', 'discover', ...args])).toMatchObject({ exit: 2, err: expect.stringContaining(sentence) })
  })
})
