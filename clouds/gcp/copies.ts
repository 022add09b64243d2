/** Copies. From a backup: an empty instance is made with the settings that keep it inert, then overwritten with the backup's data, which
 *  brings no flags along; it is inert before it starts with that data. Of an instance that is gone the backup holds how it was set up. To a moment: a clone, which has its source's settings, labels and
 *  protection, and is made inert as soon as it is there. A call each, as an instance does one thing at a time. */
import { type Failure, failure } from '../../contracts/failures'
import { temporaryName } from '../../contracts/operation'
import type { CallOptions, ChangeOptions, CopyRequest, ManagedPostgres, Owner, Started } from '../port'
import { type Described, findBackup } from './backups'
import type { CloudSql, Instance, Operation, Settings } from './client'
import { failureOf, instantOf, isUnfinished, lastRestore } from './describe'
import { ADOPTED, assertOwn, editionOf, findInstance, insertInstance, operationsOf, requireInstance } from './instances'
import { ownersLabels, tagsOfLabels } from './labels'
import { letIn, networksOf } from './settings'

const LOOK_AGAIN_MS = 5_000
/** Act by themselves: schedulers, and the other kind of subscriber. */
const ACTING = /^(cloudsql\.enable_pg_cron|cloudsql\.enable_pglogical|cron\..+|max_logical_replication_workers)$/
const INERT_FLAG = { name: 'max_logical_replication_workers', value: '0' }

function again(message: string): Failure {
  return failure('NOT_READY_YET', message, { retryAfterMs: LOOK_AGAIN_MS })
}

function failed(instance: string, why: string): Failure {
  return failure('RESOURCE_FAILED', `Instance ${instance} could not be restored: ${why}`, { resource: instance })
}

function inertFlags({ settings }: Instance) {
  const kept = (settings?.databaseFlags ?? []).filter(({ name }) => !ACTING.test(name ?? ''))
  return [...kept.map(({ name, value }) => ({ name: name ?? '', value: value ?? '' })), INERT_FLAG]
}

export async function startInertRestore(sql: CloudSql, input: Restore, options: ChangeOptions): Promise<Started> {
  const existing = await findInstance(sql, input.instance, options)
  if (existing === null) {
    const present = input.sourceGone ? null : await requireInstance(sql, input.source, options)
    const backup = await requireBackup(sql, input, options)
    const source = present ?? setupIn(backup, input)
    await insertInstance(sql, newCopy(source, input, inertFlags(source)), options)
    throw again(`Instance ${input.instance} is being made.`)
  }
  assertOwn(existing, input.owner)
  const operations = await operationsOf(sql, existing, options)
  const restore = lastRestore(operations)
  if (restore) {
    const why = failureOf(restore)
    if (why !== null) throw failed(input.instance, why)
    return isUnfinished(restore) ? { operation: restore.name || null } : ADOPTED
  }
  assertUsable(existing, operations)
  const { resource: backup } = await requireBackup(sql, input, options)
  return sql.start('instances.restoreBackup', options, ({ instances }) =>
    instances.restoreBackup({ project: sql.config.project, instance: input.instance, body: { backup } }),
  )
}

type Restore = Parameters<ManagedPostgres['startInertRestore']>[0]

async function requireBackup(sql: CloudSql, { source, snapshot, sourceGone }: Restore, options: CallOptions): Promise<Described> {
  const found = await findBackup(sql, { instance: source, name: snapshot, sourceGone }, options)
  if (found?.description.state === 'ready') return found
  throw failure('SNAPSHOT_NOT_FOUND', `Instance ${source} has no complete backup ${snapshot}.`, { snapshot })
}

/** What its instance was, by the backup alone. @throws CLOUD_REFUSED where that does not say what a copy has to be. */
function setupIn({ resource, description, source: { setup } }: Described, { snapshot, instanceClass }: Restore): Instance {
  const { tier, dataDiskSizeGb } = setup?.settings ?? {}
  if (setup && dataDiskSizeGb?.value && (tier || instanceClass !== null)) return setup
  throw failure(
    'CLOUD_REFUSED',
    `Google keeps nothing with backup ${snapshot} (${resource}) of how its instance, ${description.instance}, was set up, neither how large a copy has to be: make an instance for it by hand, and restore the backup to that over Google's console.`,
    { snapshot },
  )
}

/** With room for the data, on the source's network, and closed to everybody but whom the request lets in. */
export function newCopy(source: Instance, input: CopyRequest, databaseFlags: { name: string; value: string }[]): Instance {
  const tier = input.instanceClass ?? source.settings?.tier ?? ''
  const { ipv4Enabled, privateNetwork, sslMode } = source.settings?.ipConfiguration ?? {}
  const settings: Settings = {
    tier,
    edition: editionOf(tier),
    dataDiskSizeGb: { value: source.settings?.dataDiskSizeGb?.value ?? 10 },
    ...(source.settings?.dataDiskType && { dataDiskType: source.settings.dataDiskType }),
    databaseFlags,
    userLabels: ownersLabels(input.owner),
    deletionProtectionEnabled: { value: false },
    backupConfiguration: { enabled: { value: false } },
    ipConfiguration: {
      ...(ipv4Enabled && { ipv4Enabled }),
      ...(privateNetwork && { privateNetwork }),
      ...(sslMode && !String(sslMode).endsWith('_UNSPECIFIED') && { sslMode }),
      authorizedNetworks: networksOf(input.networkRules),
    },
  }
  const kmsKeyName = source.diskEncryptionConfiguration?.kmsKeyName
  return {
    name: input.instance,
    region: source.region ?? '',
    ...(source.databaseVersion && { databaseVersion: source.databaseVersion }),
    settings,
    ...(kmsKeyName && { diskEncryptionConfiguration: { kmsKeyName } }),
  }
}

