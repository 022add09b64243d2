import {
  ask,
  available,
  createInstance,
  describe as describeInstance,
  eventually,
  openLab,
  refused,
  type TestLab,
} from '../fixture'

let lab: TestLab
beforeAll(async () => {
  lab = await openLab()
})
afterAll(() => lab.remove())

const subnets = (...letters: string[]) => letters.map((letter) => `subnet-lab-${letter}`)

describe('a subnet group', () => {
  const create = (more: object = {}) =>
    lab.rds.createDBSubnetGroup({
      DBSubnetGroupName: 'Back',
      DBSubnetGroupDescription: 'zones b and c',
      SubnetIds: subnets('b', 'c'),
      ...more,
    })

  test('is made of subnets of two zones at least, and described with the default one', async () => {
    const { DBSubnetGroup } = await create({ Tags: [{ Key: 'a', Value: '1' }] })
    expect(DBSubnetGroup).toMatchObject({
      DBSubnetGroupName: 'back',
      SubnetGroupStatus: 'Complete',
      DBSubnetGroupArn: 'arn:aws:rds:us-east-1:000000000000:subgrp:back',
      Subnets: [
        { SubnetIdentifier: 'subnet-lab-b', SubnetAvailabilityZone: { Name: 'us-east-1b' }, SubnetStatus: 'Active' },
        { SubnetIdentifier: 'subnet-lab-c', SubnetAvailabilityZone: { Name: 'us-east-1c' }, SubnetStatus: 'Active' },
      ],
    })
    const { DBSubnetGroups } = await lab.rds.describeDBSubnetGroups({})
    expect(DBSubnetGroups!.map(({ DBSubnetGroupName }) => DBSubnetGroupName)).toEqual(['back', 'default'])
    const { TagList } = await lab.rds.listTagsForResource({ ResourceName: DBSubnetGroup!.DBSubnetGroupArn! })
    expect(TagList).toEqual([{ Key: 'a', Value: '1' }])
  })

  test.each([
    [{}, 'DBSubnetGroupAlreadyExistsFault'],
    [{ DBSubnetGroupName: 'default' }, 'InvalidParameterValue'],
    [{ DBSubnetGroupName: 'a/b' }, 'InvalidParameterValue'],
    [{ DBSubnetGroupName: 'one', SubnetIds: subnets('a') }, 'DBSubnetGroupDoesNotCoverEnoughAZs'],
    [{ DBSubnetGroupName: 'none', SubnetIds: [] }, 'InvalidParameterValue'],
    [{ DBSubnetGroupName: 'foreign', SubnetIds: ['subnet-1', ...subnets('a', 'b')] }, 'InvalidSubnet'],
  ])('asked for with %j is refused', async (wrong, name) => {
    await refused(create(wrong), name)
    expect((await lab.rds.describeDBSubnetGroups({})).DBSubnetGroups).toHaveLength(2)
  })

  test('decides in which zones an instance and its standby stand', async () => {
    const instance = await createInstance(lab, 'placed', {
      DBSubnetGroupName: 'BACK',
      MultiAZ: true,
      BackupRetentionPeriod: 0,
    })
    expect(instance).toMatchObject({
      AvailabilityZone: 'us-east-1b',
      SecondaryAvailabilityZone: 'us-east-1c',
      DBSubnetGroup: { DBSubnetGroupName: 'back', VpcId: 'vpc-lab' },
    })
    for (const [more, name] of [
      [{ AvailabilityZone: 'us-east-1a' }, 'InvalidVPCNetworkStateFault'],
      [{ AvailabilityZone: 'eu-west-1b' }, 'InvalidParameterValue'],
      [{ AvailabilityZone: 'us-east-1b', MultiAZ: true }, 'InvalidParameterCombination'],
      [{ DBSubnetGroupName: 'nobodys' }, 'DBSubnetGroupNotFoundFault'],
    ] as const) {
      await refused(createInstance(lab, 'unplaced', { DBSubnetGroupName: 'back', ...more }), name)
    }
    await refused(describeInstance(lab, 'unplaced'), 'DBInstanceNotFoundFault')
  })

  test('is changed and deleted only where no instance loses its place', async () => {
    const modify = (...letters: string[]) =>
      lab.rds.modifyDBSubnetGroup({
        DBSubnetGroupName: 'back',
        SubnetIds: subnets(...letters),
        DBSubnetGroupDescription: 'wider',
      })
    await refused(modify('a', 'b'), 'SubnetAlreadyInUse')
    const { DBSubnetGroup } = await modify('c', 'b', 'a')
    expect(DBSubnetGroup).toMatchObject({ DBSubnetGroupDescription: 'wider' })
    expect(DBSubnetGroup!.Subnets).toHaveLength(3)
    await refused(lab.rds.deleteDBSubnetGroup({ DBSubnetGroupName: 'back' }), 'InvalidDBSubnetGroupStateFault', 'placed')
    await refused(lab.rds.deleteDBSubnetGroup({ DBSubnetGroupName: 'default' }), 'InvalidDBSubnetGroupStateFault')
    await create({ DBSubnetGroupName: 'unused' })
    await lab.rds.deleteDBSubnetGroup({ DBSubnetGroupName: 'unused' })
    await refused(lab.rds.deleteDBSubnetGroup({ DBSubnetGroupName: 'unused' }), 'DBSubnetGroupNotFoundFault')
    await refused(lab.rds.describeDBSubnetGroups({ DBSubnetGroupName: 'unused' }), 'DBSubnetGroupNotFoundFault')
  })

  test('the fifty-first one is refused', async () => {
    for (let n = 1; n < 50; n++) await create({ DBSubnetGroupName: `many-${n}` })
    await refused(create({ DBSubnetGroupName: 'too-many' }), 'DBSubnetGroupQuotaExceededFault')
  })
})

