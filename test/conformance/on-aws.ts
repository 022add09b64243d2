/** RDS and Aurora, reached the same way: over the lab as the shipped policy allows it, or in a real account. */
import { RDS, type RDSClientConfig } from '@aws-sdk/client-rds'
import type { ManagedPostgres } from '../../clouds/port'
import { connect, openLab } from '../lab/fixture'
import { awsIdentity } from '../policies/identities'
import type { OpenCloud, RealAccount } from './cloud-under-test'
import { faultsOf } from './lab-faults'
import { plainQuery } from './query'

/** What the two differ in. */
export interface AwsKind {
  create(config: RDSClientConfig): ManagedPostgres
  /** In a lab. */
  readonly classes: OpenCloud['classes']
  readonly storageGib: number | null
  /** Of parameter groups. */
  readonly family: string
  /** The instance that an instance of the port answers by. */
  writerOf(rds: RDS, instance: string): Promise<string>
  unprotect(rds: RDS, instance: string): Promise<void>
}

export const openAws = (kind: AwsKind, real: RealAccount | null) => () => (real ? openReal(kind, real) : openInLab(kind))

async function openInLab(kind: AwsKind): Promise<OpenCloud> {
  const lab = await openLab()
  await lab.call('PUT', '/_lab/profile', { profile: 'instant' })
  // allowed what the shipped policy allows; the suite's own are called conf-…, which no copy of Capstan's is
  const credentials = await awsIdentity(lab, 'operator', (policy) => policy.replaceAll(':cap-*', ':c*'))
  const adapterIn = (region: string) =>
    kind.create({ region, endpoint: lab.lab.api, credentials: { ...credentials }, maxAttempts: 3 })
  return {
    adapter: adapterIn('us-east-1'),
    account: '000000000000',
    region: 'us-east-1',
    elsewhere: { adapter: adapterIn('eu-west-1'), region: 'eu-west-1' },
    classes: kind.classes,
    storageGib: kind.storageGib,
    masterName: 'boss',
    admitted: [lab.group],
    nobody: ['sg-default'],
    lookEveryMs: 30,
    faults: faultsOf(lab),
    async query({ host, port }, password, sql) {
      const client = await connect(lab.client, { host, port, password, database: 'postgres' })
      return client
        .query(sql)
        .then(({ rows }) => rows)
        .finally(() => client.end())
    },
    ownParameters: (instance) => ownGroup(kind, lab.rds, instance),
    unprotect: async () => {},
    async publish(instance) {
      const DBInstanceIdentifier = await kind.writerOf(lab.rds, instance)
      await lab.rds.modifyDBInstance({ DBInstanceIdentifier, PubliclyAccessible: true, ApplyImmediately: true })
    },
    close: () => lab.remove(),
  }
}

async function openReal(kind: AwsKind, { region, ...wanted }: RealAccount): Promise<OpenCloud> {
  const sdk = new RDS({ region })
  return {
    ...wanted,
    region,
    adapter: kind.create({ region, maxAttempts: 3 }),
    elsewhere: null,
    masterName: 'boss',
    lookEveryMs: 10_000,
    faults: null,
    query: (endpoint, password, sql) => plainQuery({ ...endpoint, user: 'boss', password }, sql),
    ownParameters: (instance) => ownGroup(kind, sdk, instance),
    unprotect: (instance) => kind.unprotect(sdk, instance),
    publish: null,
    close: async () => {},
  }
}

async function ownGroup({ family, writerOf }: AwsKind, rds: RDS, instance: string): Promise<void> {
  const DBParameterGroupName = `${instance}-own`
  await rds.createDBParameterGroup({
    DBParameterGroupName,
    DBParameterGroupFamily: family,
    Description: 'of one instance',
    Tags: [{ Key: 'capstan-operation', Value: 'conformance' }],
  })
  await rds.modifyDBInstance({ DBInstanceIdentifier: await writerOf(rds, instance), DBParameterGroupName })
}
