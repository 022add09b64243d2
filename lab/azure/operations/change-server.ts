/** What updating a server by PATCH and by PUT have in common: all is checked, then promised as one change. */
import { scramVerifier } from '../../postgres/verifier'
import { type Answer, type Call, requireState } from '../cloud'
import { AzureError, invalidParameter } from '../errors'
import { parsePassword } from '../names'
import { promise } from '../promises'
import { serverId } from '../protocol/path'
import { requireWriter } from '../replication'
import { parseShape, parseZone } from '../shape'
import { type AzureServer, serverKey } from '../state'

/** `replacesTags`: those that the body does not have are gone. */
export async function changeServer(
  call: Call,
  server: AzureServer,
  { replacesTags }: { replacesTags: boolean },
): Promise<Answer> {
  const { body, cloud } = call
  const password = body.text('properties.administratorLoginPassword')
  const verifier = password === undefined ? null : scramVerifier(parsePassword(password, server.login))
  const change = parseShape(body, server, false)
  refuseFixed(call, server)
  if (verifier !== null) requireWriter(server)
  if (replacesTags) change.tags ??= {}
  requireState(call, server, 'Ready')
  const answer = await promise(call, server, {
    kind: 'UpsertServerManagementOperationV2',
    resource: serverId(server),
    job: { kind: 'update', change, verifier },
    show: 'Updating',
  })
  if (change.storage && change.storage.sizeGb > server.storage.sizeGb) {
    await cloud.afflictions.lift('fill-disk', serverKey(server.name))
  }
  return answer
}

/** What a server is for good. */
function refuseFixed({ body }: Call, server: AzureServer): void {
  const login = body.text('properties.administratorLogin')
  if (login !== undefined && login !== server.login) throw invalidParameter('administratorLogin', 'It cannot be changed.')
  const version = body.text('properties.version')
  if (version !== undefined && version !== String(server.major)) {
    throw new AzureError(
      'OperationNotAllowed',
      `This lab does not upgrade servers: '${server.name}' stays at version ${server.major}.`,
    )
  }
  const zone = parseZone(body)
  if (zone !== undefined && zone !== server.zone) throw invalidParameter('availabilityZone', 'It cannot be changed.')
}
