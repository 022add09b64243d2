/** The fleet file's entries once parsed, with defaults filled in. `fleet.schema.ts` is the schema of the file itself. */
import type { Endpoint } from './endpoint'
import type { Micros } from './money'

/** Clouds that there is an adapter for, and whose databases operations serve. */
export type Cloud = 'aws' | 'azure' | 'gcp'
export type TlsMode = 'disable' | 'require' | 'verify-full'

/** A reference such as `env:SHOP_PASSWORD` or `file:/run/secrets/shop`. Resolved inside activities; never the secret itself. */
export type SecretRef = string

/** How to reach a database as one role. Without `host` and `port` the cloud's own endpoint of the instance is used. */
export interface Connection {
  readonly user: string
  readonly secret: SecretRef
  readonly host: string | null
  readonly port: number | null
  readonly tls: TlsMode
}

export interface SqlCheck {
  /** Lower-case words joined by hyphens; unique among the database's checks. */
  readonly id: string
  readonly title: string
  /** One SELECT. An invariant returns its violations (none is right); a smoke query returns at least one row. */
  readonly sql: string
}

export interface Checks {
  /** Tables as `schema.table` whose rows a migration must not lose: counts never fall below those before it. */
  readonly rowCounts: readonly string[]
  readonly invariants: readonly SqlCheck[]
  readonly smoke: readonly SqlCheck[]
}

/** What a rehearsal may cost before the verdict is no. Null: not limited. */
export interface Limits {
  /** Longest time that a lock which blocks writes may be held on a table that existed before, in milliseconds. */
  readonly writeBlockMsMax: number | null
  /** Rows of an existing table that a statement may rewrite. */
  readonly rewriteRowsMax: number | null
  /** Longest single statement, in milliseconds. */
  readonly statementMsMax: number | null
  /** Write-ahead log of the whole migration, in bytes. */
  readonly walBytesMax: number | null
}

/** How many days, weeks, months and years; 0: no such generation. `daily` is never 0. What follows from it: `generations.ts`. */
export interface GenerationPolicy {
  readonly daily: number
  readonly weekly: number
  readonly monthly: number
  readonly yearly: number
}

/** Where `capstan snapshot` copies each snapshot that it takes. */
export interface SnapshotCopyPolicy {
  /** Another one than the database's own. */
  readonly region: string
  /** The key that the copy is encrypted with, of that region; null: the source is copied as it is, an encrypted one with the cloud's default key there. */
  readonly key: string | null
  /** What is restored of the copy there, in that region, is given. Absent: nothing can be. */
  readonly canary?: AwsCanary
  /** Of that region. Absent: none are declared, or nothing can be restored there. */
  readonly prices?: CopyPrices
}

export interface MigrationPolicy {
  /** `required`: the operation waits for an approval of its plan's digest. */
  readonly approval: 'none' | 'required'
  readonly limits: Limits
  readonly lockTimeoutMs: number
  /** Attempts to get a statement's locks, the first included. */
  readonly lockAttempts: number
  /** How long the checks go on each second after the migration. */
  readonly bakeSeconds: number
  /** How long the snapshot taken before the migration is kept, in hours. */
  readonly snapshotRetentionHours: number
  /** Where the first snapshot of a week, month or year is kept longer. Then `snapshotRetentionHours` is what each is kept at least. */
  readonly snapshotGenerations?: GenerationPolicy
  /** Absent: nowhere. */
  readonly snapshotCopies?: readonly SnapshotCopyPolicy[]
  /** How much of what was written last may be lost by a failover that nobody is asked about. Absent: it is asked. */
  readonly failover?: { readonly allowLossMs: number }
}

/** What recovery has to keep. Null: nothing is declared. */
export interface Objectives {
  /** How much of what was written last may be lost, in milliseconds. */
  readonly rpoMs: number | null
  /** How long a recovery may take, in milliseconds. */
  readonly rtoMs: number | null
  /** How old the last proof of a backup may be. */
  readonly verifyEveryHours: number | null
}

/** A role of an application, as it logs in on a restored copy. */
export interface DeclaredLogin extends Pick<Connection, 'user' | 'secret' | 'tls'> {
  /** One SELECT that it must be allowed, whatever it returns; null: the login alone. */
  readonly sql: string | null
}

/** What is absent is the default. */
export interface VerificationPolicy {
  /** What a verification may take until its copy is removed and it fails: a copy costs as long as it is there. */
  readonly hoursMax?: number
  /** What the copy of one verification may cost, in the currency of `prices`: its time is shortened to what that pays for. */
  readonly costMicrosMax?: Micros
  /** What a volume that grows by itself is reckoned as. */
  readonly volumeGib?: number
  /** The word of whoever reviews the fleet file: nothing acts by itself in the instance, nor did at any moment that can be restored. */
  readonly neverActs?: true
  readonly logins?: readonly DeclaredLogin[]
}

/** What copies cost where a database is: declared in the fleet file, since no cloud tells by the interface that restores. */
export interface CopyPrices {
  /** Three letters; one for the whole fleet. */
  readonly currency: string
  /** By the class's name as the cloud spells it. */
  readonly classMicrosPerHour: Readonly<Record<string, Micros>>
  readonly storageMicrosPerGibMonth: Micros
  /** What is billed at least, however short it was. */
  readonly billedSecondsMin: number
  /** Time is billed in whole ones of these. */
  readonly billedSecondsStep: number
}

export interface ManifestPolicy {
  /** What reading it may take, each time; what is not read by then is left out. */
  readonly minutesMax: number
}

