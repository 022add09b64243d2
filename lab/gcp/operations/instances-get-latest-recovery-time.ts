/** instances.getLatestRecoveryTime: between which moments an instance can be recovered to. The later one is up to five minutes old, as in
 *  life; in a quicker profile it is younger. */
import { recoverableFrom } from '../cloning'
import { archiveOf, findInstance, type Operation, requireRunning } from '../cloud'
import { GcpError, invalid } from '../errors'

export const getLatestRecoveryTime: Operation = async (call) => {
  const { cloud, fields } = call
  if (fields.sourceInstanceDeletionTime !== undefined) throw invalid('This lab keeps no logs of deleted instances')
  const instance = findInstance(call)
  const archive = archiveOf(instance, instance.settings)
  const from = recoverableFrom(cloud.state, instance)
  if (archive === undefined || from === undefined) throw invalid('Point-in-time recovery is not enabled on the instance')
  requireRunning(call, instance)
  const latest = await cloud.reach.latest(instance, { archive, from }).catch((error) => {
    cloud.log(`${instance.name} does not archive: ${error}`)
    throw new GcpError('serverException', 'Service temporarily unavailable.')
  })
  return { kind: 'sql#getLatestRecoveryTime', latestRecoveryTime: latest, earliestRecoveryTime: from }
}
