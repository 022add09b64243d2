/** Changes that were accepted: the password first, then what is to be applied now. */
import { newFolderName } from '../../postgres/servers'
import { durationMs, PROFILES } from '../../profile'
import { addAutomatedSnapshot, doomArchive } from '../backups'
import { keyOf, moveTo, specOf } from '../cloud'
import { type EventName, note } from '../events'
import { placeServer } from '../iam'
import { tellReplicas } from '../replicas'
import type { DbInstance, InstanceStatus, PendingChanges } from '../state'
import { findSubnetGroup, otherZone } from '../zones'
import { lasts, type Performer, show, type Work } from './work'

const STUCK = new Set<InstanceStatus>(['failed', 'incompatible-restore', 'incompatible-parameters', 'stopped'])

export const modify: Performer<'modify'> = async (work) => {
  const { cloud, instance } = work
  // there is no server to tell; what was changed counts from its next start
  if (STUCK.has(instance.status)) return instance.status
  await lasts(work, 'lagMs')
  const visible = instance.applyNow
  await resetPassword(work)
  if (visible) await applyPending(work)
  await cloud.servers.configure(specOf(cloud, instance))
  if (instance.parameterStatus === 'applying') {
    instance.parameterStatus = 'pending-reboot'
    note(cloud.state, 'db-instance', instance, 'groupUsed', instance.parameterGroup)
  }
  return 'available'
}

async function resetPassword(work: Work): Promise<void> {
  const { cloud, instance } = work
  const { masterVerifier } = instance.pending
  if (masterVerifier === undefined) return
  await show(work, 'resetting-master-credentials')
  await lasts(work, 'passwordMs')
  await cloud.servers.setPassword(specOf(cloud, instance), instance.masterUsername, masterVerifier)
  note(cloud.state, 'db-instance', instance, 'passwordReset')
  // a newer one that was asked for meanwhile has a task of its own
  if (instance.pending.masterVerifier === masterVerifier) delete instance.pending.masterVerifier
}

async function applyPending(work: Work): Promise<void> {
  const { cloud, instance } = work
  const { id, masterVerifier, ...changes } = instance.pending
  if (Object.keys(changes).length > 0) {
    tell(work, 'begun', changes)
    await show(work, 'modifying')
    await lasts(work, 'modifyMs')
    await changeRetention(work, changes.backupRetentionDays)
    await changeIam(work, changes.iamAuthentication)
    apply(work, changes)
    tell(work, 'done', changes)
  }
  for (const name of Object.keys(changes) as (keyof typeof changes)[]) delete instance.pending[name]
  if (id !== undefined) await rename(work, id)
  // last: a lab that finds the task again has to know that it was to be applied
  instance.applyNow = false
  await cloud.save()
}

type Changes = Omit<PendingChanges, 'id' | 'masterVerifier'>

/** From none to some, or back: the server restarts, since it archives its log from its start or not at all. */
async function changeRetention(work: Work, days: number | undefined): Promise<void> {
  const { cloud, instance } = work
  if (days === undefined || days > 0 === instance.backupRetentionDays > 0) return
  // a lab that finds this task again finds the retention as it was, and restarts the server again
  if (days === 0 && instance.archive !== null) doomArchive(cloud.state, instance.archive)
  instance.archive = days === 0 ? null : (instance.archive ?? newFolderName())
  instance.restorable = null
  await cloud.save()
  await cloud.servers.restart(specOf(cloud, instance))
  note(cloud.state, 'db-instance', instance, days > 0 ? 'backupsEnabled' : 'backupsDisabled')
  await cloud.sweepDoomed()
}

/** In life nobody notices; here the server moves, and restarts for that. A lab that died amid it finds a server at its former place, and
 *  moves it then. */
async function changeIam({ cloud, instance }: Work, enabled: boolean | undefined): Promise<void> {
  if (enabled === undefined) return
  if (enabled !== (instance.iamAuthentication ?? false)) {
    instance.iamAuthentication = enabled
    placeServer(cloud, instance)
    await cloud.save()
    await cloud.servers.restart(specOf(cloud, instance))
  }
  await tellReplicas(cloud, instance)
}

function apply({ cloud, instance }: Work, changes: Changes): void {
  const { backupRetentionDays: days, storageGib } = changes
  if (days !== undefined && days > 0 && instance.backupRetentionDays === 0) {
    instance.tasks.splice(1, 0, { kind: 'back-up', snapshot: addAutomatedSnapshot(cloud, instance) })
  }
  if (storageGib !== undefined) {
    const { pace } = cloud
    const ms = durationMs(PROFILES[pace.profile], 'optimizeMs', pace.swing('optimizeMs', keyOf(instance)))
    instance.optimizesUntil = new Date(Date.now() + ms).toISOString()
  }
  Object.assign(instance, changes)
  if (changes.multiAz !== undefined) {
    const group = findSubnetGroup(cloud.state, instance.region, instance.subnetGroup)
    instance.secondaryZone = changes.multiAz ? otherZone(group, instance.zone) : null
  }
}

function tell({ cloud, instance }: Work, when: 'begun' | 'done', changes: Changes): void {
  const begun = when === 'begun'
  const names: EventName[] = []
  if (changes.instanceClass !== undefined) names.push(begun ? 'classChanging' : 'classChanged')
  if (changes.storageGib !== undefined) names.push(begun ? 'storageChanging' : 'storageChanged')
  if (changes.multiAz === true) names.push(begun ? 'multiAzStarted' : 'multiAzFinished')
  if (changes.multiAz === false && !begun) names.push('singleAz')
  for (const name of names) note(cloud.state, 'db-instance', instance, name)
}

/** An identifier is a part of the endpoint's name in life: with the name the address changes, and whoever knows the old one reaches
 *  nobody, or whoever is called so by then. */
async function rename(work: Work, id: string): Promise<void> {
  const { cloud, instance } = work
  await show(work, 'renaming')
  await cloud.servers.halt(instance.folder)
  await lasts(work, 'rebootMs')
  const before = instance.id
  delete instance.pending.id
  if (moveTo(cloud, instance, id)) note(cloud.state, 'db-instance', instance, 'renamed', before, id)
  await cloud.save()
  await cloud.servers.ensureRunning(specOf(cloud, instance))
  await tellReplicas(cloud, instance)
}

/** What was to be changed will not be. */
export function forgetPending(instance: DbInstance): void {
  instance.pending = {}
  instance.applyNow = false
  if (instance.parameterStatus === 'applying') instance.parameterStatus = 'pending-reboot'
}
