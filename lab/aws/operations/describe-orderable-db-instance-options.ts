/** DescribeOrderableDBInstanceOptions: each class with each kind of storage, for each version. */
import type { Operation } from '../cloud'
import { invalidValue } from '../errors'
import { filtered, NO_FILTERS } from '../filters'
import type { OrderableDBInstanceOption } from '../generated/answers'
import { classesFor } from '../instance-classes'
import { pageOf } from '../paging'
import { STORAGE_TYPES, type StorageType } from '../storage'
import { subnetsOf } from '../zones'
import { type EngineVersion, engineVersions } from './engine-versions'

/** More than other descriptions. Source: github.com/hashicorp/terraform-provider-aws/issues/37221 */
const PAGE_MAX = 1_000

export const describeOrderableDbInstanceOptions: Operation<'DescribeOrderableDBInstanceOptions'> = async (call) => {
  const { cloud, query, region } = call
  const engine = query.required('Engine')
  if (!engineVersions(cloud).some((one) => one.engine === engine)) throw invalidValue(`Unrecognized engine name: ${engine}`)
  const [wanted, instanceClass, license] = ['EngineVersion', 'DBInstanceClass', 'LicenseModel'].map((name) => query.text(name))
  const versions = engineVersions(cloud).filter(
    (one) => one.engine === engine && (wanted === undefined || wanted === one.version || wanted === String(one.major)),
  )
  const none = (license !== undefined && license !== 'postgresql-license') || query.flag('Vpc') === false
  const options = none
    ? []
    : versions.flatMap((version) =>
        classesFor(version.engine)
          .filter((one) => instanceClass === undefined || one === instanceClass)
          .flatMap((one) => storagesFor(version.engine).map((storage) => optionView(region, version, one, storage))),
      )
  const page = pageOf(query, filtered(query, NO_FILTERS, options), nameOf, PAGE_MAX)
  return { Marker: page.marker, OrderableDBInstanceOptions: page.items }
}

function nameOf({ EngineVersion, DBInstanceClass, StorageType }: OrderableDBInstanceOption): string {
  return `${EngineVersion} ${DBInstanceClass} ${StorageType}`
}

/** Aurora's volumes have no size that anybody chooses. */
function storagesFor(engine: EngineVersion['engine']): [string, StorageType?][] {
  return engine === 'postgres' ? Object.entries(STORAGE_TYPES) : [['aurora']]
}

function optionView(
  region: string,
  { engine, version }: EngineVersion,
  instanceClass: string,
  [storageType, storage]: [string, StorageType?],
): OrderableDBInstanceOption {
  const { minGib, maxGib, iops = null, throughput = null } = storage ?? {}
  const aurora = engine === 'aurora-postgresql'
  return {
    Engine: engine,
    EngineVersion: version,
    DBInstanceClass: instanceClass,
    LicenseModel: 'postgresql-license',
    AvailabilityZones: subnetsOf(region).map(({ zone }) => ({ Name: zone })),
    MultiAZCapable: !aurora,
    ReadReplicaCapable: !aurora,
    Vpc: true,
    SupportsStorageEncryption: true,
    StorageType: storageType,
    SupportsIops: iops !== null,
    SupportsEnhancedMonitoring: true,
    SupportsIAMDatabaseAuthentication: true,
    SupportsPerformanceInsights: true,
    MinStorageSize: minGib,
    MaxStorageSize: maxGib,
    MinIopsPerDbInstance: iops?.min,
    MaxIopsPerDbInstance: iops?.max,
    MinStorageThroughputPerDbInstance: throughput?.min,
    MaxStorageThroughputPerDbInstance: throughput?.max,
    SupportedEngineModes: ['provisioned'],
    SupportsStorageAutoscaling: !aurora && storageType !== 'standard',
    SupportsKerberosAuthentication: false,
    OutpostCapable: false,
    SupportedActivityStreamModes: [],
    SupportsGlobalDatabases: false,
    SupportsClusters: aurora,
    SupportedNetworkTypes: ['IPV4'],
    SupportsStorageThroughput: throughput !== null,
    SupportsDedicatedLogVolume: false,
  }
}
