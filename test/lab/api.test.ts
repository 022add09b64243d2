import fc from 'fast-check'
import { parseIdentifier } from '../../lab/aws/identifiers'
import { Query } from '../../lab/aws/protocol/query'
import { accessFile } from '../../lab/postgres/access'
import {
  ask,
  available,
  connect,
  createInstance,
  describe as describeInstance,
  eventually,
  gone,
  openLab,
  PASSWORD,
  sdk,
  snapshotAvailable,
  type TestLab,
} from './fixture'

let lab: TestLab
beforeAll(async () => {
  lab = await openLab()
  await createInstance(lab, 'main', { BackupRetentionPeriod: 0 })
})
afterAll(() => lab.remove())

const refused = (call: Promise<unknown>, name: string, message = '') =>
  expect(call).rejects.toMatchObject({ name, message: expect.stringContaining(message) })

describe('who may call', () => {
  test('another access key, a wrong secret and an action that is not there are refused by name', async () => {
    await refused(sdk(lab.lab.api, 'stranger').describeDBInstances({}), 'InvalidClientTokenId')
    await refused(sdk(lab.lab.api, 'lab', 'guess').describeDBInstances({}), 'SignatureDoesNotMatch')
    await refused(lab.rds.describeDBClusters({}), 'InvalidAction')
    const bare = await fetch(lab.lab.api, { method: 'POST', body: new URLSearchParams({ Action: 'DescribeDBInstances' }) })
    expect([bare.status, await bare.text()]).toEqual([403, expect.stringContaining('<Code>InvalidClientTokenId</Code>')])
  })

  test('each region has instances of its own', async () => {
    const { RDS } = await import('@aws-sdk/client-rds')
    const credentials = { accessKeyId: 'lab', secretAccessKey: 'lab-secret' }
    const elsewhere = new RDS({ region: 'eu-central-1', endpoint: lab.lab.api, credentials })
    expect((await elsewhere.describeDBInstances({})).DBInstances).toEqual([])
  })
})

describe('the master', () => {
  test.each([
    ["COPY (SELECT 1) TO PROGRAM 'true'", '42501'],
    ['ALTER SYSTEM SET work_mem = 1024', '42501'],
    ["SELECT pg_read_file('PG_VERSION')", '42501'],
    ['CREATE EXTENSION file_fdw', '42501'],
    ["COPY pg_class TO '/tmp/x'", '42501'],
    ['ALTER ROLE rdsadmin PASSWORD NULL', '42501'],
    ['CREATE PUBLICATION everything FOR ALL TABLES', '42501'],
  ])('is refused %s', async (sql, code) => {
    await expect(ask(lab, await describeInstance(lab, 'main'), sql)).rejects.toMatchObject({ code })
  })

  test('may do what a master of RDS may', async () => {
    const instance = await describeInstance(lab, 'main')
    await ask(lab, instance, 'CREATE EXTENSION pg_stat_statements; CREATE EXTENSION pg_trgm')
    await ask(lab, instance, 'CREATE DATABASE another; ')
    await ask(lab, instance, "CREATE ROLE app LOGIN PASSWORD 'application'; GRANT pg_monitor TO app; GRANT rds_superuser TO app")
    await ask(lab, instance, "SET session_replication_role = 'replica'")
    await ask(lab, instance, 'CREATE TABLE p (id int PRIMARY KEY); CREATE PUBLICATION few FOR TABLE p')
    expect(await ask(lab, instance, 'SELECT count(*) > 0 AS seen FROM pg_stat_statements')).toEqual([{ seen: true }])
    expect(await ask(lab, instance, 'SELECT rolsuper FROM pg_roles WHERE rolname = current_user')).toEqual([{ rolsuper: false }])
  })
})

