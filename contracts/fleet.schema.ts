/** The schema of `fleet.yaml` as it is written: durations and sizes are text with a unit, most of the policy may be left out.
 *  Every `description` completes the sentence "it must be …" for a person whose file is wrong. Only doors load this file. */
import { type Static, type TSchema, Type } from 'typebox'
import { FileConnection } from './fleet-connection.schema'
import { FileEndpoint } from './fleet-endpoint.schema'
import { FilePrices, FleetVerification } from './fleet-prices.schema'
import { FileReplicas, FileStandbys } from './fleet-standbys.schema'
import { amount, CLOUDS, closed, duration, instanceClass, orUnlimited, securityGroups, text, tlsMode } from './fleet-words.schema'
import type { ScheduledKind } from './schedule'

const FileCheck = Type.Object(
  {
    id: text('lower-case words joined by hyphens, such as orders-have-customers', '^[a-z0-9]+(-[a-z0-9]+)*$'),
    title: text('one line for people'),
    sql: text('one SELECT', '\\S'),
  },
  { ...closed, description: 'a check with id, title and sql' },
)

const FileChecks = Type.Object(
  {
    rowCounts: Type.Optional(
      Type.Array(text('a table as schema.table, 63 bytes each at most', '^[^.\\s][^.]*\\.[^.]*[^.\\s]$'), {
        description: 'a list of tables as schema.table',
      }),
    ),
    invariants: Type.Optional(Type.Array(FileCheck, { description: 'a list of checks whose SELECT returns the violations' })),
    smoke: Type.Optional(Type.Array(FileCheck, { description: 'a list of checks whose SELECT returns at least one row' })),
  },
  { ...closed, description: 'rowCounts, invariants and smoke' },
)

const FileLimits = Type.Object(
  {
    writeBlock: Type.Optional(orUnlimited(duration('500ms'), 'a time with its unit, such as 500ms, or null for no limit')),
    rewriteRows: Type.Optional(orUnlimited(Type.Integer({ minimum: 0 }), 'a whole number of rows, or null for no limit')),
    statement: Type.Optional(orUnlimited(duration('10m'), 'a time with its unit, such as 10m, or null for no limit')),
    wal: Type.Optional(
      orUnlimited(
        Type.String({ pattern: '^[0-9]+(\\.[0-9]+)?(B|kB|KB|MB|GB|TB)$' }),
        'a size with its unit (B, kB, MB, GB, TB), such as 1GB, or null for no limit',
      ),
    ),
  },
  { ...closed, description: 'writeBlock, rewriteRows, statement and wal' },
)

/** Which generations there are, and how many of each may be, the reader says. */
const generations = Type.Record(Type.String(), Type.Unknown())
const RETENTION = 'a time with its unit, such as 7d, or generations such as { daily: 7, weekly: 4, monthly: 12, yearly: 2 }'

const AWS_REGION = '^[a-z]+(-[a-z]+)+-[0-9]{1,2}$'

const policy = {
  approval: Type.Optional(Type.Union([Type.Literal('none'), Type.Literal('required')], { description: 'none or required' })),
  limits: Type.Optional(FileLimits),
  lockTimeout: Type.Optional(duration('500ms')),
  lockAttempts: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'a whole number, 1 to 1000' })),
  bake: Type.Optional(duration('10s')),
  snapshotRetention: Type.Optional(Type.Union([duration('7d'), generations], { description: RETENTION })),
  failover: Type.Optional(
    Type.Object(
      { allowLoss: duration('30s') },
      { ...closed, description: 'allowLoss: how much a failover may lose without anybody being asked' },
    ),
  ),
}

const ofPolicy = {
  ...closed,
  description: 'approval, limits, lockTimeout, lockAttempts, bake, snapshotRetention, snapshotCopies and failover',
}

