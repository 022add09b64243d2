/** Blue/green deployments of RDS instances. The names of both change with the switchover, and their ids do not. Source: RDS user guide, "Using Amazon RDS Blue/Green
 *  Deployments", its limitations among them. */
import type { BlueGreenDeployment, DBInstance, RDS } from '@aws-sdk/client-rds'
import { failure } from '../../contracts/failures'
import type { GreenWanted } from '../../contracts/upgrade'
import type { BlueGreen, Deployment, DeploymentState, OwnDeployment } from '../blue-green-port'
import { assertMine } from '../owner'
import type { CallOptions, ChangeOptions } from '../port'
import type { Rds } from './client'
import { instanceDescription } from './describe'
import { errorName } from './failures'
import { unlessGone } from './gone'
import { findInstance, requireVery } from './instances'
import { findGroup, OF_INSTANCE } from './parameter-groups'
import { ownersTags, tagRecord } from './tags'

const STATES: Readonly<Record<string, DeploymentState>> = {
  PROVISIONING: 'making',
  AVAILABLE: 'ready',
  SWITCHOVER_IN_PROGRESS: 'switching',
  SWITCHOVER_COMPLETED: 'switched',
  SWITCHOVER_FAILED: 'stayed',
  DELETING: 'removing',
}

export function blueGreenOf(rds: Rds): BlueGreen {
  return {
    called: 'RDS blue/green deployment',
    async obstacles({ source, wanted }, options) {
      const blue = await requireVery(rds, source, options)
      return { obstacles: await standing(rds, blue, wanted, options), byHand: byHandOf(blue, wanted) }
    },
    async describe(own, options) {
      const found = await find(rds, own, options)
      return found === null ? null : deploymentOf(found)
    },
    lacking: async ({ green, wanted }, options) => lackingOf(await requireVery(rds, green, options), wanted),
    start: (input, options) => start(rds, input, options),
    startSwitchover: (input, options) => startSwitchover(rds, input, options),
    startRemoval: (input, options) => startRemoval(rds, input, options),
  }
}

/** @throws RESOURCE_NOT_OURS. */
async function find(rds: Rds, { name, owner }: OwnDeployment, options: CallOptions): Promise<BlueGreenDeployment | null> {
  const found = await rds.call('DescribeBlueGreenDeployments', options, (client) => named(client, name, options))
  if (found !== null) assertMine(`Blue/green deployment ${name}`, tagRecord(found.TagList), owner)
  return found
}

async function named(client: RDS, name: string, { signal }: CallOptions): Promise<BlueGreenDeployment | null> {
  const Filters = [{ Name: 'blue-green-deployment-name', Values: [name] }]
  const { BlueGreenDeployments = [] } = await client.describeBlueGreenDeployments({ Filters }, { abortSignal: signal })
  return BlueGreenDeployments[0] ?? null
}

function deploymentOf(raw: BlueGreenDeployment): Deployment {
  const { BlueGreenDeploymentIdentifier: id = '', Status = '', StatusDetails, Tasks = [], SwitchoverDetails = [] } = raw
  const done = Tasks.filter((task) => task.Status === 'COMPLETED').length
  const current = Tasks.find((task) => task.Status !== 'COMPLETED')?.Name
  return {
    id,
    state: STATES[Status] ?? 'broken',
    cloudState: StatusDetails ? `${Status}: ${StatusDetails}` : Status,
    progress: Tasks.length === 0 ? '' : `${done} of ${Tasks.length}${current === undefined ? '' : `: ${current}`}`,
    blue: nameIn(raw.Source),
    green: nameIn(raw.Target),
    greens: SwitchoverDetails.flatMap(({ TargetMember }) => nameIn(TargetMember) ?? []),
  }
}

function nameIn(arn: string | undefined): string | null {
  return arn?.split(':').at(-1) || null
}

async function start(rds: Rds, input: Parameters<BlueGreen['start']>[0], options: ChangeOptions): Promise<void> {
  const { name, owner, source, wanted } = input
  if ((await find(rds, input, options)) !== null) return
  const { DBInstanceArn } = await requireVery(rds, source, options)
  await rds.change('CreateBlueGreenDeployment', options, async (client) => {
    try {
      await client.createBlueGreenDeployment({
        BlueGreenDeploymentName: name,
        Source: DBInstanceArn,
        TargetEngineVersion: wanted.engineVersion ?? undefined,
        TargetDBParameterGroupName: wanted.parameterGroup ?? undefined,
        TargetDBInstanceClass: wanted.instanceClass ?? undefined,
        Tags: ownersTags(owner),
      })
    } catch (error) {
      // the SDK's own retry after a lost answer meets what its first try made
      if (!errorName(error).startsWith('BlueGreenDeploymentAlreadyExists')) throw error
      const made = await named(client, name, options)
      if (made === null) throw failure('NOT_READY_YET', `Blue/green deployment ${name} is there, and not listed yet.`)
      assertMine(`Blue/green deployment ${name}`, tagRecord(made.TagList), owner)
    }
  })
}

