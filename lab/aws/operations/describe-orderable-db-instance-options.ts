/** DescribeOrderableDBInstanceOptions: each class with each kind of storage, for each version. */
import type { Operation } from '../cloud'
import { invalidValue } from '../errors'
import { filtered, NO_FILTERS } from '../filters'
import type { OrderableDBInstanceOption } from '../generated/answers'
import { INSTANCE_CLASSES } from '../instance-classes'
import { pageOf } from '../paging'
import { STORAGE_TYPES } from '../storage'
import { subnetsOf } from '../zones'
import { engineVersions } from './engine-versions'

/** More than other descriptions. Source: github.com/hashicorp/terraform-provider-aws/issues/37221 */
const PAGE_MAX = 1_000

export const describeOrderableDbInstanceOptions: Operation<'DescribeOrderableDBInstanceOptions'> = async (call) => {
  const { cloud, query, region } = call
  const engine = query.required('Engine')
  if (!engineVersions(cloud).some((one) => one.engine === engine)) throw invalidValue(`Unrecognized engine name: ${engine}`)
  const [wanted, instanceClass, license] = ['EngineVersion', 'DBInstanceClass', 'LicenseModel'].map((name) => query.text(name))
  const versions = engineVersions(cloud).filter(
    ({ version, major }) => wanted === undefined || wanted === version || wanted === String(major),
  )
  const none = (license !== undefined && license !== 'postgresql-license') || query.flag('Vpc') === false
  const options = none
    ? []
    : versions.flatMap(({ version }) =>
        INSTANCE_CLASSES.filter((one) => instanceClass === undefined || one === instanceClass).flatMap((one) =>
          Object.keys(STORAGE_TYPES).map((storageType) => optionView(region, version, one, storageType)),
        ),
      )
  const page = pageOf(query, filtered(query, NO_FILTERS, options), nameOf, PAGE_MAX)
  return { Marker: page.marker, OrderableDBInstanceOptions: page.items }
}

function nameOf({ EngineVersion, DBInstanceClass, StorageType }: OrderableDBInstanceOption): string {
  return `${EngineVersion} ${DBInstanceClass} ${StorageType}`
}

function optionView(region: string, version: string, instanceClass: string, storageType: string): OrderableDBInstanceOption {
  const { minGib, maxGib, iops, throughput } = STORAGE_TYPES[storageType as keyof typeof STORAGE_TYPES]
  return {
    Engine: 'postgres',
    EngineVersion: version,
    DBInstanceClass: instanceClass,
    LicenseModel: 'postgresql-license',
    AvailabilityZones: subnetsOf(region).map(({ zone }) => ({ Name: zone })),
    MultiAZCapable: true,
    ReadReplicaCapable: true,
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
    SupportsStorageAutoscaling: storageType !== 'standard',
    SupportsKerberosAuthentication: false,
    OutpostCapable: false,
    SupportedActivityStreamModes: [],
    SupportsGlobalDatabases: false,
    SupportsClusters: false,
    SupportedNetworkTypes: ['IPV4'],
    SupportsStorageThroughput: throughput !== null,
    SupportsDedicatedLogVolume: false,
  }
}