/** Of another region: nothing there is the instance's. */
const CanaryElsewhere = Type.Object(
  {
    securityGroups: securityGroups('a list with at least one security group of that region that lets only the control plane in'),
    instanceClass: instanceClass('db.t4g.medium'),
    subnetGroup: Type.Optional(text('the name of a DB subnet group of that region, such as vault', '^[A-Za-z0-9._ -]{1,255}$')),
  },
  { ...closed, description: 'what is restored there is given, with securityGroups' },
)

const KMS_KEY = 'the id, the ARN or the alias of a key of that region, such as alias/backups'
const FileSnapshotCopy = Type.Object(
  {
    region: text('a region such as eu-west-1', AWS_REGION),
    kmsKey: Type.Optional(
      text(KMS_KEY, '^(arn:aws[a-z-]*:kms:\\S+|alias/\\S+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$'),
    ),
    canary: Type.Optional(CanaryElsewhere),
  },
  {
    ...closed,
    description: 'a copy with region, kmsKey where it is not the default key, and canary where it may be restored there',
  },
)

const AwsPolicy = Type.Object(
  {
    ...policy,
    snapshotCopies: Type.Optional(
      Type.Array(FileSnapshotCopy, {
        minItems: 1,
        maxItems: 10,
        description: 'a list of one to ten regions such as { region: eu-west-1, kmsKey: alias/backups }',
      }),
    ),
  },
  ofPolicy,
)

/** Why there are none on the other clouds the reader says. */
const OtherPolicy = Type.Object({ ...policy, snapshotCopies: Type.Optional(Type.Unknown()) }, ofPolicy)

const FileObjectives = Type.Object(
  {
    rpo: Type.Optional(duration('5m')),
    rto: Type.Optional(duration('2h')),
    verifyEvery: Type.Optional(duration('7d')),
  },
  { ...closed, description: 'rpo, rto and verifyEvery' },
)

/** Of a restored copy, whose address is its own. */
const FileLogin = Type.Object(
  {
    user: FileConnection.properties.user,
    secret: FileConnection.properties.secret,
    tls: Type.Optional(tlsMode()),
    sql: Type.Optional(text('one SELECT', '\\S')),
  },
  { ...closed, description: 'a login with user and secret, and the sql that it must be allowed' },
)

const FileVerification = Type.Object(
  {
    maxHours: Type.Optional(Type.Integer({ minimum: 1, maximum: 168, description: 'a whole number of hours, 1 to 168' })),
    maxCost: Type.Optional(amount('an amount above 0 such as 2.50, in the currency of prices')),
    volumeGib: Type.Optional(Type.Integer({ minimum: 1, maximum: 262_144, description: 'a whole number of GiB, 1 to 262144' })),
    neverActs: Type.Optional(
      Type.Literal(true, { description: 'true where nothing ever acts by itself in the instance, else left out' }),
    ),
    logins: Type.Optional(
      Type.Array(FileLogin, { description: 'a list of roles of applications that must be able to log in on a copy' }),
    ),
  },
  { ...closed, description: 'maxHours, maxCost, volumeGib, neverActs and logins' },
)

const FileManifest = Type.Object(
  { maxMinutes: Type.Integer({ minimum: 1, maximum: 25, description: 'a whole number of minutes, 1 to 25' }) },
  { ...closed, description: 'maxMinutes' },
)

const FileSchedule = Type.Object(
  {
    at: Type.Optional(text('a time of the day in quotes, such as "03:00"', '^[0-9]{2}:[0-9]{2}$')),
    every: Type.Optional(duration('6h')),
    cron: Type.Optional(text('five fields in quotes, such as "30 2 * * mon-fri"')),
    timeZone: Type.Optional(text('a name of the time zone database, such as Europe/Berlin')),
    jitter: Type.Optional(duration('10m')),
    catchUp: Type.Optional(duration('24h')),
    waitForLock: Type.Optional(duration('1h')),
  },
  { ...closed, description: 'at, every or cron, with timeZone, jitter, catchUp and waitForLock' },
)

