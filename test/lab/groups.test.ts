import { accessFile } from '../../lab/postgres/access'
import {
  ask,
  available,
  connect,
  createInstance,
  describe as describeInstance,
  eventually,
  openLab,
  PASSWORD,
  placeOf,
  refused,
  snapshotAvailable,
  type TestLab,
} from './fixture'

let lab: TestLab
beforeAll(async () => {
  lab = await openLab()
  await createInstance(lab, 'main', { BackupRetentionPeriod: 0 })
})
afterAll(() => lab.remove())

describe('the master', () => {
  test.each([
    ["COPY (SELECT 1) TO PROGRAM 'true'", '42501'],
    ['ALTER SYSTEM SET work_mem = 1024', '42501'],
    ["SELECT pg_read_file('PG_VERSION')", '42501'],
    ['CREATE EXTENSION file_fdw', '42501'],
    ["COPY pg_class TO '/tmp/x'", '42501'],
    ['ALTER ROLE rdsadmin PASSWORD NULL', '42501'],
    ['CREATE PUBLICATION everything FOR ALL TABLES', '42501'],
    ['GRANT pg_execute_server_program TO boss', '42501'],
    ['CREATE ROLE helper ROLE boss IN ROLE pg_read_server_files', '42501'],
    ['ALTER GROUP pg_write_server_files ADD USER boss', '42939'],
    ['SET ROLE pg_execute_server_program', '42501'],
    ['ALTER ROLE pg_read_server_files NOSUPERUSER', '42939'],
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
    // what the server was told of the master's password is no password
    const told = (text: string) => `SELECT count(*)::int AS told FROM pg_stat_statements WHERE query LIKE '%${text}%'`
    expect(await ask(lab, instance, told('CREATE ROLE "boss"%SCRAM-SHA-256$4096:'))).toEqual([{ told: 1 }])
    expect(await ask(lab, instance, told(PASSWORD))).toEqual([{ told: 0 }])
    expect(await ask(lab, instance, 'SELECT rolsuper FROM pg_roles WHERE rolname = current_user')).toEqual([{ rolsuper: false }])
  })
})

describe('security groups', () => {
  test('let in exactly the networks they name, at once, and nobody reaches the administrator or its database', async () => {
    const instance = await describeInstance(lab, 'main')
    const server = placeOf(instance)
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

    await change('default_transaction_isolation', 'no such level', 'pending-reboot')
    await lab.rds.rebootDBInstance({ DBInstanceIdentifier: 'inert-copy' })
    expect(await available(lab, 'inert-copy')).toMatchObject({ DBInstanceStatus: 'incompatible-parameters' })
    await change('default_transaction_isolation', 'read committed', 'pending-reboot')
    await change('shared_preload_libraries', 'pg_stat_statements, auto_explain', 'pending-reboot')
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
      'default_transaction_isolation=read committed',
      'lock_timeout=1234',
      'max_connections=33',
      'max_logical_replication_workers=0',
      'rds.logical_replication=1',
      'shared_preload_libraries=pg_stat_statements, auto_explain',
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
    ['shared_preload_libraries', 'pg_stat_statements,/tmp/mine', 'pending-reboot', 'InvalidParameterValue'],
    ['shared_preload_libraries', 'basebackup_to_shell', 'pending-reboot', 'InvalidParameterValue'],
    ['jit_provider', '/tmp/mine', 'pending-reboot', 'InvalidParameterValue'],
    ['archive_library', 'basic_archive', 'immediate', 'InvalidParameterValue'],
    ['archive_command', 'true', 'immediate', 'InvalidParameterValue'],
    ['dynamic_library_path', '/tmp', 'immediate', 'InvalidParameterValue'],
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
