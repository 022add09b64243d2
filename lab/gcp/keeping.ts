/** Whose log a primary keeps: that of its replicas, each by a slot of its own, and of nobody else. */
import type { Outcome } from '../tasks'
import { type GcpCloud, primaryOf, replicasOf, specOf } from './cloud'
import type { GcpState, SqlInstance } from './state'
import type { Work } from './work'

/** A primary that does not answer now is told when it is there again. */
export async function keepOwnReplicas(cloud: GcpCloud, instance: SqlInstance): Promise<void> {
  const { servers, afflictions } = cloud
  if (primaryOf(cloud, instance) !== undefined) return
  if (servers.isDown(instance.folder) || afflictions.isFrozen(instance.name)) return
  const replicas = replicasOf(cloud, instance)
  const writer = specOf(cloud, instance)
  await servers.keepReplicas(
    writer,
    replicas.map(({ folder }) => folder),
  )
  // one that is down has its slot from now on all the same: it streams from its next start
  for (const replica of replicas.filter(isSettled)) {
    await servers
      .follow({ ...specOf(cloud, replica), replicaOf: writer })
      .catch((error) => cloud.log(`${replica.name} does not follow ${instance.name}: ${error}`))
  }
}

/** The others are being made, or made anew. */
function isSettled({ madeAt, tasks }: SqlInstance): boolean {
  return madeAt !== null && !tasks.some(({ kind }) => kind === 'rejoin')
}

/** After a change of its replicas. Changes the state, and leaves it to the caller to write it down. */
export function tendReplicas({ tasks }: GcpCloud, primary: SqlInstance): void {
  // one that is under way may have seen what there was before
  if (primary.tasks.slice(1).some(({ kind }) => kind === 'keep-replicas')) return
  primary.tasks.push({ kind: 'keep-replicas', operation: null })
  tasks.wake(primary)
}

export async function performKeepReplicas({ cloud, instance }: Work): Promise<Outcome> {
  await keepOwnReplicas(cloud, instance)
  return () => {}
}

/** Whether a switchover is starting and stopping its server, which nobody else may do meanwhile. */
export function isHandingOver({ instances }: GcpState, { name }: SqlInstance): boolean {
  return Object.values(instances).some(({ tasks: [task] }) => task?.kind === 'switch-over' && task.begun && task.from === name)
}
