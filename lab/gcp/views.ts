/** What is remembered, in the API's words. Enumerations by name; the router writes them as the caller wants them. */
import { createHash } from 'node:crypto'
import { type CertificateFacts, factsOf } from '../client-certificate'
import type { Authority } from '../tls'
import { type GcpCloud, replicasOf } from './cloud'
import type { Json, Message } from './protocol/json'
import { type BackupRecord, type OperationRecord, PROJECT, type SqlInstance, type SslCertRecord } from './state'

/** Whom answers name as the caller. */
const CALLER = `operator@${PROJECT}.iam.gserviceaccount.com`

const HOST = 'https://sqladmin.googleapis.com'

export function instanceLink(prefix: string, name: string): string {
  return `${HOST}${prefix}projects/${PROJECT}/instances/${name}`
}

/** `serverCa`: the certificate that its own is vouched for by. */
export function instanceView(cloud: GcpCloud, instance: SqlInstance, prefix: string, serverCa: Authority): Message {
  const { name, region, major, engineVersion, zone, host, createdAt, madeAt } = instance
  const view = {
    kind: 'sql#instance',
    name,
    project: PROJECT,
    state: instance.state,
    databaseVersion: `POSTGRES_${major}`,
    databaseInstalledVersion: `POSTGRES_${engineVersion.replace('.', '_')}`,
    backendType: 'SECOND_GEN',
    instanceType: instance.master === null ? 'CLOUD_SQL_INSTANCE' : 'READ_REPLICA_INSTANCE',
    ...replicationOf(cloud, instance),
    region,
    gceZone: zone,
    ...(instance.settings.availabilityType === 'REGIONAL' && { secondaryGceZone: instance.secondaryZone }),
    connectionName: `${PROJECT}:${region}:${name}`,
    selfLink: instanceLink(prefix, name),
    serviceAccountEmailAddress: `p000000000000-${serial(name, 6)}@gcp-sa-cloud-sql.iam.gserviceaccount.com`,
    maintenanceVersion: `POSTGRES_${engineVersion.replace('.', '_')}.R20260101.00_00`,
    createTime: createdAt,
    serverCaCert: serverCaView(serverCa, name) as Json,
    // an address is known once there is a server
    ...(madeAt !== null && { ipAddresses: [{ type: 'PRIMARY', ipAddress: cloud.addresses.textOf(host) }] }),
    sqlNetworkArchitecture: 'NEW_NETWORK_ARCHITECTURE',
    satisfiesPzi: false,
    ...diskReport(cloud, instance),
    settings: settingsView(instance),
  }
  return { ...view, etag: etagOf(view) }
}

/** The certificate that an instance's own is vouched for by. */
export function serverCaView(authority: Authority, instance: string): Message {
  const { serialNumber, subject, sha1Fingerprint, validFrom, validTo } = known(authority)
  return {
    kind: 'sql#sslCert',
    cert: authority.certificate,
    certSerialNumber: serialNumber,
    commonName: subject,
    sha1Fingerprint,
    instance,
    createTime: validFrom,
    expirationTime: validTo,
  }
}

const AUTHORITIES = new WeakMap<Authority, CertificateFacts>()

function known(authority: Authority): CertificateFacts {
  const facts = AUTHORITIES.get(authority) ?? factsOf(authority.certificate)
  AUTHORITIES.set(authority, facts)
  return facts
}

/** A client's certificate, without its key. */
export function sslCertView(record: SslCertRecord, { name }: SqlInstance, prefix: string): Message {
  const { certificate, serialNumber, commonName, sha1Fingerprint, createdAt, expiresAt } = record
  return {
    kind: 'sql#sslCert',
    cert: certificate,
    certSerialNumber: serialNumber,
    commonName,
    sha1Fingerprint,
    instance: name,
    createTime: createdAt,
    expirationTime: expiresAt,
    selfLink: `${instanceLink(prefix, name)}/sslCerts/${sha1Fingerprint}`,
  }
}

/** Whom it follows, who follows it, and who is to take over. */
function replicationOf(cloud: GcpCloud, instance: SqlInstance): Message {
  const { master, drReplica, name } = instance
  const replicas = replicasOf(cloud, instance).map((replica) => replica.name)
  const designated = master !== null && cloud.state.instances[master]?.drReplica === name
  return {
    ...(master !== null && { masterInstanceName: `${PROJECT}:${master}` }),
    ...(replicas.length > 0 && { replicaNames: replicas }),
    ...(drReplica !== null && { replicationCluster: { failoverDrReplicaName: `${PROJECT}:${drReplica}` } }),
    ...(designated && { replicationCluster: { drReplica: true } }),
  }
}

