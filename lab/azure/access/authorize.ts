/** What a call to Resource Manager wants to do, as an action of its resource provider, and whether its caller may. */
import type { AzureIdentity } from '../../access/identities'
import { AzureError } from '../errors'
import { NAMESPACE, type ResourcePath } from '../protocol/path'
import { isAllowed } from './roles'

const VERBS: Readonly<Record<string, string>> = { GET: 'read', PUT: 'write', PATCH: 'write', DELETE: 'delete', POST: 'action' }

/** As its role definitions spell it: the path is read without regard to case. */
const SPELLED = [
  'flexibleServers',
  'firewallRules',
  'virtualEndpoints',
  'azureAsyncOperation',
  'operationResults',
  'checkNameAvailability',
] as const

/** Whoever began something is told how it goes on, wherever his roles end: a role on a resource group is enough to make a server in it. */
const PROGRESS = /^\/locations\/\{\}\/(azureasyncoperation|operationresults)\/\{\}$/

/** `path`: as it was called. @throws AzureError AuthorizationFailed. */
export function authorize({ objectId, assignments }: AzureIdentity, method: string, named: ResourcePath, path: string): void {
  if (PROGRESS.test(named.shape)) return
  const action = actionOf(method, named.shape)
  if (isAllowed(assignments, action, path)) return
  throw new AzureError(
    'AuthorizationFailed',
    `The client '${objectId}' with object id '${objectId}' does not have authorization to perform action '${action}' over scope '${path}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
  )
}

/** What a new server is made out of is asked for at its own scope: who may write where it is to be could otherwise take anybody's data there.
 *  That it is reading which is asked for is an assumption. @throws AzureError LinkedAuthorizationFailed. */
export function authorizeSource({ objectId, assignments }: AzureIdentity, source: string, path: string): void {
  const action = `${NAMESPACE}/flexibleServers/read`
  if (isAllowed(assignments, action, source)) return
  throw new AzureError(
    'LinkedAuthorizationFailed',
    `The client '${objectId}' with object id '${objectId}' has permission to perform action '${NAMESPACE}/flexibleServers/write' on scope '${path}'; however, it does not have permission to perform action '${action}' on the linked scope(s) '${source}' or the linked scope(s) are invalid.`,
  )
}

/** `DELETE flexibleservers/{}` → `Microsoft.DBforPostgreSQL/flexibleServers/delete`. */
function actionOf(method: string, shape: string): string {
  const words = shape.split('/').filter((word) => word !== '' && word !== '{}')
  const spelled = words.map((word) => SPELLED.find((known) => known.toLowerCase() === word) ?? word)
  return [NAMESPACE, ...spelled, VERBS[method] ?? method.toLowerCase()].join('/')
}
