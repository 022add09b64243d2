/** How much of what an account may have in a region. Source: RDS user guide, "Quotas in Amazon RDS": the defaults, but for parameter
 *  groups, whose 50 were raised as an account may have them raised: a description of more than one page can only be seen so. */
import { AwsError, type AwsErrorCode } from './errors'
import type { AwsState } from './state'

interface Quota {
  /** Its name in DescribeAccountAttributes. */
  readonly name: string
  readonly max: number
  readonly exceeded: AwsErrorCode
  /** What counts, and how much. */
  used(state: AwsState, region: string): number
}

const counted =
  (of: (state: AwsState) => Record<string, { region: string }>) =>
  (state: AwsState, region: string): number =>
    Object.values(of(state)).filter((one) => one.region === region).length

export const QUOTAS = {
  instances: {
    name: 'DBInstances',
    max: 40,
    exceeded: 'InstanceQuotaExceeded',
    used: counted(({ instances }) => instances),
  },
  clusters: {
    name: 'DBClusters',
    max: 40,
    exceeded: 'DBClusterQuotaExceededFault',
    used: counted(({ clusters }) => clusters),
  },
  storage: {
    name: 'AllocatedStorage',
    max: 102_400,
    exceeded: 'StorageQuotaExceeded',
    used: ({ instances }, region) =>
      Object.values(instances).reduce((sum, one) => sum + (one.region === region ? one.storageGib : 0), 0),
  },
  snapshots: {
    name: 'ManualSnapshots',
    max: 100,
    exceeded: 'SnapshotQuotaExceeded',
    used: ({ snapshots }, region) =>
      Object.values(snapshots).filter((one) => one.region === region && one.type === 'manual' && !one.ofCluster).length,
  },
  clusterSnapshots: {
    name: 'ManualClusterSnapshots',
    max: 100,
    exceeded: 'SnapshotQuotaExceeded',
    used: ({ snapshots }, region) =>
      Object.values(snapshots).filter((one) => one.region === region && one.type === 'manual' && one.ofCluster).length,
  },
  parameterGroups: {
    name: 'DBParameterGroups',
    max: 200,
    exceeded: 'DBParameterGroupQuotaExceeded',
    used: counted(({ parameterGroups }) => parameterGroups),
  },
  clusterParameterGroups: {
    name: 'DBClusterParameterGroups',
    max: 200,
    exceeded: 'DBParameterGroupQuotaExceeded',
    used: counted(({ clusterParameterGroups }) => clusterParameterGroups),
  },
  subnetGroups: {
    name: 'DBSubnetGroups',
    max: 50,
    exceeded: 'DBSubnetGroupQuotaExceeded',
    used: counted(({ subnetGroups }) => subnetGroups),
  },
} as const satisfies Record<string, Quota>

/** Into one region, of the account: no quota that DescribeAccountAttributes lists. */
const COPIES_MAX = 20

/** @throws AwsError when so many snapshots are on their way from other regions. RDS's own words. */
export function requireRoomForCopy({ snapshots }: AwsState, region: string): void {
  const coming = Object.values(snapshots).filter(({ tasks, source, ...one }) => {
    const from = source?.split(':')[3]
    return one.region === region && from !== region && tasks.some(({ kind }) => kind === 'copy')
  })
  if (coming.length < COPIES_MAX) return
  throw new AwsError('SnapshotQuotaExceeded', `Cannot copy more than ${COPIES_MAX} snapshots across regions.`)
}

/** @throws AwsError when there would be more than allowed. */
export function requireRoom(state: AwsState, region: string, quota: keyof typeof QUOTAS, more = 1): void {
  const { name, max, exceeded, used } = QUOTAS[quota]
  if (used(state, region) + more > max) throw new AwsError(exceeded, `Quota exceeded: ${name} may be at most ${max} in a region.`)
}
