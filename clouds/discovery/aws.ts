/** The RDS instances and clusters of an account, of whatever engine, in one region after the other. Members are told of by their cluster. */
import type { DBCluster, DBInstance, RDSClientConfig } from '@aws-sdk/client-rds'
import { Failure, failure } from '../../contracts/failures'
import { AURORA, clusterDescription, clusterWith } from '../aws/aurora/describe'
import { lazyRds, type Rds } from '../aws/client'
import { instanceDescription } from '../aws/describe'
import { everyCluster, everyInstance } from '../aws/listing'
import type { CallOptions } from '../port'
import { type Discover, type FoundInstance, failedIn, orWithoutCredentials } from './found'

export interface RdsAccount {
  /** Empty: the region that the SDK's own chain names. */
  readonly regions: readonly string[]
  /** Of the SDK's client; credentials and endpoint come from its own chain where they are left out. */
  readonly client?: RDSClientConfig
}

export function discoverRds({ regions, client = {} }: RdsAccount): Discover {
  return async (options) => {
    const places: readonly (string | null)[] = regions.length === 0 ? [null] : regions
    const found: FoundInstance[] = []
    for (const region of places) {
      const rds = lazyRds({ ...client, maxAttempts: 3, ...(region !== null && { region }) })
      const all = await orWithoutCredentials(everythingIn(rds, options), AWS).catch((error) => {
        throw region === null ? withoutRegion(error) : failedIn(region, error)
      })
      found.push(...all)
    }
    return found
  }
}

const AWS = {
  cloud: 'AWS',
  how: 'run "aws configure" or "aws sso login", name a profile in AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
}

/** The SDK looked everywhere, and says so in no code. */
function withoutRegion(error: unknown): unknown {
  if (!(error instanceof Failure) || !/Region is missing/.test(error.message)) return error
  return failure('OPTION_INVALID', 'No region is named; give --region NAME, or set AWS_REGION.', { variable: 'AWS_REGION' })
}

async function everythingIn(rds: Rds, options: CallOptions): Promise<FoundInstance[]> {
  const [clusters, instances] = [await everyCluster(rds, options), await everyInstance(rds, options)]
  const own = instances.filter(({ DBClusterIdentifier }) => DBClusterIdentifier === undefined)
  return [...own.map(foundInstance), ...clusters.map((raw) => foundCluster(raw, instances))]
}

function foundInstance(raw: DBInstance): FoundInstance {
  // arn:aws:rds:<region>:<account>:db:<name>
  const id = raw.DBInstanceArn ?? ''
  const source = raw.ReadReplicaSourceDBInstanceIdentifier
  return {
    ...instanceDescription(raw),
    id,
    region: id.split(':')[3] ?? '',
    resourceGroup: null,
    engine: raw.Engine ?? 'unknown',
    cluster: false,
    master: raw.MasterUsername ?? null,
    database: raw.DBName ?? null,
    backupDays: raw.BackupRetentionPeriod ?? null,
    backupsKept: null,
    // A source in another region is named by its ARN, one in the same by its name.
    replicaOf: !source ? null : source.startsWith('arn:') ? source : [...id.split(':').slice(0, -1), source].join(':'),
  }
}

function foundCluster(raw: DBCluster, instances: readonly DBInstance[]): FoundInstance {
  const engine = raw.Engine ?? 'unknown'
  return {
    ...clusterDescription(clusterWith(raw, instances)),
    // arn:aws:rds:<region>:<account>:cluster:<name>
    id: raw.DBClusterArn ?? '',
    resourceGroup: null,
    engine: engine === AURORA ? 'postgres' : engine === 'postgres' ? 'a Multi-AZ DB cluster of RDS' : engine,
    cluster: true,
    master: raw.MasterUsername ?? null,
    database: raw.DatabaseName ?? null,
    backupDays: raw.BackupRetentionPeriod ?? null,
    backupsKept: null,
    // named by its ARN
    replicaOf: raw.ReplicationSourceIdentifier || null,
  }
}
