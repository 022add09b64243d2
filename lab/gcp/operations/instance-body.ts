/** What creating and changing an instance have in common: the parts of a request's instance that this lab cannot be told. */
import { invalid } from '../errors'
import { messageOf } from '../merge'
import type { Message } from '../protocol/json'

const TYPES = new Set(['CLOUD_SQL_INSTANCE', 'READ_REPLICA_INSTANCE'])

/** Would change what the lab cannot change: refused rather than swallowed. @throws GcpError invalid. */
export function refuseUnsupported(body: Message): void {
  if (Object.keys(messageOf(body.tags)).length > 0)
    throw invalid('This lab has no Resource Manager tags; use settings.userLabels')
  if (body.onPremisesConfiguration !== undefined) throw invalid('This lab has no external servers')
  if (messageOf(body.diskEncryptionConfiguration).kmsKeyName !== undefined) throw invalid('This lab has no customer-managed keys')
  if (body.instanceType !== undefined && !TYPES.has(String(body.instanceType))) {
    throw invalid(`This lab has no instances of type ${String(body.instanceType)}`)
  }
  if (body.nodeCount !== undefined) throw invalid('This lab has no read pools')
}