/** As the source's entry in the fleet file declares it. */
export interface DeclaredStandby {
  /** The standby's own name in the fleet file. */
  readonly database: string
  /** As whom it logs in at the source. `disable`: in the open; `require`: encrypted, and the server proves that it knows the password (channel
   *  binding); `verify-full`: by a public authority, which a subscriber can ask from PostgreSQL 16 on. */
  readonly publisher: Connection
  /** Log that its slot may hold back on the source, in bytes. Above it the slot is dropped and the standby has to be seeded anew. */
  readonly retainedBytesMax: number
  /** How late it may be before it is told as late, in milliseconds. */
  readonly lagMsMax: number
  /** As whom the source logs in at the standby once writing has moved there, so that it follows. Absent: there is no way back. */
  readonly wayBack?: Connection
  /** Absent: it is compared only when somebody asks for it. */
  readonly compare?: ComparedByClock
  /** How large its disk may be made before rows are copied, in GiB. Absent: it stays as it is. */
  readonly growToGib?: number
  /** How long a migration waits, at each file, for what came before it to be there. Absent: 20 minutes. */
  readonly carryWithinMs?: number
}

/** The rows of a standby are held against its source's, in milliseconds. */
export interface ComparedByClock {
  readonly everyMs: number
  /** What is not compared by then is left. */
  readonly withinMs: number
}

/** What an entry says whatever its cloud. */
interface AnyDatabase {
  /** Unique in the fleet: lower-case letters, digits and hyphens. */
  readonly name: string
  /** The AWS account, the Azure subscription, the Google Cloud project. */
  readonly account: string
  /** In the cloud's own word: `eu-central-1`, `westeurope`, `europe-west3`. */
  readonly region: string
  /** The cloud's identifier of the instance; on Azure the server's name, of Aurora the cluster's. */
  readonly instance: string
  /** The PostgreSQL database's name. */
  readonly database: string
  readonly environment: string
  readonly labels: Readonly<Record<string, string>>
  readonly connections: { readonly admin: Connection; readonly migrator: Connection }
  /** Folder of the migrations, relative to the fleet file; null: none are declared. */
  readonly migrations: string | null
  readonly checks: Checks
  readonly policy: MigrationPolicy
  /** Absent: none are declared. */
  readonly objectives?: Objectives
  /** Absent: the default. */
  readonly verification?: VerificationPolicy
  /** Absent: the default. */
  readonly manifest?: ManifestPolicy
  /** Of its cloud and region. Absent: none are declared. */
  readonly prices?: CopyPrices
  /** What its applications connect to. Absent: only a person can move them. */
  readonly endpoint?: Endpoint
  /** In other clouds. Absent: none are declared. */
  readonly standbys?: readonly DeclaredStandby[]
  /** Databases of the fleet in read replicas of this instance, which its own cloud keeps: their names. Absent: none are declared. */
  readonly replicas?: readonly string[]
}

interface AwsDatabase extends AnyDatabase {
  readonly cloud: 'aws'
  /** `instance` is a cluster of Aurora; absent: an instance of RDS. */
  readonly aurora?: true
  readonly canary: AwsCanary
}

/** What a copy of an instance is given. */
export interface AwsCanary {
  /** They let only the control plane in. */
  readonly securityGroups: readonly string[]
  /** Null: the source's own class. */
  readonly instanceClass: string | null
  /** In another region, where the instance has none. Absent: the instance's, there the account's default. */
  readonly subnetGroup?: string
}

interface AzureDatabase extends AnyDatabase {
  readonly cloud: 'azure'
  readonly resourceGroup: string
  /** Holds the copies of this database, and nothing but copies. Absent: they are made in `resourceGroup`. */
  readonly copiesResourceGroup?: string
  /** Azure restores a server with its source's class. */
  readonly canary: {
    /** IPv4 networks, as `10.1.2.0/24`: they let only the control plane in. */
    readonly networks: readonly string[]
  }
}

interface GcpDatabase extends AnyDatabase {
  readonly cloud: 'gcp'
  readonly canary: {
    readonly networks: readonly string[]
    readonly instanceClass: string | null
  }
}

/** One PostgreSQL database in one managed instance. */
export type DatabaseEntry = AwsDatabase | AzureDatabase | GcpDatabase

/** What verifying the whole fleet may cost each time. What is absent is not limited, or the default. */
export interface FleetVerification {
  readonly restoresPerRun?: number
  /** In one region. */
  readonly copiesAtOnce?: number
  readonly money?: NightMoney
}

/** What all verifications of a night may cost together. */
export interface NightMoney {
  readonly microsPerNight: Micros
  readonly currency: string
  /** How far back what was spent counts. */
  readonly nightMs: number
}

export interface Fleet {
  readonly version: 1
  readonly databases: readonly DatabaseEntry[]
  /** Absent: the default. */
  readonly verification?: FleetVerification
}

/** Reached at the address that its cloud gives: the host of the fleet file may be the very name that is moved. */
export function atItsAddress(entry: DatabaseEntry): DatabaseEntry {
  const { admin, migrator } = entry.connections
  const own = { host: null, port: null }
  return { ...entry, connections: { admin: { ...admin, ...own }, migrator: { ...migrator, ...own } } }
}

/** The scope of an instance's lock: `lock/<cloud>/<account>/<region>/<resource>`. An instance and a cluster of the same name in one region have one lock. A server's name is Azure's once only, so that its resource group
 *  is no part of it: a group's name may be spelled in several ways, and two spellings would be two locks on one instance. */
export function lockScope(entry: Pick<DatabaseEntry, 'cloud' | 'account' | 'region' | 'instance'>): string {
  return `lock/${entry.cloud}/${entry.account}/${entry.region}/${entry.instance.toLowerCase()}`
}