/** Not by cron: whether it ran often enough is told from the time between two runs. */
const FileOrphans = Type.Omit(FileSchedule, ['cron', 'waitForLock'], {
  ...closed,
  description: 'at or every, with timeZone, jitter and catchUp',
})

/** One for each kind of operation that may run by the clock: the compiler asks for it. */
const FileSchedules = Type.Object(
  { snapshot: Type.Optional(FileSchedule), 'verify-backup': Type.Optional(FileSchedule) } satisfies Record<
    ScheduledKind,
    unknown
  >,
  { ...closed, description: 'schedules by the name of their operation' },
)

const name = text(
  'lower-case letters, digits and single hyphens between them, beginning with a letter, 40 at most',
  '^(?=.{1,40}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$',
)

const place = {
  database: text('the name of a PostgreSQL database, 63 bytes at most'),
  environment: text('lower-case letters, digits and hyphens, such as production', '^[a-z][a-z0-9-]*$'),
  labels: Type.Optional(
    Type.Record(Type.String(), Type.String({ description: 'text, in quotes where it looks like a number' }), {
      description: 'names with texts',
    }),
  ),
}

const work = <Policy extends TSchema>(policy: Policy) => ({
  migrations: Type.Optional(text('the folder of the migrations, relative to this file')),
  checks: Type.Optional(FileChecks),
  policy: Type.Optional(policy),
  objectives: Type.Optional(FileObjectives),
  verification: Type.Optional(FileVerification),
  manifest: Type.Optional(FileManifest),
  endpoint: Type.Optional(FileEndpoint),
  schedules: Type.Optional(FileSchedules),
  standbys: Type.Optional(FileStandbys),
  replicas: Type.Optional(FileReplicas),
})

const connections = Type.Object(
  { admin: FileConnection, migrator: FileConnection },
  { ...closed, description: 'the connections admin and migrator' },
)

/** Not a whole continent of addresses: the copy holds production's data. `0.0.0.0` would be all of Azure's services. */
const OCTET = '(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])'
const networks = Type.Array(
  text('an IPv4 network of /8 or smaller, such as 10.1.2.0/24', `^(?!0\\.)${OCTET}(\\.${OCTET}){3}(/([89]|[12][0-9]|3[0-2]))?$`),
  { minItems: 1, description: 'a list with at least one IPv4 network that holds only the control plane, such as 10.1.2.0/24' },
)

const AwsDatabase = Type.Object(
  {
    name,
    cloud: Type.Literal('aws', { description: CLOUDS }),
    account: text('the account’s 12 digits in quotes, such as "123456789012"', '^[0-9]{12}$'),
    region: text('a region such as eu-central-1', AWS_REGION),
    instance: text(
      'the identifier of an RDS instance or an Aurora cluster: letters, digits and single hyphens between them, beginning with a letter, 63 at most',
      '^(?=.{1,63}$)[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*$',
    ),
    aurora: Type.Optional(Type.Boolean({ description: 'true where `instance` is an Aurora cluster, else false' })),
    ...place,
    connections,
    ...work(AwsPolicy),
    canary: Type.Object(
      {
        securityGroups: securityGroups('a list with at least one security group that lets only the control plane in'),
        instanceClass: instanceClass('db.t4g.medium'),
      },
      { ...closed, description: 'the canary’s settings, with securityGroups' },
    ),
  },
  { ...closed, description: 'a database' },
)

const RESOURCE_GROUP = '^(?=.{1,90}$)[\\p{L}\\p{N}._()-]*[\\p{L}\\p{N}_()-]$'