describe('security groups', () => {
  test('let in exactly the networks they name, at once, and nobody reaches the administrator or its database', async () => {
    const instance = await describeInstance(lab, 'main')
    const server = { host: instance.Endpoint!.Address!, port: instance.Endpoint!.Port! }
    const from = async (host: number, more = {}) => {
      const client = await connect(`${lab.block}.${host}`, { ...server, ...more })
      await client.end()
      return 'in'
    }
    await expect(from(2)).resolves.toBe('in')
    await expect(from(3)).rejects.toMatchObject({ code: '28000' })
    await expect(from(1)).rejects.toMatchObject({ code: '28000' })
    await expect(from(2, { user: 'rdsadmin' })).rejects.toMatchObject({ code: '28000' })
    await expect(from(2, { database: 'rdsadmin' })).rejects.toMatchObject({ code: '28000' })
    await lab.call('PUT', '/_lab/security-groups/sg-tests', { cidrs: [`${lab.block}.2/32`, `${lab.block}.3/32`] })
    await expect(from(3)).resolves.toBe('in')
    await lab.call('PUT', '/_lab/security-groups/sg-tests', { cidrs: [`${lab.block}.2/32`] })
    await expect(from(3)).rejects.toMatchObject({ code: '28000' })
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', VpcSecurityGroupIds: ['sg-default'] })
    await eventually(() =>
      from(2).then(
        () => undefined,
        (error) => error.code,
      ),
    )
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', VpcSecurityGroupIds: [lab.group] })
    await eventually(() => from(2).catch(() => undefined))
  })

  test('that nobody made, or with networks that are none, are refused', async () => {
    await refused(
      lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', VpcSecurityGroupIds: ['sg-nobody'] }),
      'InvalidParameterValue',
    )
    for (const cidrs of [
      ['all'],
      ['1.2.3.4'],
      ['1.2.3.4/33'],
      ['0.0.0.0/0 trust'],
      ['127.0.0.1/32\nhost all all 0.0.0.0/0 trust'],
      'x',
    ]) {
      expect((await lab.call('PUT', '/_lab/security-groups/sg-bad', { cidrs })).status).toBe(422)
    }
    for (const id of ['sg-default', 'bad', 'sg-A']) {
      expect((await lab.call('PUT', `/_lab/security-groups/${id}`, { cidrs: [] })).status).toBe(422)
    }
    expect(accessFile({ administrator: 'rdsadmin', administratorAddress: '127.1.1.1', networks: [] })).not.toContain(
      'host all all',
    )
  })
})

