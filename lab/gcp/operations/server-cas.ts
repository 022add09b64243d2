/** instances.listServerCas and connect.getConnectSettings: what a client must know to trust an instance. All servers of a lab are vouched for by
 *  its one authority, whose certificate does not change. */
import { findInstance, type Operation } from '../cloud'
import type { Json } from '../protocol/json'
import { instanceView, serverCaView } from '../views'

export const listServerCas: Operation = async (call) => {
  const { name } = findInstance(call)
  const view = serverCaView(await call.cloud.authority(), name)
  return { kind: 'sql#instancesListServerCas', certs: [view] as Json[], activeVersion: view.sha1Fingerprint }
}

export const getConnectSettings: Operation = async (call) => {
  const instance = findInstance(call)
  const view = instanceView(call.cloud, instance, call.prefix, await call.cloud.authority())
  return {
    kind: 'sql#connectSettings',
    serverCaCert: view.serverCaCert,
    ipAddresses: view.ipAddresses,
    region: view.region,
    databaseVersion: view.databaseVersion,
    backendType: view.backendType,
    connectionName: view.connectionName,
    serverCaMode: 'GOOGLE_MANAGED_INTERNAL_CA',
  }
}
