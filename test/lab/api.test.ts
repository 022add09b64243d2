import { readdirSync, readFileSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import fc from 'fast-check'
import { parseIdentifier } from '../../lab/aws/identifiers'
import { Query } from '../../lab/aws/protocol/query'
import {
  ask,
  available,
  createInstance,
  describe as describeInstance,
  eventually,
  gone,
  openLab,
  PASSWORD,
  refused,
  sdk,
  snapshotAvailable,
  type TestLab,
} from './fixture'

let lab: TestLab
beforeAll(async () => {
  lab = await openLab()
  await Promise.all(['main', 'protected'].map((id) => createInstance(lab, id, { BackupRetentionPeriod: 0 })))
})
afterAll(() => lab.remove())

describe('who may call', () => {
  test('another access key, a wrong secret and an action that is not there are refused by name', async () => {
    const key = lab.lab.credentials.aws
    await refused(sdk(lab.lab.api, { ...key, accessKeyId: 'lab' }).describeDBInstances({}), 'InvalidClientTokenId')
    await refused(sdk(lab.lab.api, { ...key, secretAccessKey: 'lab-secret' }).describeDBInstances({}), 'SignatureDoesNotMatch')
    await refused(lab.rds.describeCertificates({}), 'InvalidAction')
    const bare = await fetch(lab.lab.api, { method: 'POST', body: new URLSearchParams({ Action: 'DescribeDBInstances' }) })
    expect([bare.status, await bare.text()]).toEqual([403, expect.stringContaining('<Code>MissingAuthenticationToken</Code>')])
  })

  test('each region has instances of its own', async () => {
    const { RDS } = await import('@aws-sdk/client-rds')
    const elsewhere = new RDS({ region: 'eu-central-1', endpoint: lab.lab.api, credentials: { ...lab.lab.credentials.aws } })
    expect((await elsewhere.describeDBInstances({})).DBInstances).toEqual([])
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
    const remove = (more: object) => lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'protected', ...more })
    await refused(remove({}), 'InvalidParameterCombination', 'FinalDBSnapshotIdentifier is required')
    await refused(remove({ SkipFinalSnapshot: true, FinalDBSnapshotIdentifier: 'x' }), 'InvalidParameterCombination')
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'protected', DeletionProtection: true })
    await available(lab, 'protected')
    await refused(remove({ SkipFinalSnapshot: true }), 'InvalidParameterCombination', 'disable deletion protection')
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'protected', DeletionProtection: false })
    await available(lab, 'protected')
    await remove({ FinalDBSnapshotIdentifier: 'last-words' })
    await refused(remove({ SkipFinalSnapshot: true }), 'InvalidDBInstanceStateFault', 'already being deleted')
    await gone(lab, 'protected')
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
      credentials: lab.lab.credentials,
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

  test('everything but the health check wants the token, which its owner alone can read', async () => {
    expect(await (await fetch(`${lab.lab.api}/_lab/health`)).json()).toEqual({ ok: true })
    const calls = [
      ['GET', '/_lab/status'],
      ['GET', '/%5Flab/status'],
      ['HEAD', '/_lab/status'],
      ['POST', '/_lab/reset'],
      ['DELETE', '/_lab/faults'],
      ['POST', '/_lab/instances/main/crash'],
    ] as const
    for (const [method, path] of calls) {
      for (const headers of [{}, { authorization: 'Bearer lab' }, { authorization: lab.lab.labToken }] as const) {
        expect((await fetch(`${lab.lab.api}${path}`, { method, headers })).status).toBe(401)
      }
    }
    const closed = process.getuid?.() === 0 ? 0o711 : 0o700
    for (const folder of ['.', 'aws/instances', 'aws/snapshots'])
      expect(statSync(join(lab.stateDir, folder)).mode & 0o777).toBe(closed)
    const [instance = ''] = readdirSync(join(lab.stateDir, 'aws', 'instances'))
    expect(statSync(join(lab.stateDir, 'aws', 'instances', instance)).mode & 0o777).toBe(closed)
    expect(statSync(join(lab.stateDir, 'calls.jsonl')).mode & 0o777).toBe(0o600)
    const file = join(lab.stateDir, 'credentials.json')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ ...lab.lab.credentials, labToken: lab.lab.labToken })
  })

  test.each(['origin', 'host'])('a web page is not answered, by its %s', async (header) => {
    const headers = { authorization: `Bearer ${lab.lab.labToken}`, [header]: `lab.example.org:${new URL(lab.lab.api).port}` }
    const status = await new Promise((resolve, reject) => {
      const call = request(`${lab.lab.api}/_lab/reset`, { method: 'POST', headers }, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      })
      call.once('error', reject).end()
    })
    expect(status).toBe(403)
    expect((await lab.rds.describeDBInstances({})).DBInstances).toHaveLength(1)
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