describe('parameter groups', () => {
  const show = async (id: string, name: string) =>
    (await ask<{ value: string }>(lab, await describeInstance(lab, id), `SELECT current_setting('${name}') AS value`))[0]?.value
  const status = async (id: string) => (await describeInstance(lab, id)).DBParameterGroups

  test('hold before the first start of a restored instance; static changes wait for a reboot, dynamic ones do not', async () => {
    await lab.rds.createDBParameterGroup({
      DBParameterGroupName: 'Inert',
      DBParameterGroupFamily: 'postgres15',
      Description: 'a <copy> & "nothing" else',
    })
    const inert = { ParameterName: 'max_logical_replication_workers', ParameterValue: '0' }
    await lab.rds.modifyDBParameterGroup({
      DBParameterGroupName: 'inert',
      Parameters: [
        { ...inert, ApplyMethod: 'pending-reboot' },
        { ParameterName: 'rds.logical_replication', ParameterValue: '1', ApplyMethod: 'pending-reboot' },
      ],
    })
    await lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'main', DBSnapshotIdentifier: 'for-groups' })
    await snapshotAvailable(lab, 'for-groups')
    await lab.rds.restoreDBInstanceFromDBSnapshot({
      DBInstanceIdentifier: 'inert-copy',
      DBSnapshotIdentifier: 'for-groups',
      DBParameterGroupName: 'inert',
      VpcSecurityGroupIds: [lab.group],
    })
    await available(lab, 'inert-copy')
    expect(await show('inert-copy', 'max_logical_replication_workers')).toBe('0')
    expect(await show('inert-copy', 'wal_level')).toBe('logical')
    expect(await show('main', 'wal_level')).toBe('replica')
    expect(await status('inert-copy')).toEqual([{ DBParameterGroupName: 'inert', ParameterApplyStatus: 'in-sync' }])

    const change = (ParameterName: string, ParameterValue: string, ApplyMethod: 'immediate' | 'pending-reboot') =>
      lab.rds.modifyDBParameterGroup({
        DBParameterGroupName: 'inert',
        Parameters: [{ ParameterName, ParameterValue, ApplyMethod }],
      })
    await change('lock_timeout', '1234', 'immediate')
    await eventually(async () => ((await show('inert-copy', 'lock_timeout')) === '1234ms' ? true : undefined))
    await change('max_connections', '33', 'pending-reboot')
    expect(await status('inert-copy')).toEqual([{ DBParameterGroupName: 'inert', ParameterApplyStatus: 'pending-reboot' }])
    expect(await show('inert-copy', 'max_connections')).toBe('60')
    await available(lab, 'inert-copy')
    await lab.rds.rebootDBInstance({ DBInstanceIdentifier: 'inert-copy' })
    await available(lab, 'inert-copy')
    expect(await show('inert-copy', 'max_connections')).toBe('33')
    expect(await status('inert-copy')).toEqual([{ DBParameterGroupName: 'inert', ParameterApplyStatus: 'in-sync' }])

    await change('shared_preload_libraries', 'no_such_library', 'pending-reboot')
    await lab.rds.rebootDBInstance({ DBInstanceIdentifier: 'inert-copy' })
    expect(await available(lab, 'inert-copy')).toMatchObject({ DBInstanceStatus: 'incompatible-parameters' })
    await change('shared_preload_libraries', 'pg_stat_statements', 'pending-reboot')
    await lab.rds.rebootDBInstance({ DBInstanceIdentifier: 'inert-copy' })
    expect(await available(lab, 'inert-copy')).toMatchObject({ DBInstanceStatus: 'available' })
  })

  test('given to a running instance wait for its reboot, and cannot be removed while used', async () => {
    await lab.rds.copyDBParameterGroup({
      SourceDBParameterGroupIdentifier: 'inert',
      TargetDBParameterGroupIdentifier: 'swapped',
      TargetDBParameterGroupDescription: 'copied',
    })
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', DBParameterGroupName: 'swapped' })
    await available(lab, 'main')
    expect(await status('main')).toEqual([{ DBParameterGroupName: 'swapped', ParameterApplyStatus: 'pending-reboot' }])
    expect(await show('main', 'lock_timeout')).toBe('0')
    await refused(lab.rds.deleteDBParameterGroup({ DBParameterGroupName: 'swapped' }), 'InvalidDBParameterGroupStateFault')
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', DBParameterGroupName: 'default.postgres15' })
    await available(lab, 'main')
    await lab.rds.deleteDBParameterGroup({ DBParameterGroupName: 'swapped' })
    await refused(lab.rds.describeDBParameterGroups({ DBParameterGroupName: 'swapped' }), 'DBParameterGroupNotFoundFault')
    await lab.rds.rebootDBInstance({ DBInstanceIdentifier: 'main' })
    await available(lab, 'main')
  })

  test("are described page by page, with their own values and PostgreSQL's own list", async () => {
    const { DBParameterGroups } = await lab.rds.describeDBParameterGroups({ DBParameterGroupName: 'inert' })
    expect(DBParameterGroups).toEqual([
      {
        DBParameterGroupName: 'inert',
        DBParameterGroupFamily: 'postgres15',
        Description: 'a <copy> & "nothing" else',
        DBParameterGroupArn: 'arn:aws:rds:us-east-1:000000000000:pg:inert',
      },
    ])
    const own = await lab.rds.describeDBParameters({ DBParameterGroupName: 'inert', Source: 'user' })
    expect(own.Parameters?.map(({ ParameterName, ParameterValue }) => `${ParameterName}=${ParameterValue}`)).toEqual([
      'lock_timeout=1234',
      'max_connections=33',
      'max_logical_replication_workers=0',
      'rds.logical_replication=1',
      'shared_preload_libraries=pg_stat_statements',
    ])
    const names: string[] = []
    let Marker: string | undefined
    do {
      const page = await lab.rds.describeDBParameters({ DBParameterGroupName: 'default.postgres15', ...(Marker && { Marker }) })
      names.push(...page.Parameters!.map((parameter) => parameter.ParameterName!))
      Marker = page.Marker
    } while (Marker)
    expect(names.length).toBeGreaterThan(300)
    expect(new Set(names).size).toBe(names.length)
  })

  test.each([
    ['no_such_parameter', '1', 'pending-reboot', 'InvalidParameterValue'],
    ['listen_addresses', '*', 'pending-reboot', 'InvalidParameterValue'],
    ['fsync', '0', 'pending-reboot', 'InvalidParameterValue'],
    ['max_connections', '0', 'pending-reboot', 'InvalidParameterValue'],
    ['max_connections', '50', 'immediate', 'InvalidParameterCombination'],
    ['work_mem', "1'\nfsync = off", 'immediate', 'InvalidParameterValue'],
    ['search_path', "x\nfsync = 'off", 'immediate', 'InvalidParameterValue'],
  ])('refuse %s = %j applied %s', async (ParameterName, ParameterValue, method, name) => {
    const ApplyMethod = method as 'immediate'
    const Parameters = [{ ParameterName, ParameterValue, ApplyMethod }]
    await refused(lab.rds.modifyDBParameterGroup({ DBParameterGroupName: 'inert', Parameters }), name)
    await refused(
      lab.rds.modifyDBParameterGroup({ DBParameterGroupName: 'default.postgres15', Parameters }),
      'InvalidDBParameterGroupStateFault',
    )
  })
})

