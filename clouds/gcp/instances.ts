/** Cloud SQL instances: found, listed, made, changed, removed. */
import type { protos } from '@google-cloud/sql'
import { Failure, failure } from '../../contracts/failures'
import { assertMine, assertRemovable, assertRunning, assertVery, instanceNotFound, requireSize } from '../owner'
import type {
  CallOptions,
  ChangeOptions,
  InstanceDescription,
  InstanceRef,
  ManagedPostgres,
  OperationDescription,
  Started,
} from '../port'
import type { CloudSql, Instance, Operation, Settings } from './client'
import { instanceDescription, instantOf, isUnfinished, operationDescription } from './describe'
import { isNotFound } from './failures'
import { ownersLabels, tagsOfLabels } from './labels'

export const ADOPTED: Started = { operation: null }
/** The only master that Cloud SQL makes. */
export const MASTER = 'postgres'
type BackupConfiguration = protos.google.cloud.sql.v1.IBackupConfiguration

export async function findInstance(sql: CloudSql, instance: string, options: CallOptions): Promise<Instance | null> {
  const { project } = sql.config
  return sql.ask('instances.get', options, async ({ instances }) => {
    try {
      return (await instances.get({ project, instance }))[0]
    } catch (error) {
      if (isNotFound(error)) return null
      throw error
    }
  })
}

/** @throws INSTANCE_NOT_FOUND. */
export async function requireInstance(sql: CloudSql, name: string, options: CallOptions): Promise<Instance> {
  const found = await findInstance(sql, name, options)
  if (found === null) throw instanceNotFound('Cloud SQL', name)
  return found
}

/** What was asked of the very instance, newest first: an earlier one of its name has left its own. The newest hundred tell what it is at; `since`: whatever
 *  was begun later than that, however much it is. */
export async function operationsOf(
  sql: CloudSql,
  found: Instance,
  options: CallOptions,
  since: string | null = null,
): Promise<readonly Operation[]> {
  const asked = { project: sql.config.project, instance: found.name ?? '', maxResults: 100 }
  const createdAt = instantOf(found.createTime) ?? ''
  const all: Operation[] = []
  let pageToken = ''
  do {
    const [page] = await sql.ask('operations.list', options, ({ operations }) =>
      operations.list({ ...asked, ...(pageToken && { pageToken }) }),
    )
    const items = page.items ?? []
    all.push(...items)
    const isAll = since === null || (instantOf(items.at(-1)?.insertTime) ?? '9') <= since
    pageToken = isAll ? '' : (page.nextPageToken ?? '')
  } while (pageToken)
  // The operation that makes an instance is written down a moment before the instance is.
  return all.filter((one) => isUnfinished(one) || (instantOf(one.endTime) ?? '9') >= createdAt)
}

/** What changed it and was over by the time that it was asked for is in what is found, which is asked for once more. Null: there is none of the name. */
export async function findSettled(
  sql: CloudSql,
  name: string,
  options: CallOptions,
): Promise<{ readonly found: Instance; readonly description: InstanceDescription } | null> {
  const before = await findInstance(sql, name, options)
  if (before === null) return null
  const operations = await operationsOf(sql, before, options)
  const found = await findInstance(sql, name, options)
  if (found === null) return null
  return { found, description: instanceDescription(found, operations, sql.config.port) }
}

export async function describeOperation(sql: CloudSql, operation: string, options: CallOptions): Promise<OperationDescription> {
  return sql.ask('operations.get', options, async ({ operations }) => {
    const [found] = await operations.get({ project: sql.config.project, operation })
    return operationDescription(found)
  })
}

export async function describe(sql: CloudSql, found: Instance, options: CallOptions): Promise<InstanceDescription> {
  return instanceDescription(found, await operationsOf(sql, found, options), sql.config.port)
}

/** @throws INSTANCE_NOT_FOUND, TARGET_MISMATCH. */
export async function requireVery(sql: CloudSql, instance: InstanceRef, options: CallOptions): Promise<Instance> {
  const found = await requireInstance(sql, instance.name, options)
  assertVery('Cloud SQL', instanceDescription(found, []), instance)
  return found
}

export async function allInstances(sql: CloudSql, options: CallOptions): Promise<Instance[]> {
  const { project, region } = sql.config
  return sql.ask('instances.list', options, async ({ instances }) => {
    const found: Instance[] = []
    let pageToken = ''
    do {
      const [page] = await instances.list({ project, ...(pageToken && { pageToken }) })
      found.push(...(page.items ?? []))
      pageToken = page.nextPageToken ?? ''
    } while (pageToken)
    return found.filter((one) => one.region === region && String(one.databaseVersion).startsWith('POSTGRES_'))
  })
}

