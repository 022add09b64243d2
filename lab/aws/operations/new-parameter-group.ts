/** What creating and copying a parameter group have in common. */
import type { Call } from '../cloud'
import { AwsError } from '../errors'
import { parseIdentifier, parseTags } from '../identifiers'
import { requireRoom } from '../quotas'
import { key, type ParameterGroup } from '../state'

/** @throws AwsError DBParameterGroupAlreadyExists, InvalidParameterValue. */
export function addParameterGroup(
  call: Call,
  nameParameter: string,
  group: Pick<ParameterGroup, 'family' | 'description' | 'parameters'>,
): ParameterGroup {
  const { state } = call.cloud
  const name = parseIdentifier(nameParameter, call.query.required(nameParameter), 255)
  const place = key(call.region, name)
  if (state.parameterGroups[place]) {
    throw new AwsError('DBParameterGroupAlreadyExists', `Parameter group ${name} already exists`)
  }
  requireRoom(state, call.region, 'parameterGroups')
  const added = { region: call.region, name, tags: parseTags(call.query.records('Tags')), ...group }
  state.parameterGroups[place] = added
  return added
}
