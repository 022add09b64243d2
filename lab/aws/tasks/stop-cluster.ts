/** A cluster stops and starts: all of its members' servers, whose data stays. */
import { archiveUpToNow } from '../backups'
import { keyOf, specOf } from '../cloud'
import type { ClusterWork } from '../clusters'
import { note } from '../events'
import { membersOf, writerOf } from '../following'
import { finishHandOver, followAgain, inTurn } from '../hand-over'
import { keepForReplicas } from '../replicas'
import type { DbInstance } from '../state'
import { expectRecovery } from './runner'
import { prepareStart } from './work'

/** Safe to repeat. */
export function haltMembers({ cloud, cluster, signal }: ClusterWork): Promise<void> {
  return inTurn(cloud.state, cluster, async () => {
    await finishHandOver(cloud, cluster, signal)
    const members = writerFirst({ cloud, cluster })
    const [writer] = members
    // it can be restored to the last commit while it is stopped
    if (writer && !cloud.servers.isDown(writer.folder)) {
      await archiveUpToNow(cloud, { keeper: cluster, spec: specOf(cloud, writer) }, signal)
    }
    // readers hear the end of the log before its sender goes
    for (const member of members.toReversed()) {
      if (!cloud.afflictions.lingers(keyOf(member))) await cloud.servers.halt(member.folder)
    }
    // one that is to be made anew is not stopped, it waits
    for (const member of members) if (member.status !== 'rebooting') member.status = 'stopped'
    note(cloud.state, 'db-cluster', cluster, 'clusterStopped')
    await cloud.save()
  })
}

/** Static parameters take effect. Safe to repeat. */
export function startMembers({ cloud, cluster, signal }: ClusterWork): Promise<void> {
  return inTurn(cloud.state, cluster, async () => {
    const members = writerFirst({ cloud, cluster })
    for (const member of members) {
      prepareStart({ cloud, instance: member, signal })
      await cloud.servers.ensureRunning(specOf(cloud, member))
      await cloud.servers.configure(specOf(cloud, member))
      await keepForReplicas(cloud, member)
      await followAgain(cloud, member, signal)
      member.parameterStatus = 'in-sync'
      // nobody sees a member as available whose cluster's endpoint refuses them
      await cloud.endpoints.settle()
      if (member.status === 'starting') member.status = 'available'
    }
    note(cloud.state, 'db-cluster', cluster, 'clusterStarted')
    await cloud.save()
  })
}

/** What a stop or a start that failed leaves: members that run, or are known not to. */
export function leaveMembers({ cloud, cluster }: Pick<ClusterWork, 'cloud' | 'cluster'>): void {
  for (const member of membersOf(cloud.state, cluster)) {
    if (member.status !== 'stopping' && member.status !== 'starting') continue
    const { status } = member
    member.status = status === 'stopping' ? 'available' : 'incompatible-parameters'
    if (status !== 'stopping' || !cloud.servers.isDown(member.folder)) continue
    expectRecovery(member)
    cloud.tasks.wake(member)
  }
}

export function writerFirst({ cloud, cluster }: Pick<ClusterWork, 'cloud' | 'cluster'>): DbInstance[] {
  const writer = writerOf(cloud.state, cluster)
  return [...(writer ? [writer] : []), ...membersOf(cloud.state, cluster).filter((member) => member !== writer)]
}
