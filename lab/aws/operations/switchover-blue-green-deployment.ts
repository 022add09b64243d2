/** SwitchoverBlueGreenDeployment: accepted now, carried out in the background; from here on nothing else is done to the instances. */
import { involvedIn, membersOf, pairsOf, statusOf } from '../blue-green/members'
import { deploymentView } from '../blue-green/view'
import { findDeployment, type Operation, takesChanges } from '../cloud'
import { AwsError, invalidValue } from '../errors'

const TIMEOUT_SECONDS = { min: 30, max: 3_600, otherwise: 300 }

export const switchoverBlueGreenDeployment: Operation<'SwitchoverBlueGreenDeployment'> = async (call) => {
  const { cloud, query, faults } = call
  const deployment = findDeployment(call)
  const timeoutSeconds = query.integer('SwitchoverTimeout') ?? TIMEOUT_SECONDS.otherwise
  if (timeoutSeconds < TIMEOUT_SECONDS.min || timeoutSeconds > TIMEOUT_SECONDS.max) {
    throw invalidValue(`SwitchoverTimeout must be between ${TIMEOUT_SECONDS.min} and ${TIMEOUT_SECONDS.max} seconds.`)
  }
  const status = statusOf(cloud.state, deployment)
  if (status !== 'AVAILABLE' && status !== 'SWITCHOVER_FAILED') {
    throw new AwsError(
      'InvalidBlueGreenDeploymentStateFault',
      `The blue/green deployment ${deployment.id} is ${status}: it cannot be switched over.`,
    )
  }
  const instances = involvedIn(cloud.state, pairsOf(cloud.state, deployment))
  const busy = instances.find((instance) => !takesChanges(call, instance) || instance.tasks.length > 0)
  if (busy) {
    throw new AwsError('InvalidBlueGreenDeploymentStateFault', `The DB instance ${busy.id} is not in available state.`)
  }
  const doom = faults.doom()
  for (const instance of instances) instance.status = 'modifying'
  for (const member of membersOf(deployment)) member.status = 'SWITCHOVER_IN_PROGRESS'
  deployment.status = 'SWITCHOVER_IN_PROGRESS'
  deployment.details = null
  const deadline = new Date(Date.now() + timeoutSeconds * 1_000).toISOString()
  deployment.tasks.push({ kind: 'switch-over', timeoutSeconds, deadline, ...(doom && { doom }) })
  await cloud.save()
  cloud.deploymentTasks.wake(deployment)
  return { BlueGreenDeployment: deploymentView(cloud.state, deployment) }
}