describe('changes and removal', () => {
  test('class and storage are parked unless they are to be applied at once; storage only grows', async () => {
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', DBInstanceClass: 'db.m6g.large', AllocatedStorage: 21 })
    expect(await available(lab, 'main')).toMatchObject({
      DBInstanceClass: 'db.t4g.micro',
      AllocatedStorage: 20,
      PendingModifiedValues: { DBInstanceClass: 'db.m6g.large', AllocatedStorage: 22 },
    })
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', ApplyImmediately: true })
    await eventually(async () => ((await describeInstance(lab, 'main')).DBInstanceClass === 'db.m6g.large' ? true : undefined))
    const instance = await available(lab, 'main')
    expect(instance).toMatchObject({ AllocatedStorage: 22 })
    expect(instance.PendingModifiedValues ?? {}).toEqual({})
    await refused(lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', AllocatedStorage: 20 }), 'InvalidParameterCombination')
  })

  test('a new password is not in force when the call returns, and shows as pending until it is', async () => {
    const { DBInstance } = await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', MasterUserPassword: "it's-\\new;--" })
    expect(DBInstance).toMatchObject({ DBInstanceStatus: 'available', PendingModifiedValues: { MasterUserPassword: '****' } })
    const instance = await available(lab, 'main')
    await ask(lab, instance, 'SELECT 1', { password: "it's-\\new;--" })
    await expect(ask(lab, instance, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' })
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', MasterUserPassword: PASSWORD })
    await available(lab, 'main')
  })

  test('a wish that cannot be granted changes nothing', async () => {
    const before = await available(lab, 'main')
    await refused(
      lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', DeletionProtection: true, MasterUserPassword: 'short' }),
      'InvalidParameterValue',
    )
    await refused(lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', EngineVersion: '17' }), 'InvalidParameterCombination')
    await refused(
      lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', DBParameterGroupName: 'default.postgres17' }),
      'InvalidParameterCombination',
    )
    expect(await describeInstance(lab, 'main')).toEqual(before)
  })

  test('tags are added, replaced, removed and shown in descriptions', async () => {
    const { DBInstanceArn: ResourceName } = await describeInstance(lab, 'main')
    await lab.rds.addTagsToResource({
      ResourceName,
      Tags: [
        { Key: 'a', Value: '1' },
        { Key: 'b', Value: '' },
      ],
    })
    await lab.rds.addTagsToResource({ ResourceName, Tags: [{ Key: 'a', Value: '2:x' }] })
    await lab.rds.removeTagsFromResource({ ResourceName, TagKeys: ['b', 'never'] })
    expect((await lab.rds.listTagsForResource({ ResourceName })).TagList).toEqual([{ Key: 'a', Value: '2:x' }])
    expect((await describeInstance(lab, 'main')).TagList).toEqual([{ Key: 'a', Value: '2:x' }])
    await refused(lab.rds.addTagsToResource({ ResourceName, Tags: [{ Key: 'aws:x', Value: '' }] }), 'InvalidParameterValue')
    await refused(lab.rds.listTagsForResource({ ResourceName: `${ResourceName}x` }), 'DBInstanceNotFoundFault')
  })

  test('an instance is removed only without protection, and with a final snapshot or the word that none is wanted', async () => {
    const remove = (more: object) => lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'inert-copy', ...more })
    await refused(remove({}), 'InvalidParameterCombination', 'FinalDBSnapshotIdentifier is required')
    await refused(remove({ SkipFinalSnapshot: true, FinalDBSnapshotIdentifier: 'x' }), 'InvalidParameterCombination')
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'inert-copy', DeletionProtection: true })
    await available(lab, 'inert-copy')
    await refused(remove({ SkipFinalSnapshot: true }), 'InvalidParameterCombination', 'disable deletion protection')
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'inert-copy', DeletionProtection: false })
    await available(lab, 'inert-copy')
    await remove({ FinalDBSnapshotIdentifier: 'last-words' })
    await refused(remove({ SkipFinalSnapshot: true }), 'InvalidDBInstanceStateFault', 'already being deleted')
    await gone(lab, 'inert-copy')
    expect(await snapshotAvailable(lab, 'last-words')).toMatchObject({ Status: 'available' })
    await refused(remove({ SkipFinalSnapshot: true }), 'DBInstanceNotFoundFault')
  })

  test('an instance that is still being created can be removed, without a final snapshot', async () => {
    const request = {
      Engine: 'postgres',
      DBInstanceClass: 'db.t4g.micro',
      AllocatedStorage: 20,
      MasterUsername: 'boss',
      MasterUserPassword: PASSWORD,
    }
    await lab.rds.createDBInstance({ DBInstanceIdentifier: 'brief', ...request })
    await refused(
      lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'brief', FinalDBSnapshotIdentifier: 'x' }),
      'InvalidDBInstanceStateFault',
    )
    await refused(lab.rds.createDBInstance({ DBInstanceIdentifier: 'BRIEF', ...request }), 'DBInstanceAlreadyExistsFault')
    await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'brief', SkipFinalSnapshot: true })
    await gone(lab, 'brief')
  })

  test.each([
    [{ EngineVersion: '16' }, 'InvalidParameterCombination'],
    [{ Engine: 'mysql' }, 'InvalidParameterValue'],
    [{ DBInstanceIdentifier: '9lives' }, 'InvalidParameterValue'],
    [{ DBInstanceClass: 'big' }, 'InvalidParameterValue'],
    [{ AllocatedStorage: 1 }, 'InvalidParameterValue'],
    [{ MasterUsername: 'rdsadmin' }, 'InvalidParameterValue'],
    [{ MasterUserPassword: 'with space' }, 'InvalidParameterValue'],
    [{ DBName: 'a-b' }, 'InvalidParameterValue'],
    [{ VpcSecurityGroupIds: ['sg-nobody'] }, 'InvalidParameterValue'],
    [{ DBParameterGroupName: 'nobodys' }, 'DBParameterGroupNotFoundFault'],
    [{ DBParameterGroupName: 'default.postgres17' }, 'InvalidParameterCombination'],
    [{ BackupRetentionPeriod: 36 }, 'InvalidParameterValue'],
  ])('an instance with %j is refused and not made', async (wrong, name) => {
    await refused(
      lab.rds.createDBInstance({
        DBInstanceIdentifier: 'wrong',
        Engine: 'postgres',
        EngineVersion: '15',
        DBInstanceClass: 'db.t4g.micro',
        AllocatedStorage: 20,
        MasterUsername: 'boss',
        MasterUserPassword: PASSWORD,
        ...wrong,
      }),
      name,
    )
    await refused(describeInstance(lab, 'wrong'), 'DBInstanceNotFoundFault')
  })
})

