/** Who belongs to a blue/green deployment, and what becomes of it when one of them goes, or green follows blue no longer. Members are
 *  remembered by their resource ids, which no renaming changes. */
import { replicasOf, sourceOf } from '../following'
import type { AwsState, DbInstance } from '../state'
import type { Deployment, DeploymentMember, DeploymentStatus } from './state'

export interface Pair {
  readonly blue: DbInstance
  readonly green: DbInstance
}

/** The primary first. */
export function membersOf({ primary, replicas }: Deployment): DeploymentMember[] {
  return [primary, ...replicas]
}

export function instanceOf({ instances }: AwsState, resourceId: string): DbInstance | undefined {
  return Object.values(instances).find((instance) => instance.resourceId === resourceId)
}

/** The primaries first. @throws Error when one of them is gone. */
export function pairsOf(state: AwsState, deployment: Deployment): [Pair, ...Pair[]] {
  const pairOf = ({ blue: blueName, green: greenName, blueId, greenId }: DeploymentMember): Pair => {
    const [blue, green] = [instanceOf(state, blueName), instanceOf(state, greenName)]
    if (!blue || !green) throw new Error(`The DB instance ${blue ? greenId : blueId} is gone.`)
    return { blue, green }
  }
  return [pairOf(deployment.primary), ...deployment.replicas.map(pairOf)]
}

/** Whose servers a switchover stops and starts: those of the members, and of other replicas of blue. Green's timeline is none that these may
 *  hear of, which they would at the address that they know. */
export function involvedIn(state: AwsState, pairs: readonly [Pair, ...Pair[]]): DbInstance[] {
  const members = pairs.flatMap(({ blue, green }) => [blue, green])
  return [...members, ...replicasOf(state, pairs[0].blue).filter((replica) => !members.includes(replica))]
}

/** As it is shown. */
export function statusOf(state: AwsState, deployment: Deployment): DeploymentStatus {
  const { status } = deployment
  if (status !== 'AVAILABLE' && status !== 'SWITCHOVER_FAILED') return status
  return whyInvalid(state, deployment) === null ? status : 'INVALID_CONFIGURATION'
}

/** What was made, and is in a state from which it cannot be switched over, by itself or by somebody's hand. */
export function whyInvalid(state: AwsState, deployment: Deployment): string | null {
  for (const { blue, green, blueId, greenId } of membersOf(deployment)) {
    if (!instanceOf(state, blue)) return `The source DB instance ${blueId} was deleted.`
    if (!instanceOf(state, green)) return `The target DB instance ${greenId} was deleted.`
  }
  const [primary, ...replicas] = pairsOf(state, deployment)
  const strays = [
    ...(primary.green.replicaOf === primary.blue.resourceId ? [] : [primary.green]),
    ...replicas.flatMap(({ green }) => (green.replicaOf === primary.green.resourceId ? [] : [green])),
    ...replicas.flatMap(({ blue }) => (blue.replicaOf === primary.blue.resourceId ? [] : [blue])),
  ]
  return strays[0] ? `Replication to the DB instance ${strays[0].id} was ended: it is no read replica any more.` : null
}

/** The deployment that an instance is a member of and that is neither over nor about to go. */
export function deploymentOf({ deployments }: AwsState, { resourceId }: DbInstance): Deployment | undefined {
  return Object.values(deployments).find(
    (deployment) =>
      deployment.status !== 'SWITCHOVER_COMPLETED' &&
      deployment.status !== 'DELETING' &&
      membersOf(deployment).some(({ blue, green }) => blue === resourceId || green === resourceId),
  )
}

/** Whether a switchover under way needs it to be there. */
export function isSwitchedOver(state: AwsState, instance: DbInstance): boolean {
  const source = sourceOf(state, instance)
  return [instance, ...(source ? [source] : [])].some((one) => deploymentOf(state, one)?.status === 'SWITCHOVER_IN_PROGRESS')
}
