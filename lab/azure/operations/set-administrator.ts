/** AdministratorsMicrosoftEntra_CreateOrUpdate: kept and shown. Nothing is asked of Entra ID, and no role is made. */
import { findParent, type Operation, requireState } from '../cloud'
import { AzureError, invalidParameter } from '../errors'
import { parseObjectId } from '../names'
import { promise } from '../promises'
import { serverId } from '../protocol/path'
import { TENANT } from '../state'

const TYPES = ['Unknown', 'User', 'Group', 'ServicePrincipal'] as const

export const setAdministrator: Operation = async (call) => {
  const { body } = call
  const server = findParent(call, 'administrators')
  const objectId = parseObjectId(call.path.child ?? '')
  const principalName = body.text('properties.principalName')
  if (principalName === undefined || principalName.length < 1 || principalName.length > 128)
    throw invalidParameter('principalName')
  const principalType = body.choice('properties.principalType', TYPES) ?? 'Unknown'
  const tenantId = body.text('properties.tenantId') ?? server.authConfig.tenantId ?? TENANT
  if (server.authConfig.entra === 'Disabled') {
    throw new AzureError('OperationNotAllowed', `Microsoft Entra authentication is not enabled for server '${server.name}'.`)
  }
  requireState(call, server, 'Ready')
  return promise(call, server, {
    kind: 'UpsertServerAdministratorManagementOperation',
    resource: serverId(server, 'administrators', objectId),
    job: { kind: 'set-administrator', administrator: { objectId, principalName, principalType, tenantId } },
  })
}
