/** PromoteReadReplica: the replica becomes an instance of its own, with backups of its own; not while it is being backed up. */
import { findInstance, type Operation, promised, takesChanges } from '../cloud'
import { AwsError } from '../errors'
import { parseSettings } from '../settings'
import { instanceView } from '../views'
import { parseRetention } from './new-instance'

export const promoteReadReplica: Operation<'PromoteReadReplica'> = async (call) => {
  const { cloud, query } = call
  const instance = findInstance(call)
  if (instance.replicaOf === null) {
    throw new AwsError('InvalidDBInstanceState', `DB Instance ${instance.id} is not a read replica.`)
  }
  if (!takesChanges(call, instance)) {
    throw new AwsError('InvalidDBInstanceState', `DB Instance ${instance.id} is not in available state.`)
  }
  const retentionDays = parseRetention(query) ?? 1
  instance.settings = parseSettings(query, instance.settings)
  instance.status = 'modifying'
  instance.tasks.push(promised(call, { kind: 'promote', retentionDays }))
  await cloud.save()
  cloud.tasks.wake(instance)
  return { DBInstance: instanceView(cloud, instance) }
}
