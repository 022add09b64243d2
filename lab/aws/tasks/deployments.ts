/** Runs the tasks of blue/green deployments. The copies themselves are their instances' tasks, which are waited for here. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TIMER_MAX_MS } from '../../duration'
import { createTaskRunner, type TaskRunner } from '../../tasks'
import { instanceOf, membersOf } from '../blue-green/members'
import type { Deployment, DeploymentStatus, DeploymentTask } from '../blue-green/state'
import { switchOver, type Work } from '../blue-green/switch-over'
import type { AwsCloud } from '../cloud'
import { note } from '../events'
import { type DbInstance, key } from '../state'

type Performer<Kind extends DeploymentTask['kind']> = (
  work: Work,
  task: Extract<DeploymentTask, { kind: Kind }>,
) => Promise<DeploymentStatus>

const LOOK_EVERY_MS = 30

export function createDeploymentTasks(cloud: () => AwsCloud): TaskRunner<Deployment> {
  return createTaskRunner<DeploymentTask, Deployment>({
    async perform(deployment, task, signal) {
      const work = { cloud: cloud(), deployment, signal }
      const perform = PERFORM[task.kind] as (work: Work, task: DeploymentTask) => Promise<DeploymentStatus>
      if (task.doom) await failAsOrdered(work, task)
      const status = await perform(work, task)
      return () => {
        deployment.status = status
      }
    },
    async failed(deployment, task, error) {
      // whichever of the two is to write is not settled yet
      if (task.kind === 'switch-over') throw error
      cloud().log(`${task.kind} of ${deployment.name} failed: ${error}`)
      return () => fail(cloud(), deployment, task, error)
    },
    nameOf: ({ name }) => name,
    save: () => cloud().save(),
    log: (line) => cloud().log(line),
  })
}

const provision: Performer<'provision'> = async (work) => {
  const { cloud, deployment } = work
  const { primary, replicas } = deployment
  await step(work, 'CREATING_READ_REPLICA_OF_SOURCE', async () => {
    await copied(work, primary.green)
  })
  // nothing is to be done for these: the version is the same, and a replica's backups begin when it is one no more
  await step(work, 'DB_ENGINE_VERSION_UPGRADE', async () => {})
  await step(work, 'CONFIGURE_BACKUPS', async () => {})
  await step(work, 'CREATING_TOPOLOGY_OF_SOURCE', async () => {
    await Promise.all(replicas.map(({ green }) => copied(work, green)))
  })
  for (const member of membersOf(deployment)) member.status = 'AVAILABLE'
  note(cloud.state, 'blue-green-deployment', deployment, 'deploymentReady')
  return 'AVAILABLE'
}

/** Of those that this deployment has. */
async function step({ cloud, deployment }: Work, name: string, act: () => Promise<void>): Promise<void> {
  const found = deployment.steps.find((one) => one.name === name)
  if (!found || found.status === 'COMPLETED') return
  found.status = 'IN_PROGRESS'
  await cloud.save()
  await act()
  found.status = 'COMPLETED'
  await cloud.save()
}

/** Has the copy made, if nobody began to yet, and resolves when it can be used. */
async function copied({ cloud, signal }: Work, resourceId: string): Promise<void> {
  const begun = instanceOf(cloud.state, resourceId)
  if (begun?.status === 'creating' && begun.createdAt === null && begun.tasks.length === 0) {
    begun.tasks.push({ kind: 'replicate' })
    await cloud.save()
    cloud.tasks.wake(begun)
  }
  for (;;) {
    const copy = instanceOf(cloud.state, resourceId)
    if (!copy || copy.status === 'deleting') throw new Error('the target DB instance was deleted.')
    if (copy.status === 'failed') throw new Error(`the target DB instance ${copy.id} could not be created.`)
    if (copy.createdAt !== null && copy.tasks.length === 0 && copy.status === 'available') return
    await sleep(LOOK_EVERY_MS, undefined, { signal })
  }
}

const remove: Performer<'delete'> = async (work, { deleteTarget }) => {
  const { cloud, deployment } = work
  if (deleteTarget) {
    // those that follow it first: without it they would go on alone
    await Promise.all(deployment.replicas.map(({ green }) => removed(work, green)))
    await removed(work, deployment.primary.green)
  }
  delete cloud.state.deployments[key(deployment.region, deployment.id)]
  note(cloud.state, 'blue-green-deployment', deployment, 'deploymentDeleted')
  return 'DELETING'
}

async function removed({ cloud, signal }: Work, resourceId: string): Promise<void> {
  const still = (): DbInstance | undefined => instanceOf(cloud.state, resourceId)
  const instance = still()
  if (instance && instance.status !== 'deleting') {
    instance.status = 'deleting'
    instance.tasks = [...instance.tasks.slice(0, 1), { kind: 'delete', finalSnapshot: null, keepBackups: false }]
    await cloud.save()
    cloud.tasks.wake(instance)
  }
  while (still()) await sleep(LOOK_EVERY_MS, undefined, { signal })
}

const PERFORM: { [Kind in DeploymentTask['kind']]: Performer<Kind> } = {
  provision,
  'switch-over': switchOver,
  delete: remove,
}

/** A switchover is taken back as if it had come apart; the others fail. */
async function failAsOrdered({ cloud, deployment, signal }: Work, task: DeploymentTask): Promise<void> {
  const { fault = '', delayMs = 0 } = task.doom ?? {}
  await cloud.pace.lasts('modifyMs', `${deployment.region}/deployment:${deployment.id}`, signal)
  if (delayMs > 0) await sleep(Math.min(delayMs, TIMER_MAX_MS), undefined, { signal })
  if (task.kind !== 'switch-over') throw new Error(`ordered by the fault ${fault}`)
  task.failure = `It came apart, as ordered by the fault ${fault}.`
}

function fail({ state }: AwsCloud, deployment: Deployment, task: DeploymentTask, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error)
  deployment.status = 'INVALID_CONFIGURATION'
  deployment.details = reason
  for (const step of deployment.steps) if (step.status === 'IN_PROGRESS') step.status = 'FAILED'
  if (task.kind === 'provision') note(state, 'blue-green-deployment', deployment, 'deploymentFailed', reason)
}
