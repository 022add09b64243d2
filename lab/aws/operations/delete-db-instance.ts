/** DeleteDBInstance: a final snapshot unless told otherwise; not while it is protected. */
import { isSwitchedOver } from '../blue-green/members'
import { findInstance, type Operation, promised } from '../cloud'
import { AwsError, invalidCombination } from '../errors'
import { clusterOf } from '../following'
import { parseSnapshotIdentifier } from '../identifiers'
import type { InstanceStatus } from '../state'
import { instanceView } from '../views'
import { addSnapshot } from './new-snapshot'

const UNSNAPSHOTTABLE = new Set<InstanceStatus>([
  'failed',
  'incompatible-restore',
  'incompatible-parameters',
  'storage-full',
  'creating',
])

export const deleteDbInstance: Operation<'DeleteDBInstance'> = async (call) => {
  const { cloud, query } = call
  const instance = findInstance(call)
  // the data is its cluster's
  const skip = instance.cluster !== null || (query.flag('SkipFinalSnapshot') ?? false)
  const final = query.text('FinalDBSnapshotIdentifier')
  if (skip && final !== undefined) {
    throw invalidCombination('FinalDBSnapshotIdentifier can not be specified when deleting with SkipFinalSnapshot')
  }
  if (final !== undefined && instance.replicaOf !== null) {
    throw invalidCombination('FinalDBSnapshotIdentifier can not be specified when deleting a replica instance')
  }
  if (!skip && final === undefined) {
    throw invalidCombination('FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.')
  }
  if (instance.status === 'deleting') {
    throw new AwsError('InvalidDBInstanceState', `Instance ${instance.id} is already being deleted.`)
  }
  if (isSwitchedOver(cloud.state, instance)) {
    throw new AwsError('InvalidDBInstanceState', `Instance ${instance.id} is part of a switchover that is in progress.`)
  }
  const cluster = clusterOf(cloud.state, instance)
  if (cluster && ['stopping', 'stopped', 'starting'].includes(cluster.status)) {
    throw new AwsError('InvalidDBClusterStateFault', `DB cluster ${cluster.id} is ${cluster.status}: start it first.`)
  }
  if (instance.deletionProtection) {
    throw invalidCombination('Cannot delete protected DB Instance, please disable deletion protection and try again.')
  }
  if (final !== undefined && UNSNAPSHOTTABLE.has(instance.status)) {
    throw new AwsError('InvalidDBInstanceState', `Cannot take a final snapshot of ${instance.id}: it is ${instance.status}.`)
  }
  const keepBackups = query.flag('DeleteAutomatedBackups') === false
  const name = final === undefined ? null : parseSnapshotIdentifier('FinalDBSnapshotIdentifier', final)
  const finalSnapshot = name === null ? null : addSnapshot(cloud, instance, name, {})
  instance.status = 'deleting'
  // what is under way ends first; what has not begun is dropped
  for (const task of instance.tasks.slice(1)) {
    const dropped = task.kind === 'back-up' ? cloud.state.snapshots[task.snapshot] : undefined
    if (dropped) dropped.status = 'failed'
  }
  instance.tasks = [...instance.tasks.slice(0, 1), promised(call, { kind: 'delete', finalSnapshot, keepBackups })]
  await cloud.save()
  cloud.tasks.wake(instance)
  return { DBInstance: instanceView(cloud, instance) }
}
