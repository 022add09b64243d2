/** Method and shape of the path → operation, by the names that the API's specification gives them. What is not here is answered as a
 *  resource type that Azure does not know. */
import type { Operation } from '../cloud'
import { checkNameAvailability } from './check-name-availability'
import { createBackup } from './create-backup'
import { createDatabase } from './create-database'
import { createOrUpdateServer } from './create-or-update-server'
import { deleteAdministrator } from './delete-administrator'
import { deleteBackup } from './delete-backup'
import { deleteDatabase } from './delete-database'
import { deleteFirewallRule } from './delete-firewall-rule'
import { deleteServer } from './delete-server'
import { deleteVirtualEndpoint } from './delete-virtual-endpoint'
import { getAdministrator } from './get-administrator'
import { getBackup } from './get-backup'
import { getConfiguration } from './get-configuration'
import { getDatabase } from './get-database'
import { getFirewallRule } from './get-firewall-rule'
import { getOperationResult, getOperationStatus } from './get-operation'
import { getServer } from './get-server'
import { getVirtualEndpoint, listVirtualEndpoints } from './get-virtual-endpoint'
import { listAdministrators } from './list-administrators'
import { listBackups } from './list-backups'
import { listCapabilities } from './list-capabilities'
import { listConfigurations } from './list-configurations'
import { listDatabases } from './list-databases'
import { listFirewallRules } from './list-firewall-rules'
import { listReplicas } from './list-replicas'
import { listServers } from './list-servers'
import { restartServer } from './restart-server'
import { setAdministrator } from './set-administrator'
import { setConfiguration } from './set-configuration'
import { setFirewallRule } from './set-firewall-rule'
import { setVirtualEndpoint } from './set-virtual-endpoint'
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
  ...promising('PUT', 'flexibleservers/{}/firewallrules/{}', 'FirewallRules_CreateOrUpdate', setFirewallRule),
  ...promising('DELETE', 'flexibleservers/{}/firewallrules/{}', 'FirewallRules_Delete', deleteFirewallRule),
  ...asking('GET', 'flexibleservers/{}/firewallrules/{}', 'FirewallRules_Get', getFirewallRule),
  ...asking('GET', 'flexibleservers/{}/firewallrules', 'FirewallRules_ListByServer', listFirewallRules),
  ...promising('PUT', 'flexibleservers/{}/databases/{}', 'Databases_Create', createDatabase),
  ...promising('DELETE', 'flexibleservers/{}/databases/{}', 'Databases_Delete', deleteDatabase),
  ...asking('GET', 'flexibleservers/{}/databases/{}', 'Databases_Get', getDatabase),
  ...asking('GET', 'flexibleservers/{}/databases', 'Databases_ListByServer', listDatabases),
  ...promising('PUT', 'flexibleservers/{}/backups/{}', 'BackupsAutomaticAndOnDemand_Create', createBackup),
  ...promising('DELETE', 'flexibleservers/{}/backups/{}', 'BackupsAutomaticAndOnDemand_Delete', deleteBackup),
  ...asking('GET', 'flexibleservers/{}/backups/{}', 'BackupsAutomaticAndOnDemand_Get', getBackup),
  ...asking('GET', 'flexibleservers/{}/backups', 'BackupsAutomaticAndOnDemand_ListByServer', listBackups),
  ...promising('PUT', 'flexibleservers/{}/administrators/{}', 'AdministratorsMicrosoftEntra_CreateOrUpdate', setAdministrator),
  ...promising('DELETE', 'flexibleservers/{}/administrators/{}', 'AdministratorsMicrosoftEntra_Delete', deleteAdministrator),
  ...asking('GET', 'flexibleservers/{}/administrators/{}', 'AdministratorsMicrosoftEntra_Get', getAdministrator),
  ...asking('GET', 'flexibleservers/{}/administrators', 'AdministratorsMicrosoftEntra_ListByServer', listAdministrators),
  ...promising('PATCH', 'flexibleservers/{}/configurations/{}', 'Configurations_Update', setConfiguration),
  ...promising('PUT', 'flexibleservers/{}/configurations/{}', 'Configurations_Put', setConfiguration),
  ...asking('GET', 'flexibleservers/{}/configurations/{}', 'Configurations_Get', getConfiguration),
  ...asking('GET', 'flexibleservers/{}/configurations', 'Configurations_ListByServer', listConfigurations),
  ...promising('PUT', 'flexibleservers/{}/virtualendpoints/{}', 'VirtualEndpoints_Create', setVirtualEndpoint),
  ...promising('PATCH', 'flexibleservers/{}/virtualendpoints/{}', 'VirtualEndpoints_Update', setVirtualEndpoint),
  ...promising('DELETE', 'flexibleservers/{}/virtualendpoints/{}', 'VirtualEndpoints_Delete', deleteVirtualEndpoint),
  ...asking('GET', 'flexibleservers/{}/virtualendpoints/{}', 'VirtualEndpoints_Get', getVirtualEndpoint),
  ...asking('GET', 'flexibleservers/{}/virtualendpoints', 'VirtualEndpoints_ListByServer', listVirtualEndpoints),
  ...asking('GET', 'flexibleservers/{}/replicas', 'Replicas_ListByServer', listReplicas),
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
