/** ResetDBParameterGroup: all of the group's own values, or some, become the family's defaults again. Dynamic ones with `immediate`
 *  reach the instances at once; the others wait for a reboot. */
import type { Operation } from '../cloud'
import { invalidCombination } from '../errors'
import { changeParameters, type ParameterChange, parseParameterChanges } from '../parameter-changes'
import { definitions, findGroup, majorOfFamily, requireCustom } from '../parameters'

export const resetDbParameterGroup: Operation<'ResetDBParameterGroup'> = async (call) => {
  const { cloud, query, region } = call
  const group = findGroup(cloud.state, region, query.required('DBParameterGroupName'))
  requireCustom(group, 'modified')
  const all = query.flag('ResetAllParameters') ?? query.records('Parameters') === undefined
  if (all && (query.records('Parameters') ?? []).length > 0) {
    throw invalidCombination('Parameters cannot be given when all of them are reset.')
  }
  const catalogue = definitions(await cloud.catalogue(majorOfFamily(group.family)))
  const changes: ParameterChange[] = all
    ? Object.keys(group.parameters).map((name) => {
        const dynamic = catalogue.find((parameter) => parameter.name === name)?.dynamic ?? false
        return { name, value: undefined, method: dynamic ? 'immediate' : 'pending-reboot' }
      })
    : (await parseParameterChanges(call, group, 'reset')).map((change) => ({ ...change, value: undefined }))
  await changeParameters(cloud, group, changes)
  return { DBParameterGroupName: group.name }
}