describe('a parameter group that is reset', () => {
  const own = async () =>
    (await lab.rds.describeDBParameters({ DBParameterGroupName: 'tuned', Source: 'user' })).Parameters!.map(
      ({ ParameterName, ParameterValue }) => `${ParameterName}=${ParameterValue}`,
    )
  const show = async (name: string) =>
    (await ask<{ value: string }>(lab, await describeInstance(lab, 'tuned'), `SELECT current_setting('${name}') AS value`))[0]!
      .value

  beforeAll(async () => {
    await lab.rds.createDBParameterGroup({
      DBParameterGroupName: 'tuned',
      DBParameterGroupFamily: 'postgres15',
      Description: 'tuned',
    })
    const [immediate, later] = ['immediate', 'pending-reboot'] as const
    await lab.rds.modifyDBParameterGroup({
      DBParameterGroupName: 'tuned',
      Parameters: [
        { ParameterName: 'lock_timeout', ParameterValue: '1234', ApplyMethod: immediate },
        { ParameterName: 'work_mem', ParameterValue: '9999', ApplyMethod: immediate },
        { ParameterName: 'max_connections', ParameterValue: '33', ApplyMethod: later },
      ],
    })
    await createInstance(lab, 'tuned', { DBParameterGroupName: 'tuned', BackupRetentionPeriod: 0 })
  })

  test('loses the values that are named, at once where that is asked for', async () => {
    expect(await show('lock_timeout')).toBe('1234ms')
    await lab.rds.resetDBParameterGroup({
      DBParameterGroupName: 'tuned',
      Parameters: [{ ParameterName: 'lock_timeout', ApplyMethod: 'immediate' }],
    })
    expect(await own()).toEqual(['max_connections=33', 'work_mem=9999'])
    await eventually(async () => ((await show('lock_timeout')) === '0' ? true : undefined))
    expect(await show('work_mem')).toBe('9999kB')
    await available(lab, 'tuned')
  })

  test('loses all of them when none is named; static ones count until the reboot', async () => {
    await lab.rds.resetDBParameterGroup({ DBParameterGroupName: 'tuned', ResetAllParameters: true })
    expect(await own()).toEqual([])
    await eventually(async () => ((await show('work_mem')) === '4MB' ? true : undefined))
    const { DBParameterGroups } = await available(lab, 'tuned')
    expect(DBParameterGroups![0]!.ParameterApplyStatus).toBe('pending-reboot')
    expect(await show('max_connections')).toBe('33')
    await lab.rds.rebootDBInstance({ DBInstanceIdentifier: 'tuned' })
    await available(lab, 'tuned')
    expect(await show('max_connections')).toBe('60')
  })

  test.each([
    [{ DBParameterGroupName: 'default.postgres15', ResetAllParameters: true }, 'InvalidDBParameterGroupStateFault'],
    [{ DBParameterGroupName: 'nobodys', ResetAllParameters: true }, 'DBParameterGroupNotFoundFault'],
    [{ Parameters: [{ ParameterName: 'no_such_parameter' }] }, 'InvalidParameterValue'],
    [{ Parameters: [{ ParameterName: 'max_connections', ApplyMethod: 'immediate' as const }] }, 'InvalidParameterCombination'],
    [{ ResetAllParameters: true, Parameters: [{ ParameterName: 'work_mem' }] }, 'InvalidParameterCombination'],
  ])('is not reset by %j', async (wrong, name) => {
    await refused(lab.rds.resetDBParameterGroup({ DBParameterGroupName: 'tuned', ...wrong }), name)
  })
})
