/** CreateBlueGreenDeployment: of an instance of its own with its read replicas. The copies are made in the background, and stream from
 *  what they are copies of: an upgrade to another major version, which takes logical replication, is none that this lab knows. */

import { deploymentOf } from '../blue-green/members'
import { addCopies, chance, parseTarget } from '../blue-green/new-deployment'
import type { Deployment } from '../blue-green/state'
import { deploymentView } from '../blue-green/view'
import { type Call, type Operation, parseEngineVersion } from '../cloud'
import { AwsError, invalidCombination, invalidValue } from '../errors'
import { replicasOf } from '../following'
import { parseIdentifier, parseTags } from '../identifiers'
import { ACCOUNT, type DbInstance, key } from '../state'

export const createBlueGreenDeployment: Operation<'CreateBlueGreenDeployment'> = async (call) => {
  const { cloud, query, region, faults } = call
  const name = query.required('BlueGreenDeploymentName')
  parseIdentifier('BlueGreenDeploymentName', name, 60)
  const known = Object.values(cloud.state.deployments).filter((one) => one.region === region)
  if (known.some((one) => one.name.toLowerCase() === name.toLowerCase())) {
    throw new AwsError('BlueGreenDeploymentAlreadyExistsFault', `BlueGreenDeployment ${name} already exists.`)
  }
  const source = findSource(call)
  const replicas = replicasOf(cloud.state, source)
  const version = query.text('TargetEngineVersion')
  if (version !== undefined) requireVersion(call, source, version)
  requireSupported(call, source, replicas)
  const target = parseTarget(call, source)
  const tags = parseTags(query.records('Tags'))
  const [primary, ...others] = addCopies(call, [source, ...replicas], target)
  const doom = faults.doom()
  const id = `bgd-${chance(16)}`
  const deployment: Deployment = {
    region,
    id,
    name,
    status: 'PROVISIONING',
    details: null,
    primary,
    replicas: others,
    steps: stepsOf(version !== undefined, others.length > 0),
    createdAt: new Date().toISOString(),
    deletedAt: null,
    tags,
    tasks: [{ kind: 'provision', ...(doom && { doom }) }],
  }
  cloud.state.deployments[key(region, id)] = deployment
  await cloud.save()
  cloud.deploymentTasks.wake(deployment)
  return { BlueGreenDeployment: deploymentView(cloud.state, deployment) }
}

/** @throws AwsError InvalidParameterValue, DBInstanceNotFound, DBClusterNotFoundFault, SourceClusterNotSupportedFault. */
function findSource({ cloud, query, region }: Call): DbInstance {
  const named = query.required('Source')
  const [, home, account, kind, id] = /^arn:aws:rds:([a-z0-9-]+):(\d{12}):(db|cluster):(.+)$/.exec(named) ?? []
  if (id === undefined || home !== region || account !== ACCOUNT) throw invalidValue(`Invalid source ARN: ${named}`)
  if (kind === 'cluster') {
    if (!cloud.state.clusters[key(region, id)]) throw new AwsError('DBClusterNotFoundFault', `DBCluster ${id} not found.`)
    throw new AwsError('SourceClusterNotSupportedFault', 'This lab makes blue/green deployments of DB instances alone.')
  }
  const source = cloud.state.instances[key(region, id)]
  if (!source) throw new AwsError('DBInstanceNotFound', `DBInstance ${id} not found.`)
  return source
}

function requireSupported({ cloud }: Call, source: DbInstance, replicas: readonly DbInstance[]): void {
  const unsupported = (why: string): AwsError =>
    new AwsError(
      'SourceDatabaseNotSupportedFault',
      `The DB instance ${source.id} is not supported for a blue/green deployment: ${why}.`,
    )
  if (source.cluster !== null) throw unsupported('it is a member of a DB cluster')
  if (source.replicaOf !== null) throw unsupported('it is a read replica')
  if (replicas.some(({ region }) => region !== source.region)) throw unsupported('it has a read replica in another region')
  const other = [source, ...replicas].map((one) => deploymentOf(cloud.state, one)).find((one) => one !== undefined)
  if (other) throw unsupported(`it belongs to the blue/green deployment ${other.name} already`)
  if (source.backupRetentionDays === 0) {
    throw new AwsError('InvalidDBInstanceState', `Automated backups are not enabled for the DB instance ${source.id}.`)
  }
  const busy = [source, ...replicas].find(({ status }) => status !== 'available')
  if (busy) throw new AwsError('InvalidDBInstanceState', `The DB instance ${busy.id} is not in available state.`)
}

function requireVersion({ cloud }: Call, source: DbInstance, version: string): void {
  const { major, engineVersion } = parseEngineVersion(cloud, version)
  if (major < source.major) throw invalidCombination(`Cannot downgrade postgres from ${source.engineVersion} to ${engineVersion}`)
  if (major === source.major) return
  throw new AwsError(
    'SourceDatabaseNotSupportedFault',
    `This lab upgrades no DB instance: ${source.id} has ${source.engineVersion}, and ${engineVersion} was asked for.`,
  )
}

function stepsOf(upgrade: boolean, replicas: boolean): Deployment['steps'] {
  const names = [
    'CREATING_READ_REPLICA_OF_SOURCE',
    ...(upgrade ? ['DB_ENGINE_VERSION_UPGRADE'] : []),
    'CONFIGURE_BACKUPS',
    ...(replicas ? ['CREATING_TOPOLOGY_OF_SOURCE'] : []),
  ]
  return names.map((name) => ({ name, status: 'PENDING' }))
}
