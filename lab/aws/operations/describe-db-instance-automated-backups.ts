/** DescribeDBInstanceAutomatedBackups: of instances that keep backups, and of those that are gone and whose backups were to be kept. */
import type { AwsCloud, Operation } from '../cloud'
import { AwsError } from '../errors'
import { type FilterTable, filtered } from '../filters'
import type { DBInstanceAutomatedBackup } from '../generated/answers'
import { pageOf } from '../paging'
import { expire } from '../retained-backups'
import { arn } from '../state'
import { tagList } from '../views'
import { VPC } from '../zones'
import { type BackedUp, backupsArn, isRetained } from './backed-up'

const FILTERS: FilterTable<BackedUp> = {
  status: (source, value) => statusOf(source) === value,
  'db-instance-id': ({ region, id }, value) => [id, arn(region, 'db', id)].includes(value.toLowerCase()),
  'dbi-resource-id': ({ resourceId }, value) => resourceId === value,
}

export const describeDbInstanceAutomatedBackups: Operation<'DescribeDBInstanceAutomatedBackups'> = async (call) => {
  const { cloud, query, region } = call
  await expire(cloud)
  const [id, resource, name] = ['DBInstanceIdentifier', 'DbiResourceId', 'DBInstanceAutomatedBackupsArn'].map((one) =>
    query.text(one),
  )
  const all: BackedUp[] = [...Object.values(cloud.state.instances), ...Object.values(cloud.state.retained)]
  const found = filtered(query, FILTERS, all).filter(
    (source) =>
      source.region === region &&
      source.archive !== null &&
      (id === undefined || source.id === id.toLowerCase()) &&
      (resource === undefined || source.resourceId === resource) &&
      (name === undefined || backupsArn(source) === name),
  )
  if (found.length === 0 && (resource !== undefined || name !== undefined)) {
    throw new AwsError('DBInstanceAutomatedBackupNotFound', `There is no automated backup ${resource ?? name}.`)
  }
  const page = pageOf(query, found, ({ resourceId }) => resourceId)
  for (const source of page.items) if (!isRetained(source)) cloud.reach.looked(source)
  return { Marker: page.marker, DBInstanceAutomatedBackups: page.items.map((source) => automatedBackupView(cloud, source)) }
}

function statusOf(source: BackedUp): 'active' | 'retained' | 'creating' {
  if (isRetained(source)) return 'retained'
  return source.restorable === null ? 'creating' : 'active'
}

export function automatedBackupView({ dataPort }: AwsCloud, source: BackedUp): DBInstanceAutomatedBackup {
  const { restorable, settings } = source
  return {
    DBInstanceArn: arn(source.region, 'db', source.id),
    DbiResourceId: source.resourceId,
    Region: source.region,
    DBInstanceIdentifier: source.id,
    RestoreWindow: restorable === null ? {} : { EarliestTime: restorable.earliest, LatestTime: restorable.latest },
    AllocatedStorage: source.storageGib,
    Status: statusOf(source),
    Port: dataPort,
    AvailabilityZone: source.zone,
    VpcId: VPC,
    InstanceCreateTime: source.createdAt,
    MasterUsername: source.masterUsername,
    Engine: 'postgres',
    EngineVersion: source.engineVersion,
    LicenseModel: settings.licenseModel,
    Iops: source.iops,
    StorageThroughput: source.throughput,
    OptionGroupName: `default:postgres-${source.major}`,
    Encrypted: settings.encrypted,
    StorageType: source.storageType,
    KmsKeyId: settings.kmsKeyId,
    IAMDatabaseAuthenticationEnabled: source.iamAuthentication ?? false,
    BackupRetentionPeriod: source.backupRetentionDays,
    PreferredBackupWindow: settings.backupWindow,
    DBInstanceAutomatedBackupsArn: backupsArn(source),
    DBInstanceAutomatedBackupsReplications: [],
    BackupTarget: 'region',
    TagList: tagList(source.tags),
  }
}