describe("the lab's own API", () => {
  test('says what is there', async () => {
    const { body } = await lab.call('GET', '/_lab/status')
    expect(body).toMatchObject({
      version: 1,
      dataPort: lab.lab.dataPort,
      clouds: { aws: { url: lab.lab.api } },
      instances: [
        {
          cloud: 'aws',
          id: 'main',
          address: `${lab.block}.10`,
          port: lab.lab.dataPort,
          state: 'available',
          engineVersion: '15.18',
        },
      ],
      faults: [],
      credentials: { aws: { accessKeyId: 'lab', secretAccessKey: 'lab-secret', region: 'us-east-1' } },
    })
    expect(JSON.stringify(body)).not.toContain(PASSWORD)
  })

  test('a crashed instance recovers by itself with every commit', async () => {
    const instance = await describeInstance(lab, 'main')
    await ask(lab, instance, 'CREATE TABLE survived AS SELECT 7 AS n')
    expect((await lab.call('POST', '/_lab/instances/main/crash')).status).toBe(200)
    const rows = await eventually(() => ask(lab, instance, 'SELECT n FROM survived').catch(() => undefined))
    expect(rows).toEqual([{ n: 7 }])
    expect((await lab.call('POST', '/_lab/instances/nobody/crash')).status).toBe(404)
  })

  test('a web page is not answered', async () => {
    const response = await fetch(`${lab.lab.api}/_lab/reset`, { method: 'POST', headers: { origin: 'https://example.org' } })
    expect(response.status).toBe(403)
    expect((await lab.rds.describeDBInstances({})).DBInstances).toHaveLength(1)
  })

  test('a fault that is none is refused in words', async () => {
    for (const fault of [
      undefined,
      {},
      { cloud: 'aws', action: 'X', kind: 'flood' },
      { cloud: 'aws', action: 'X', kind: 'drop-response', times: 0 },
    ]) {
      expect(await lab.call('POST', '/_lab/faults', fault ?? {})).toMatchObject({
        status: 422,
        body: { error: expect.any(String) },
      })
    }
  })

  test('a reset empties it and leaves it usable', async () => {
    expect((await lab.call('POST', '/_lab/reset')).body).toMatchObject({ instances: [], faults: [] })
    expect((await lab.rds.describeDBInstances({})).DBInstances).toEqual([])
    expect((await lab.rds.describeDBSnapshots({})).DBSnapshots).toEqual([])
    await lab.call('PUT', '/_lab/security-groups/sg-tests', { cidrs: [`${lab.block}.2/32`] })
    const fresh = await createInstance(lab, 'main', { BackupRetentionPeriod: 0 })
    expect(await ask(lab, fresh, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })
})

describe('names and requests', () => {
  test('an identifier is accepted exactly when it follows the rules, and is stored in lower case', () => {
    const ok = (text: string) => {
      try {
        return parseIdentifier('X', text)
      } catch {
        return undefined
      }
    }
    fc.assert(
      fc.property(fc.stringMatching(/^[a-zA-Z0-9_ -]{0,70}$/), (text) => {
        const follows =
          text.length >= 1 &&
          text.length <= 63 &&
          /^[a-zA-Z]/.test(text) &&
          !/[^a-zA-Z0-9-]/.test(text) &&
          !text.includes('--') &&
          !text.endsWith('-')
        expect(ok(text)).toBe(follows ? text.toLowerCase() : undefined)
      }),
    )
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => ok(text) === undefined || /^[a-z][a-z0-9-]*$/.test(ok(text)!)))
  })

  test('a list is read in the order of its indexes, whatever the name between, and an empty one is not an absent one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string(), { minLength: 1, maxLength: 15 }),
        fc.constantFrom('member', 'TagKey'),
        (values, between) => {
          const form = new URLSearchParams()
          const shuffled = values.map((value, index) => [index, value] as const).reverse()
          for (const [index, value] of shuffled) form.append(`TagKeys.${between}.${index + 1}`, value)
          expect(Query.parse(form.toString()).list('TagKeys')).toEqual(values)
        },
      ),
    )
    expect(Query.parse('TagKeys=').list('TagKeys')).toEqual([])
    expect(Query.parse('Other=1').list('TagKeys')).toBeUndefined()
  })
})
