/** Cloud SQL instances: found, listed, made, changed, removed. */
import type { protos } from '@google-cloud/sql'
import { Failure, failure } from '../../contracts/failures'
import { canonicalNetwork } from '../networks'
import { assertMine, assertRemovable, assertVery, instanceNotFound } from '../owner'
import type { CallOptions, ChangeOptions, InstanceDescription, InstanceRef, ManagedPostgres, Started } from '../port'
import type { CloudSql, Instance, Operation, Settings } from './client'
import { instanceDescription, instantOf, isUnfinished } from './describe'
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

/** What was asked of the very instance, newest first: an earlier one of its name has left its own. */
export async function operationsOf(sql: CloudSql, found: Instance, options: CallOptions): Promise<readonly Operation[]> {
  const { project } = sql.config
  const createdAt = instantOf(found.createTime) ?? ''
  return sql.ask('operations.list', options, async ({ operations }) => {
    const [page] = await operations.list({ project, instance: found.name ?? '', maxResults: 100 })
    // The operation that makes an instance is written down a moment before the instance is.
    return (page.items ?? []).filter((one) => isUnfinished(one) || (instantOf(one.endTime) ?? '9') >= createdAt)
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
    dataDiskSizeGb: { value: input.storageGib },
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

/** What is not named stays. Labels are sent along: the client says `{}` for those that it was not given. A version that was overtaken is refused. */
export function patchSettings(sql: CloudSql, found: Instance, wanted: Settings, options: ChangeOptions): Promise<Started> {
  const { settingsVersion, userLabels } = found.settings ?? {}
  const settings = { userLabels: userLabels ?? {}, ...wanted, ...(settingsVersion && { settingsVersion }) }
  return sql.start('instances.patch', options, ({ instances }) =>
    instances.patch({ project: sql.config.project, instance: found.name ?? '', body: { settings } }),
  )
}

/** The whole of them, where something has to become empty: the client leaves empty lists out, so that a patch cannot say them. */
function replaceSettings(sql: CloudSql, found: Instance, wanted: Settings, options: ChangeOptions): Promise<Started> {
  const { databaseVersion, name, region } = found
  const settings = told({ ...found.settings, ...wanted }) as Settings
  return sql.start('instances.update', options, ({ instances }) =>
    instances.update({
      project: sql.config.project,
      instance: name ?? '',
      body: told({ databaseVersion, name, region, settings }) as Instance,
    }),
  )
}

/** Without the defaults by which the client shows what an answer left out. */
function told(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(told)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).map(([name, field]) => [name, told(field)] as const)
  return Object.fromEntries(
    fields.filter(([, field]) => {
      if (field === null || field === undefined || field === '') return false
      if (Array.isArray(field)) return field.length > 0
      return !(typeof field === 'string' && field.endsWith('_UNSPECIFIED'))
    }),
  )
}

export async function startScale(
  sql: CloudSql,
  { instance, instanceClass, storageGib }: Parameters<ManagedPostgres['startScale']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const found = await requireVery(sql, instance, options)
  const { tier, dataDiskSizeGb } = found.settings ?? {}
  const wanted: Settings = {
    ...(instanceClass === null || instanceClass === tier ? {} : { tier: instanceClass, edition: editionOf(instanceClass) }),
    ...(storageGib === null || storageGib <= Number(dataDiskSizeGb?.value ?? 0) ? {} : { dataDiskSizeGb: { value: storageGib } }),
  }
  return Object.keys(wanted).length === 0 ? ADOPTED : patchSettings(sql, found, wanted, options)
}

export async function startRestart(sql: CloudSql, instance: InstanceRef, options: ChangeOptions): Promise<Started> {
  const found = await requireVery(sql, instance, options)
  const operations = await operationsOf(sql, found, options)
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

export async function setNetworkRules(
  sql: CloudSql,
  { instance, networkRules }: Parameters<ManagedPostgres['setNetworkRules']>[0],
  options: ChangeOptions,
): Promise<{ done: boolean }> {
  const found = await requireVery(sql, instance, options)
  const wanted = new Set(networkRules.map(canonicalNetwork))
  const standing = new Set(found.settings?.ipConfiguration?.authorizedNetworks?.map(({ value }) => canonicalNetwork(value ?? '')))
  if (wanted.size === standing.size && [...wanted].every((network) => standing.has(network))) {
    const unfinished = (await operationsOf(sql, found, options)).some(
      (one) => isUnfinished(one) && one.operationType === 'UPDATE',
    )
    return { done: !unfinished }
  }
  await letIn(sql, found, { networkRules, more: {} }, options)
  return { done: false }
}

/** With `more` that is to change with it. */
export function letIn(
  sql: CloudSql,
  found: Instance,
  { networkRules, more }: { networkRules: readonly string[]; more: Settings },
  options: ChangeOptions,
): Promise<Started> {
  const authorizedNetworks = networksOf(networkRules)
  if (authorizedNetworks.length > 0)
    return patchSettings(sql, found, { ...more, ipConfiguration: { authorizedNetworks } }, options)
  const ipConfiguration = { ...found.settings?.ipConfiguration, authorizedNetworks }
  return replaceSettings(sql, found, { ...more, ipConfiguration }, options)
}

export function networksOf(networkRules: readonly string[]): { name: string; value: string }[] {
  return networkRules.map((network) => ({ name: 'capstan', value: canonicalNetwork(network) }))
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
