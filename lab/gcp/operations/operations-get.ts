/** operations.get, operations.list and operations.cancel. An operation outlives its instance. */
import { type Call, type Operation, textOf } from '../cloud'
import { GcpError } from '../errors'
import { pageOf } from '../paging'
import type { Json } from '../protocol/json'
import type { OperationRecord } from '../state'
import { operationView } from '../views'

export const getOperation: Operation = async (call) => operationView(findOperation(call), call.prefix)

/** Newest first. */
export const listOperations: Operation = async ({ cloud, fields, prefix }) => {
  const instance = textOf(fields.instance)
  const all = Object.values(cloud.state.operations)
  const found = all.filter((operation) => instance === undefined || operation.instance === instance)
  const place = new Map(found.map(({ name }, index) => [name, String(found.length - index).padStart(8, '0')]))
  const { items, nextPageToken } = pageOf(fields, found, ({ name }) => place.get(name) ?? '')
  return { kind: 'sql#operationsList', items: items.map((item) => operationView(item, prefix)) as Json[], nextPageToken }
}

/** Only imports and exports can be cancelled, which this lab does not have. */
export const cancelOperation: Operation = async (call) => {
  findOperation(call)
  throw new GcpError('invalidOperation', 'The operation cannot be cancelled.')
}

function findOperation({ cloud, fields }: Call): OperationRecord {
  const name = textOf(fields.operation) ?? ''
  const { operations } = cloud.state
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined
  if (!operation) throw new GcpError('operationDoesNotExist', 'The Cloud SQL operation does not exist.')
  return operation
}