/** @throws NOT_READY_YET, RESOURCE_FAILED. */
function assertUsable({ name, state }: Instance, operations: readonly Operation[]): void {
  const [making] = operations.slice(-1)
  const why = making ? failureOf(making) : null
  if (state === 'FAILED' || state === 'SUSPENDED') throw failed(name ?? '', why ?? String(state))
  if (state !== 'RUNNABLE' || operations.some(isUnfinished)) throw again(`Instance ${name} is ${state}.`)
}

export async function startRestoreToTime(
  sql: CloudSql,
  input: Parameters<ManagedPostgres['startRestoreToTime']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const existing = await findInstance(sql, input.instance, options)
  if (existing === null) {
    await startClone(sql, input, options)
    throw again(`Instance ${input.instance} is being cloned.`)
  }
  const operations = await operationsOf(sql, existing, options)
  if (!isFreshClone(existing, operations, input.owner)) {
    assertOwn(existing, input.owner)
    return ADOPTED
  }
  assertUsable(existing, operations)
  const more: Settings = {
    userLabels: ownersLabels(input.owner),
    databaseFlags: inertFlags(existing),
    deletionProtectionEnabled: { value: false },
    // a copy that is removed leaves nothing
    ...(existing.settings?.retainBackupsOnDelete?.value && { retainBackupsOnDelete: { value: false } }),
    ...(existing.settings?.finalBackupConfig?.enabled && { finalBackupConfig: { enabled: false } }),
  }
  return letIn(sql, existing, { networkRules: input.networkRules, more }, options)
}

async function startClone(
  sql: CloudSql,
  input: Parameters<ManagedPostgres['startRestoreToTime']>[0],
  options: ChangeOptions,
): Promise<void> {
  const source = await requireInstance(sql, input.source, options)
  const { tier } = source.settings ?? {}
  if (input.instanceClass !== null && input.instanceClass !== tier) {
    throw failure(
      'CLOUD_REFUSED',
      `Cloud SQL clones an instance with its source's class, ${tier}; ${input.instanceClass} was wanted. Scale it afterwards.`,
      { instanceClass: input.instanceClass },
    )
  }
  ownersLabels(input.owner)
  assertPlainStep(input.owner)
  const ms = Date.parse(input.at)
  const pointInTime = { seconds: Math.floor(ms / 1_000), nanos: (ms % 1_000) * 1_000_000 }
  const cloneContext = { destinationInstanceName: input.instance, pointInTime }
  await sql.start('instances.clone', options, ({ instances }) =>
    instances.clone({ project: sql.config.project, instance: input.source, body: { cloneContext } }),
  )
}

/** A clone's name is all that says whose it is until it has labels: with a step of one word it says so, whatever the operation's id begins like. */
function assertPlainStep({ step }: Owner): void {
  if (!step.includes('-')) return
  throw failure(
    'CLOUD_REFUSED',
    `A clone cannot be made for the step "${step}": its name has to be one word, without a hyphen.`,
    {
      step,
    },
  )
}

/** The call that makes a clone takes no labels, so that it bears its source's until it is given its own. Ours is one under the very name that
 *  the step gives it, made by cloning, whose labels do not name it. */
export function isFreshClone(
  found: Instance,
  operations: readonly Operation[],
  owner: Pick<Owner, 'operation' | 'step'>,
): boolean {
  const { 'capstan-operation': operation = '', 'capstan-step': step = '' } = tagsOfLabels(found.settings?.userLabels)
  const named = found.name === temporaryName(owner.operation, owner.step) && found.name !== temporaryName(operation, step)
  return named && operations.some(({ operationType }) => operationType === 'CLONE' || operationType === 'CREATE_CLONE')
}

export async function restoreWindow(
  sql: CloudSql,
  name: string,
  options: CallOptions,
): Promise<Awaited<ReturnType<ManagedPostgres['restoreWindow']>>> {
  const found = await requireInstance(sql, name, options)
  if (found.settings?.backupConfiguration?.pointInTimeRecoveryEnabled?.value !== true) return null
  return sql.ask('instances.getLatestRecoveryTime', options, async ({ instances }) => {
    const [window] = await instances.getLatestRecoveryTime({ project: sql.config.project, instance: name })
    const earliest = instantOf(window.earliestRecoveryTime)
    const latest = instantOf(window.latestRecoveryTime)
    return earliest === null || latest === null ? null : { earliest, latest }
  })
}
