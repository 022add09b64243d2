/** Instances and what is left of them, as far as they have automated backups. */
import { type Call, findInstance } from '../cloud'
import { AwsError } from '../errors'
import { arn, type DbInstance, key, type RetainedBackup } from '../state'

export type BackedUp = DbInstance | RetainedBackup

export function isRetained(source: BackedUp): source is RetainedBackup {
  return 'expiresAt' in source
}

export function backupsArn({ region, resourceId }: BackedUp): string {
  return arn(region, 'auto-backup', resourceId.replace(/^db-/, 'ab-').toLowerCase())
}

/** By exactly one of these. @throws AwsError DBInstanceNotFound, DBInstanceAutomatedBackupNotFound. */
export function findBackedUp(
  call: Call,
  { instance, resource, arn: name }: Record<'instance' | 'resource' | 'arn', string | undefined>,
): BackedUp {
  if (instance !== undefined) return findInstance(call, instance)
  const { state } = call.cloud
  const retained = resource === undefined ? undefined : state.retained[key(call.region, resource)]
  const all: BackedUp[] = [...Object.values(state.instances), ...Object.values(state.retained)]
  const found =
    retained ??
    all.find(
      (one) => one.region === call.region && (one.resourceId === resource || (name !== undefined && backupsArn(one) === name)),
    )
  if (found) return found
  throw new AwsError('DBInstanceAutomatedBackupNotFound', `There is no automated backup ${resource ?? name}.`)
}
