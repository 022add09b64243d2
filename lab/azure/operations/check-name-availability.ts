/** NameAvailability_CheckGlobally and NameAvailability_CheckWithLocation: whether a server may be called so. */
import type { Operation } from '../cloud'
import { invalidParameter } from '../errors'
import { isServerName } from '../names'
import { typeOf } from '../protocol/path'
import { own, serverKey } from '../state'

export const checkNameAvailability: Operation = async ({ body, cloud }) => {
  const name = body.text('name')
  const type = body.text('type') ?? typeOf()
  if (name === undefined) throw invalidParameter('name')
  if (type.toLowerCase() !== typeOf().toLowerCase()) {
    throw invalidParameter('type')
  }
  const answer = { name, type: typeOf() }
  if (!isServerName(name)) {
    const message =
      'Specified server name is invalid: 3 to 63 lower-case letters, digits and hyphens, which neither begin nor end it.'
    return { status: 200, body: { ...answer, nameAvailable: false, reason: 'Invalid', message } }
  }
  if (own(cloud.state.servers, serverKey(name))) {
    const message = 'Specified server name is already used.'
    return { status: 200, body: { ...answer, nameAvailable: false, reason: 'AlreadyExists', message } }
  }
  return { status: 200, body: { ...answer, nameAvailable: true, message: '' } }
}
