/** What creating and copying a parameter group have in common. */
import type { Call } from '../cloud'
import { AwsError } from '../errors'
import { parseIdentifier, parseTags } from '../identifiers'
import { requireRoom } from '../quotas'
import { key, type ParameterGroup } from '../state'

type NewGroup = Pick<ParameterGroup, 'family' | 'description' | 'parameters'>

/** @throws AwsError DBParameterGroupAlreadyExists, DBParameterGroupQuotaExceeded, InvalidParameterValue. */
export function addParameterGroup(call: Call, nameParameter: string, group: NewGroup): ParameterGroup {
  return add(call, nameParameter, group, 'parameterGroups')
}

/** @throws AwsError DBParameterGroupAlreadyExists, DBParameterGroupQuotaExceeded, InvalidParameterValue. */
export function addClusterParameterGroup(call: Call, nameParameter: string, group: NewGroup): ParameterGroup {
  return add(call, nameParameter, { ...group, ofCluster: true }, 'clusterParameterGroups')
}

function add(
  { cloud: { state }, query, region }: Call,
  nameParameter: string,
  group: NewGroup & Pick<ParameterGroup, 'ofCluster'>,
  kind: 'parameterGroups' | 'clusterParameterGroups',
): ParameterGroup {
  const name = parseIdentifier(nameParameter, query.required(nameParameter), 255)
  const place = key(region, name)
  if (state[kind][place]) throw new AwsError('DBParameterGroupAlreadyExists', `Parameter group ${name} already exists`)
  requireRoom(state, region, kind)
  const added = { region, name, tags: parseTags(query.records('Tags')), ...group }
  state[kind][place] = added
  return added
}
