/** Ends and beginnings of a server that has its data: reboot, recovery, stop, start. */
import { atLeast } from '../../profile'
import { keyOf, specOf } from '../cloud'
import { note } from '../events'
import { followAgain } from '../hand-over'
import { keepForReplicas, tellReplicas } from '../replicas'
import { restartDue } from '../schedule'
import type { DbInstance } from '../state'
import { takeSnapshot } from './back-up'
import { lasts, type Performer, prepareStart, show, type Work } from './work'

export const reboot: Performer<'reboot'> = async (work, { failover }) => {
  const { cloud, instance } = work
  prepareStart(work)
  await cloud.save()
  note(cloud.state, 'db-instance', instance, failover ? 'failingOver' : 'shutdown')
  if (failover) await cloud.servers.crash(instance.folder)
  await atLeast(cloud.servers.restart(specOf(cloud, instance)), lasts(work, 'rebootMs'))
  note(cloud.state, 'db-instance', instance, 'restarted')
  if (failover) exchangeZones(work)
  // network rules may have changed while it was away
  await cloud.servers.configure(specOf(cloud, instance))
  instance.parameterStatus = 'in-sync'
  return 'available'
}

export const recover: Performer<'recover'> = async (work) => {
  const { cloud, instance, signal } = work
  // it will have another server
  if (becomesMember(instance)) return 'rebooting'
  // a server that has no room for its log does not start; growing the storage, or the fault's end, asks for the recovery again
  if (cloud.afflictions.isFull(keyOf(instance))) {
    note(cloud.state, 'db-instance', instance, 'storageExhausted')
    return 'storage-full'
  }
  // who has a standby in another zone goes on there
  const failover = instance.multiAz && instance.secondaryZone !== null
  note(cloud.state, 'db-instance', instance, failover ? 'failingOver' : 'recovering')
  await show(work, 'rebooting')
  await atLeast(cloud.servers.ensureRunning(specOf(cloud, instance)), lasts(work, 'recoverMs'))
  await cloud.servers.configure(specOf(cloud, instance))
  await keepForReplicas(cloud, instance)
  // it may have been given another place while it was away
  await tellReplicas(cloud, instance).catch((error) => cloud.log(`replicas of ${instance.id}: ${error}`))
  await followAgain(cloud, instance, signal)
  if (failover) exchangeZones(work)
  else note(cloud.state, 'db-instance', instance, 'recovered')
  note(cloud.state, 'db-instance', instance, 'restarted')
  return becomesMember(instance) ? 'rebooting' : 'available'
}

function becomesMember({ tasks }: DbInstance): boolean {
  return tasks.some(({ kind }) => kind === 'join')
}

/** The end of a failover: what was the standby's zone is the instance's now. */
function exchangeZones({ cloud, instance }: Work): void {
  const { zone, secondaryZone } = instance
  if (secondaryZone !== null) Object.assign(instance, { zone: secondaryZone, secondaryZone: zone })
  note(cloud.state, 'db-instance', instance, 'failedOver')
}

export const stop: Performer<'stop'> = async (work, task) => {
  const { cloud, instance } = work
  const snapshot = task.snapshot === null ? undefined : cloud.state.snapshots[task.snapshot]
  if (snapshot?.status === 'creating') {
    await takeSnapshot(work, snapshot)
    await cloud.save()
  }
  const halted = cloud.afflictions.lingers(keyOf(instance)) ? Promise.resolve() : cloud.servers.halt(instance.folder)
  await atLeast(halted, lasts(work, 'rebootMs'))
  note(cloud.state, 'db-instance', instance, 'stopped')
  instance.restartsAt = restartDue()
  return 'stopped'
}

export const start: Performer<'start'> = async (work) => {
  const { cloud, instance } = work
  delete instance.restartsAt
  prepareStart(work)
  await show(work, 'starting')
  await atLeast(cloud.servers.ensureRunning(specOf(cloud, instance)), lasts(work, 'rebootMs'))
  await cloud.servers.configure(specOf(cloud, instance))
  instance.parameterStatus = 'in-sync'
  note(cloud.state, 'db-instance', instance, 'started')
  return 'available'
}
