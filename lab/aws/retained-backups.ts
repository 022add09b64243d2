/** Automated backups of instances that are gone, kept for as long as their retention was because whoever deleted the instance asked for
 *  it (DeleteAutomatedBackups=false). */
import { doomArchive } from './backups'
import type { AwsCloud } from './cloud'
import { type AwsState, type DbInstance, key, type RetainedBackup } from './state'

/** What stays of an instance that is being removed; undefined when nothing can be restored from. */
export function retain(state: AwsState, instance: DbInstance): RetainedBackup | undefined {
  const { archive, restorable } = instance
  if (archive === null || restorable === null) return undefined
  const { tasks: _, pending: __, ...kept } = instance
  const expiresAt = new Date(Date.now() + instance.backupRetentionDays * 86_400_000).toISOString()
  const retained: RetainedBackup = { ...kept, archive, restorable, expiresAt }
  state.retained[key(instance.region, instance.resourceId)] = retained
  return retained
}

/** Those whose time is over go, when somebody looks. */
export async function expire({ state, save }: AwsCloud, now = new Date().toISOString()): Promise<void> {
  const over = Object.entries(state.retained).filter(([, { expiresAt }]) => expiresAt <= now)
  if (over.length === 0) return
  for (const [name, { archive }] of over) {
    delete state.retained[name]
    doomArchive(state, archive)
  }
  await save()
}
