/** DeleteBlueGreenDeployment: the instances stay, but for the green ones when it is asked to take them along, which only goes before a
 *  switchover. */
import { instanceOf, membersOf, statusOf } from '../blue-green/members'
import type { DeploymentStatus } from '../blue-green/state'
import { deploymentView } from '../blue-green/view'
import { findDeployment, type Operation } from '../cloud'
import { AwsError, invalidCombination } from '../errors'

const UNDELETABLE = new Set<DeploymentStatus>(['PROVISIONING', 'SWITCHOVER_IN_PROGRESS', 'DELETING'])

export const deleteBlueGreenDeployment: Operation<'DeleteBlueGreenDeployment'> = async (call) => {
  const { cloud, query, faults } = call
  const deployment = findDeployment(call)
  const deleteTarget = query.flag('DeleteTarget') ?? false
  const status = statusOf(cloud.state, deployment)
  if (UNDELETABLE.has(status)) {
    throw new AwsError(
      'InvalidBlueGreenDeploymentStateFault',
      `The blue/green deployment ${deployment.id} is ${status}: it cannot be deleted.`,
    )
  }
  if (deleteTarget && status === 'SWITCHOVER_COMPLETED') {
    throw invalidCombination('DeleteTarget cannot be specified once the blue/green deployment has been switched over.')
  }
  const greens = membersOf(deployment).flatMap(({ green }) => instanceOf(cloud.state, green) ?? [])
  if (deleteTarget && greens.some(({ deletionProtection }) => deletionProtection)) {
    throw invalidCombination('Cannot delete protected DB Instance, please disable deletion protection and try again.')
  }
  const doom = faults.doom()
  deployment.status = 'DELETING'
  deployment.deletedAt = new Date().toISOString()
  deployment.tasks.push({ kind: 'delete', deleteTarget, ...(doom && { doom }) })
  await cloud.save()
  cloud.deploymentTasks.wake(deployment)
  return { BlueGreenDeployment: deploymentView(cloud.state, deployment) }
}
