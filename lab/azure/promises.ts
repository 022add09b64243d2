/** What operations promise: the record that a caller asks about while its task is under way, and long after. */
import { randomUUID } from 'node:crypto'
import type { Answer, AzureCloud, Call } from './cloud'
import type { AzureError } from './errors'
import type { AsyncOperation, AzureServer, AzureState, Job, Task } from './state'
import { acceptedView } from './views'

/** Ended ones that can still be asked about. */
const KEPT = 100

/** Writes down what was promised, lets it be done in the background, and answers 202. `resource`: its path. `show`: the state that
 *  the server has meanwhile. */
export async function promise(
  call: Call,
  server: AzureServer,
  promised: { kind: string; resource: string; job: Job; show?: AzureServer['state'] },
): Promise<Answer> {
  const { cloud } = call
  const operation = addOperation(cloud, server, promised)
  const doom = call.faults.doom()
  const task: Task = { ...promised.job, operation: operation.id, ...(doom && { doom }) }
  server.tasks.push(task)
  if (promised.show) server.state = promised.show
  await cloud.save()
  cloud.tasks.wake(server)
  return { status: 202, body: acceptedView(operation), operation }
}

export function addOperation(
  { state }: AzureCloud,
  { subscription, location }: Pick<AzureServer, 'subscription' | 'location'>,
  { kind, resource }: { kind: string; resource: string },
): AsyncOperation {
  const operation: AsyncOperation = {
    id: randomUUID(),
    kind,
    subscription,
    location,
    resource,
    startedAt: new Date().toISOString(),
    endedAt: null,
    status: 'InProgress',
    error: null,
  }
  state.operations[operation.id] = operation
  return operation
}

/** `error` null: as promised. Nothing to do for an operation that has ended, or was never one. */
export function endOperation(state: AzureState, id: string | null, error: Pick<AzureError, 'code' | 'message'> | null): void {
  const operation = id === null ? undefined : state.operations[id]
  if (operation?.status !== 'InProgress') return
  operation.status = error === null ? 'Succeeded' : 'Failed'
  operation.endedAt = new Date().toISOString()
  operation.error = error && { code: error.code, message: error.message }
  const ended = Object.values(state.operations).filter(({ endedAt }) => endedAt !== null)
  for (const { id: old } of ended.slice(0, -KEPT)) delete state.operations[old]
}
