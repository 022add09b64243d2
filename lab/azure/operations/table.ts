/** Method and shape of the path → operation, by the names that the API's specification gives them. What is not here is answered as a
 *  resource type that Azure does not know. */
import type { Operation } from '../cloud'
import { checkNameAvailability } from './check-name-availability'
import { createOrUpdateServer } from './create-or-update-server'
import { deleteServer } from './delete-server'
import { getOperationResult, getOperationStatus } from './get-operation'
import { getServer } from './get-server'
import { listCapabilities } from './list-capabilities'
import { listServers } from './list-servers'
import { restartServer } from './restart-server'
import { startServer } from './start-server'
import { stopServer } from './stop-server'
import { updateServer } from './update-server'

export interface Route {
  readonly name: string
  readonly run: Operation
  /** Changes nothing, whatever its method. */
  readonly question: boolean
  /** Ends later than its answer. */
  readonly promises: boolean
}

/** Below a resource group as `flexibleservers/{}`, below a subscription as `/locations/{}/…`. */
export const ROUTES: ReadonlyMap<string, Route> = new Map([
  ...promising('PUT', 'flexibleservers/{}', 'Servers_CreateOrUpdate', createOrUpdateServer),
  ...promising('PATCH', 'flexibleservers/{}', 'Servers_Update', updateServer),
  ...promising('DELETE', 'flexibleservers/{}', 'Servers_Delete', deleteServer),
  ...promising('POST', 'flexibleservers/{}/restart', 'Servers_Restart', restartServer),
  ...promising('POST', 'flexibleservers/{}/start', 'Servers_Start', startServer),
  ...promising('POST', 'flexibleservers/{}/stop', 'Servers_Stop', stopServer),
  ...asking('GET', 'flexibleservers/{}', 'Servers_Get', getServer),
  ...asking('GET', 'flexibleservers', 'Servers_ListByResourceGroup', listServers),
  ...asking('GET', '/flexibleservers', 'Servers_ListBySubscription', listServers),
  ...asking('GET', 'flexibleservers/{}/capabilities', 'CapabilitiesByServer_List', listCapabilities),
  ...asking('GET', '/locations/{}/capabilities', 'CapabilitiesByLocation_List', listCapabilities),
  ...asking('POST', '/checknameavailability', 'NameAvailability_CheckGlobally', checkNameAvailability),
  ...asking('POST', '/locations/{}/checknameavailability', 'NameAvailability_CheckWithLocation', checkNameAvailability),
  ...asking('GET', '/locations/{}/azureasyncoperation/{}', 'OperationStatuses_Get', getOperationStatus),
  ...asking('GET', '/locations/{}/operationresults/{}', 'OperationResults_Get', getOperationResult),
])

/** Methods that a path of this shape has. */
export function methodsOf(shape: string): string[] {
  return [...ROUTES.keys()]
    .filter((key) => key.slice(key.indexOf(' ') + 1) === shape)
    .map((key) => key.slice(0, key.indexOf(' ')))
}

function promising(method: string, shape: string, name: string, run: Operation): [string, Route][] {
  return [[`${method} ${shape}`, { name, run, question: false, promises: true }]]
}

function asking(method: string, shape: string, name: string, run: Operation): [string, Route][] {
  return [[`${method} ${shape}`, { name, run, question: true, promises: false }]]
}