const AzureDatabase = Type.Object(
  {
    name,
    cloud: Type.Literal('azure', { description: CLOUDS }),
    account: text(
      'the subscription’s id in lower case, such as 3f2c1a9e-0b4d-4c57-9d3e-6a1b2c3d4e5f',
      '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
    ),
    resourceGroup: text('the name of the resource group that holds the server, 90 characters at most', RESOURCE_GROUP),
    copiesResourceGroup: Type.Optional(
      text('the name of the resource group that copies are made in, 90 characters at most', RESOURCE_GROUP),
    ),
    region: text('a region by its short name, such as westeurope', '^[a-z]+[a-z0-9]*$'),
    instance: text(
      'the name of a flexible server, without its domain: lower-case letters, digits and hyphens between them, 3 to 63',
      '^(?=.{3,63}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?$',
    ),
    ...place,
    connections,
    ...work(OtherPolicy),
    canary: Type.Object({ networks }, { ...closed, description: 'the canary’s settings, with networks' }),
  },
  { ...closed, description: 'a database' },
)

/** Cloud SQL lets nobody choose its master's name. */
const GoogleAdmin = Type.Object(
  { ...FileConnection.properties, user: text('postgres, since every instance’s master is called so', '^postgres$') },
  { ...closed, description: 'a connection with user and secret' },
)

const GcpDatabase = Type.Object(
  {
    name,
    cloud: Type.Literal('gcp', { description: CLOUDS }),
    account: text('the project’s id, such as shop-production', '^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$'),
    region: text('a region such as europe-west3', '^[a-z]+-[a-z]+[0-9]{1,2}$'),
    instance: text(
      'the name of a Cloud SQL instance, without its project: lower-case letters, digits and hyphens between them, beginning with a letter, 98 at most',
      '^(?=.{1,98}$)[a-z]([a-z0-9-]*[a-z0-9])?$',
    ),
    ...place,
    connections: Type.Object(
      { admin: GoogleAdmin, migrator: FileConnection },
      { ...closed, description: 'the connections admin and migrator' },
    ),
    ...work(OtherPolicy),
    canary: Type.Object(
      { networks, instanceClass: instanceClass('db-custom-2-7680') },
      { ...closed, description: 'the canary’s settings, with networks' },
    ),
  },
  { ...closed, description: 'a database' },
)

/** Of no cloud that there is: what depends on the cloud is not looked at, since nothing about it would be true. */
const OtherDatabase = Type.Object(
  {
    name,
    cloud: Type.Union([Type.Literal('aws'), Type.Literal('azure'), Type.Literal('gcp')], { description: CLOUDS }),
    account: Type.Optional(Type.Unknown()),
    resourceGroup: Type.Optional(Type.Unknown()),
    copiesResourceGroup: Type.Optional(Type.Unknown()),
    region: Type.Optional(Type.Unknown()),
    instance: Type.Optional(Type.Unknown()),
    aurora: Type.Optional(Type.Unknown()),
    ...place,
    connections,
    ...work(OtherPolicy),
    canary: Type.Optional(Type.Unknown()),
  },
  { ...closed, description: 'a database' },
)

/** A database's own schema, by its `cloud`. */
export const DATABASE_SCHEMAS = { aws: AwsDatabase, azure: AzureDatabase, gcp: GcpDatabase, other: OtherDatabase } as const

/** The file as a whole; each database has a schema of its own. */
export const FleetFileSchema = Type.Object(
  {
    version: Type.Literal(1, { description: '1' }),
    databases: Type.Array(Type.Unknown({ description: 'a database' }), { description: 'a list of databases' }),
    verification: Type.Optional(FleetVerification),
    prices: Type.Optional(FilePrices),
    orphans: Type.Optional(FileOrphans),
  },
  { ...closed, description: 'a fleet with version and databases' },
)

export type FleetFileDatabase = Static<typeof AwsDatabase> | Static<typeof AzureDatabase> | Static<typeof GcpDatabase>
export type FleetFileConnection = Static<typeof FileConnection>
export interface FleetFile {
  readonly version: 1
  readonly databases: readonly FleetFileDatabase[]
  readonly verification?: Static<typeof FleetVerification>
  readonly prices?: Static<typeof FilePrices>
  readonly orphans?: Static<typeof FileOrphans>
}