async function startSwitchover(
  rds: Rds,
  { secondsMax, ...own }: Parameters<BlueGreen['startSwitchover']>[0],
  options: ChangeOptions,
): Promise<void> {
  const found = await find(rds, own, options)
  const { id, state, cloudState } = found === null ? GONE : deploymentOf(found)
  if (state === 'switching' || state === 'switched') return
  if (state !== 'ready' && state !== 'stayed') {
    const message = `Blue/green deployment ${own.name} is ${cloudState}, and cannot be switched over.`
    throw failure('CLOUD_REFUSED', message, { deployment: own.name })
  }
  await rds.change('SwitchoverBlueGreenDeployment', options, (client) =>
    client.switchoverBlueGreenDeployment({ BlueGreenDeploymentIdentifier: id, SwitchoverTimeout: secondsMax }),
  )
}

const GONE: Pick<Deployment, 'id' | 'state' | 'cloudState'> = { id: '', state: 'removing', cloudState: 'gone' }

async function startRemoval(
  rds: Rds,
  { withGreen, ...own }: Parameters<BlueGreen['startRemoval']>[0],
  options: ChangeOptions,
): Promise<void> {
  const found = await find(rds, own, options)
  if (found === null) return
  const { id, state, cloudState } = deploymentOf(found)
  if (state === 'removing') return
  // green may be production in a moment: not even its protection is touched
  if (state === 'switching') throw failure('NOT_READY_YET', `Blue/green deployment ${own.name} is ${cloudState}.`)
  if (withGreen && state === 'switched') {
    const message = `Blue/green deployment ${own.name} was switched over: its green is production, and was left alone.`
    throw failure('CLOUD_REFUSED', message, { deployment: own.name })
  }
  if (withGreen) await unprotect(rds, found, options)
  await rds.change('DeleteBlueGreenDeployment', options, async (client) => {
    try {
      await client.deleteBlueGreenDeployment({
        BlueGreenDeploymentIdentifier: id,
        ...(withGreen && { DeleteTarget: true }),
      })
    } catch (error) {
      if (errorName(error).startsWith('BlueGreenDeploymentNotFound')) return
      await unlessGone(error, async () => (await named(client, own.name, options)) !== null)
    }
  })
}

/** Greens have their blue's protection, and would keep their deployment from being removed with them. @throws NOT_READY_YET. */
async function unprotect(rds: Rds, { SwitchoverDetails = [] }: BlueGreenDeployment, options: ChangeOptions): Promise<void> {
  let changed = false
  for (const { SourceMember, TargetMember } of SwitchoverDetails) {
    const [blue, green] = [nameIn(SourceMember), nameIn(TargetMember)]
    const found = green === null || green === blue ? null : await findInstance(rds, green, options)
    if (green === null || found?.DeletionProtection !== true) continue
    await rds.change('ModifyDBInstance', options, (client) =>
      client.modifyDBInstance({ DBInstanceIdentifier: green, DeletionProtection: false }),
    )
    changed = true
  }
  if (changed) throw failure('NOT_READY_YET', 'The deletion protection of green is being taken off.')
}

const majorOf = (version: string): number => Number.parseInt(version, 10)

async function standing(rds: Rds, blue: DBInstance, wanted: GreenWanted, options: CallOptions): Promise<string[]> {
  const { DBInstanceIdentifier: name = '', EngineVersion = '', DBInstanceArn = '' } = blue
  const replicaOf = instanceDescription(blue).replicaOf
  const version = wanted.engineVersion ?? EngineVersion
  const elsewhere = [...(blue.ReadReplicaDBInstanceIdentifiers ?? [])].filter((one) => one.startsWith('arn:'))
  const others = await rds.call('DescribeBlueGreenDeployments', options, async (client) => {
    const Filters = [{ Name: 'source', Values: [DBInstanceArn] }]
    return (await client.describeBlueGreenDeployments({ Filters }, { abortSignal: options.signal })).BlueGreenDeployments ?? []
  })
  const held = others.find(({ Status }) => Status !== 'SWITCHOVER_COMPLETED' && Status !== 'DELETING')
  return [
    ...(replicaOf === null
      ? []
      : [`Instance ${name} is a read replica of ${replicaOf}: upgrade that one, whose replicas come along.`]),
    ...(blue.BackupRetentionPeriod === 0
      ? [
          `Instance ${name} keeps no automated backups, without which RDS copies nothing: set its backup retention to a day at least.`,
        ]
      : []),
    ...(blue.MasterUserSecret === undefined
      ? []
      : [
          `The master's password of ${name} is managed by Secrets Manager, which a blue/green deployment does not take: set one yourself first.`,
        ]),
    ...elsewhere.map(
      (one) => `Instance ${name} has the read replica ${one} in another region: remove it, and make it anew afterwards.`,
    ),
    ...(held === undefined
      ? []
      : [
          `Instance ${name} belongs to blue/green deployment ${held.BlueGreenDeploymentName} already: switch that over, or delete it.`,
        ]),
    ...(majorOf(version) < majorOf(EngineVersion)
      ? [`RDS makes no instance older: ${name} is PostgreSQL ${EngineVersion}, and ${version} was asked for.`]
      : []),
    ...(await standingOfGroup(rds, wanted.parameterGroup, majorOf(version), options)),
    ...(majorOf(version) === majorOf(EngineVersion) || wanted.parameterGroup !== null
      ? []
      : standingOfNoGroup(blue, majorOf(version))),
    ...(differs(blue, wanted) ? [] : [`Instance ${name} has all that was asked for already: there is nothing to change.`]),
  ]
}