/** An instance that has no room left is shut down, lest its data be damaged. */
function diskReport(cloud: GcpCloud, { name }: SqlInstance): Message {
  if (!cloud.afflictions.isFull(name)) return {}
  return { outOfDiskReport: { sqlOutOfDiskState: 'SOFT_SHUTDOWN', sqlMinRecommendedIncreaseSizeGb: 5 } }
}

function settingsView({ settings, settingsVersion }: SqlInstance): Json {
  const { ipConfiguration, backupConfiguration, locationPreference } = settings
  return {
    ...settings,
    kind: 'sql#settings',
    settingsVersion: String(settingsVersion),
    ipConfiguration: {
      ...ipConfiguration,
      authorizedNetworks: ipConfiguration.authorizedNetworks.map((entry) => ({ ...entry, kind: 'sql#aclEntry' })),
    },
    backupConfiguration: { ...backupConfiguration, kind: 'sql#backupConfiguration' },
    ...(locationPreference && { locationPreference: { ...locationPreference, kind: 'sql#locationPreference' } }),
  }
}

export function operationView(operation: OperationRecord, prefix: string): Message {
  const { name, type, status, instance, bySystem, insertedAt, startedAt, endedAt, errors, backup } = operation
  return {
    kind: 'sql#operation',
    name,
    operationType: type,
    status,
    ...(!bySystem && { user: CALLER }),
    insertTime: insertedAt,
    startTime: startedAt,
    endTime: endedAt,
    targetId: instance,
    targetProject: PROJECT,
    targetLink: instanceLink(prefix, instance),
    selfLink: `${HOST}${prefix}projects/${PROJECT}/operations/${name}`,
    ...(backup && { backupContext: { kind: 'sql#backupContext', backupId: backup.runId, name: backupName(backup.uid) } }),
    ...(errors.length > 0 && {
      error: {
        kind: 'sql#operationErrors',
        errors: errors.map((error) => ({ kind: 'sql#operationError', ...error })),
      },
    }),
  }
}

/** As a run of its instance. */
export function backupRunView(backup: BackupRecord, prefix: string): Message {
  const { runId, instance, state, error } = backup
  return {
    kind: 'sql#backupRun',
    id: runId,
    instance,
    status: ({ DELETING: 'DELETION_PENDING' } as Record<string, string>)[state] ?? state,
    type: backup.type === 'AUTOMATED' ? 'AUTOMATED' : 'ON_DEMAND',
    backupKind: 'SNAPSHOT',
    description: backup.description,
    location: backup.location,
    databaseVersion: `POSTGRES_${backup.major}`,
    enqueuedTime: backup.enqueuedAt,
    startTime: backup.startedAt,
    endTime: backup.endedAt,
    windowStartTime: backup.enqueuedAt,
    selfLink: `${instanceLink(prefix, instance)}/backupRuns/${runId}`,
    ...(error && { error: { kind: 'sql#operationError', ...error } }),
  }
}

/** As a backup of the project. */
export function backupView(cloud: GcpCloud, backup: BackupRecord, prefix: string): Message {
  const { uid, runId, instance, type, state, startedAt, endedAt, error, expiresAt, instanceDeletedAt } = backup
  const source = cloud.state.instances[instance]
  const known = source && source.createdAt === backup.instanceCreatedAt ? source : undefined
  return {
    kind: 'sql#backup',
    name: backupName(uid),
    selfLink: `${HOST}${prefix}${backupName(uid)}`,
    type,
    state,
    instance,
    description: backup.description,
    location: backup.location,
    backupKind: 'SNAPSHOT',
    databaseVersion: `POSTGRES_${backup.major}`,
    backupRun: `projects/${PROJECT}/instances/${instance}/backupRuns/${runId}`,
    ...(startedAt !== null && { backupInterval: { startTime: startedAt, ...(endedAt !== null && { endTime: endedAt }) } }),
    expiryTime: expiresAt,
    instanceDeletionTime: known ? null : instanceDeletedAt,
    instanceSettings: {
      kind: 'sql#instance',
      name: instance,
      region: backup.region,
      databaseVersion: `POSTGRES_${backup.major}`,
      settings: { ...backup.settings, kind: 'sql#settings' },
    },
    ...(error && { error: { kind: 'sql#operationError', ...error } }),
  }
}

function backupName(uid: string): string {
  return `projects/${PROJECT}/backups/${uid}`
}

export function etagOf(view: object): string {
  return createHash('sha256').update(JSON.stringify(view)).digest('hex')
}

function serial(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length)
}
