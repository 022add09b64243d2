/** How a promise stands: `azureAsyncOperation` says it in words, `operationResults` by the status of the answer, and with the
 *  resource at the end. Both are answered whatever location the address names, since answers spell it in more than one way. */
import type { Call, Operation } from '../cloud'
import { AzureError } from '../errors'
import { type AsyncOperation, own } from '../state'
import { operationView } from '../views'

export const getOperationStatus: Operation = async (call) => {
  const operation = findOperation(call)
  const open = operation.status === 'InProgress' && { operation }
  return { status: 200, body: operationView(operation), ...open }
}

export const getOperationResult: Operation = async (call) => {
  const operation = findOperation(call)
  if (operation.status === 'InProgress') return { status: 202, operation }
  if (operation.error) throw new AzureError(operation.error.code, operation.error.message)
  return operation.kind.startsWith('Upsert') ? call.read(operation.resource) : { status: 200 }
}

function findOperation({ cloud, path }: Call): AsyncOperation {
  const operation = own(cloud.state.operations, path.child?.toLowerCase() ?? '')
  if (operation && operation.subscription.toLowerCase() === path.subscription?.toLowerCase()) return operation
  throw new AzureError('ResourceNotFound', `The operation '${path.child}' was not found.`)
}