function differs({ EngineVersion = '', DBInstanceClass, DBParameterGroups = [] }: DBInstance, wanted: GreenWanted): boolean {
  const { engineVersion, parameterGroup, instanceClass } = wanted
  const sameVersion = engineVersion === null || engineVersion === EngineVersion || EngineVersion.startsWith(`${engineVersion}.`)
  const sameGroup =
    parameterGroup === null || DBParameterGroups.some(({ DBParameterGroupName }) => DBParameterGroupName === parameterGroup)
  return !sameVersion || !sameGroup || (instanceClass !== null && instanceClass !== DBInstanceClass)
}

/** @throws NOT_READY_YET. */
function lackingOf(green: DBInstance, { instanceClass, parameterGroup }: Omit<GreenWanted, 'engineVersion'>): string[] {
  const { DBInstanceIdentifier: name = '', DBInstanceClass = '', DBParameterGroups = [] } = green
  if (DBParameterGroups.some(({ ParameterApplyStatus }) => ParameterApplyStatus === 'applying'))
    throw failure('NOT_READY_YET', `The parameter group of ${name} is being applied.`)
  const groups = DBParameterGroups.map(({ DBParameterGroupName = '' }) => DBParameterGroupName)
  return [
    ...(instanceClass === null || instanceClass === DBInstanceClass
      ? []
      : [`${name} is of class ${DBInstanceClass}, and ${instanceClass} was asked for.`]),
    ...(parameterGroup === null || groups.includes(parameterGroup)
      ? []
      : [`${name} has parameter group ${groups.join(', ')}, and ${parameterGroup} was asked for.`]),
  ]
}

async function standingOfGroup(rds: Rds, group: string | null, major: number, options: CallOptions): Promise<string[]> {
  if (group === null) return []
  const found = await rds.call('DescribeDBParameterGroups', options, (client) => findGroup(OF_INSTANCE, client, group, options))
  const make = makeGroup(group, major)
  if (found === null) return [`There is no parameter group ${group} in this region: make it (${make}).`]
  if (found.family === `postgres${major}`) return []
  return [
    `Parameter group ${group} is of the family ${found.family}, and postgres${major} is needed: make another one (${make}).`,
  ]
}

/** A group is of one major version: where none is named green gets RDS's default of the new one. */
function standingOfNoGroup({ DBInstanceIdentifier: name = '', DBParameterGroups = [] }: DBInstance, major: number): string[] {
  const [group] = DBParameterGroups.flatMap((one) => one.DBParameterGroupName ?? [])
  if (group === undefined || group.startsWith('default.')) return []
  return [
    `Instance ${name} has parameter group ${group}, which does not go along to PostgreSQL ${major}: without another RDS gives green default.postgres${major}, and everything that was set is gone. Make one with the same settings (${makeGroup('NAME', major)}) and name it by --parameter-group.`,
  ]
}

const makeGroup = (group: string, major: number): string =>
  `aws rds create-db-parameter-group --db-parameter-group-name ${group} --db-parameter-group-family postgres${major} --description "…"`

function byHandOf({ DBInstanceArn = '' }: DBInstance, wanted: GreenWanted): string[] {
  const { engineVersion, parameterGroup, instanceClass } = wanted
  const targets = [
    ...(engineVersion === null ? [] : [`--target-engine-version ${engineVersion}`]),
    ...(parameterGroup === null ? [] : [`--target-db-parameter-group-name ${parameterGroup}`]),
    ...(instanceClass === null ? [] : [`--target-db-instance-class ${instanceClass}`]),
  ]
  return [
    `aws rds create-blue-green-deployment --blue-green-deployment-name NAME --source ${[DBInstanceArn, ...targets].join(' ')}`,
    'aws rds switchover-blue-green-deployment --blue-green-deployment-identifier ID',
    'aws rds delete-blue-green-deployment --blue-green-deployment-identifier ID',
  ]
}
