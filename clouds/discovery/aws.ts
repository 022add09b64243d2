/** The RDS instances of an account, of whatever engine, in one region after the other. */
import type { DBInstance, RDSClientConfig } from '@aws-sdk/client-rds'
import { Failure, failure } from '../../contracts/failures'
import { lazyRds, type Rds } from '../aws/client'
import { instanceDescription } from '../aws/describe'
import type { CallOptions } from '../port'
import { type Discover, type FoundInstance, failedIn } from './found'

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
      const all = await everyInstance(rds, options).catch((error) => {
        throw region === null ? withoutRegion(error) : failedIn(region, error)
      })
      found.push(...all.map(foundInstance))
    }
    return found
  }
}

/** The SDK looked everywhere, and says so in no code. */
function withoutRegion(error: unknown): unknown {
  if (!(error instanceof Failure) || !/Region is missing/.test(error.message)) return error
  return failure('OPTION_INVALID', 'No region is named; give --region NAME, or set AWS_REGION.', { variable: 'AWS_REGION' })
}

async function everyInstance(rds: Rds, options: CallOptions): Promise<DBInstance[]> {
  return rds.call('DescribeDBInstances', options, async (sdk) => {
    const found: DBInstance[] = []
    let Marker: string | undefined
    do {
      const page = await sdk.describeDBInstances(Marker === undefined ? {} : { Marker }, { abortSignal: options.signal })
      found.push(...(page.DBInstances ?? []))
      Marker = page.Marker
    } while (Marker)
    return found
  })
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
    master: raw.MasterUsername ?? null,
    database: raw.DBName ?? null,
    backupDays: raw.BackupRetentionPeriod ?? null,
    backupsKept: null,
    // A source in another region is named by its ARN, one in the same by its name.
    replicaOf: !source ? null : source.startsWith('arn:') ? source : [...id.split(':').slice(0, -1), source].join(':'),
  }
}