/** With what is going on in each, as far as one page of the project's newest operations tells. */
export async function listInstances(sql: CloudSql, options: CallOptions): Promise<InstanceDescription[]> {
  const { project, port } = sql.config
  const found = await allInstances(sql, options)
  const recent = await sql.ask('operations.list', options, async ({ operations }) => {
    const [page] = await operations.list({ project, maxResults: 100 })
    return (page.items ?? []).filter(isUnfinished)
  })
  return found.map((raw) =>
    instanceDescription(
      raw,
      recent.filter(({ targetId }) => targetId === raw.name),
      port,
    ),
  )
}

export function assertOwn(found: Instance, owner: Parameters<typeof assertMine>[2]): void {
  assertMine(`Instance ${found.name}`, tagsOfLabels(found.settings?.userLabels), owner)
}

/** `db-perf-optimized-…` are of the dearer edition, which is the default from PostgreSQL 16 on and has none of the others. */
export function editionOf(tier: string): 'ENTERPRISE' | 'ENTERPRISE_PLUS' {
  return tier.startsWith('db-perf-optimized-') ? 'ENTERPRISE_PLUS' : 'ENTERPRISE'
}

export async function insertInstance(sql: CloudSql, body: Instance, options: ChangeOptions): Promise<Started> {
  const { project } = sql.config
  return sql
    .start('instances.insert', options, ({ instances }) => instances.insert({ project, body }))
    .catch((error) => {
      // Made by an attempt whose answer was lost, or by somebody: the next look tells whose it is.
      if (error instanceof Failure && error.facts.error === 'instanceAlreadyExists') {
        throw failure('NOT_READY_YET', `Instance ${body.name} was made meanwhile.`)
      }
      throw error
    })
}

export async function startCreate(
  sql: CloudSql,
  input: Parameters<ManagedPostgres['startCreate']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const existing = await findInstance(sql, input.instance, options)
  if (existing !== null) {
    assertOwn(existing, input.owner)
    return ADOPTED
  }
  if (input.master.name !== MASTER) {
    throw failure('CLOUD_REFUSED', `The master of a Cloud SQL instance is ${MASTER}; "${input.master.name}" was wanted.`)
  }
  const backupConfiguration: BackupConfiguration = { enabled: { value: true }, pointInTimeRecoveryEnabled: { value: true } }
  const settings: Settings = {
    tier: input.instanceClass,
    edition: editionOf(input.instanceClass),
    dataDiskSizeGb: { value: requireSize(input) },
    userLabels: ownersLabels(input.owner),
    deletionProtectionEnabled: { value: input.deletionProtected },
    ipConfiguration: { ipv4Enabled: { value: true } },
    backupConfiguration,
  }
  const { region } = sql.config
  const databaseVersion = `POSTGRES_${input.engineVersion}` as Exclude<Instance['databaseVersion'], number | null | undefined>
  const rootPassword = input.master.password
  return insertInstance(sql, { name: input.instance, region, databaseVersion, rootPassword, settings }, options)
}

export async function startRestart(sql: CloudSql, instance: InstanceRef, options: ChangeOptions): Promise<Started> {
  const found = await requireVery(sql, instance, options)
  const operations = await operationsOf(sql, found, options)
  assertRunning(instanceDescription(found, operations))
  const restarting = operations.find((one) => isUnfinished(one) && one.operationType === 'RESTART')
  if (restarting) return { operation: restarting.name || null }
  return sql.start('instances.restart', options, ({ instances }) =>
    instances.restart({ project: sql.config.project, instance: instance.name }),
  )
}

export async function resetPassword(
  sql: CloudSql,
  input: Parameters<ManagedPostgres['startPasswordReset']>[0],
  options: ChangeOptions,
): Promise<Started> {
  // A password is only ever reset on a copy that this operation made.
  assertOwn(await requireInstance(sql, input.instance, options), input)
  const { project } = sql.config
  return sql.start('users.update', options, ({ users }) =>
    users.update({ project, instance: input.instance, name: MASTER, body: { password: input.password } }),
  )
}

export function deleteInstance(sql: CloudSql, instance: string, options: ChangeOptions): Promise<Started> {
  return sql.start('instances.delete', options, ({ instances }) => instances.delete({ project: sql.config.project, instance }))
}

export async function startRemoval(
  sql: CloudSql,
  input: Parameters<ManagedPostgres['startRemoval']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const found = await findInstance(sql, input.instance.name, options)
  if (found === null || found.state === 'PENDING_DELETE') return ADOPTED
  assertRemovable('Cloud SQL', instanceDescription(found, []), input)
  return deleteInstance(sql, input.instance.name, options)
}
