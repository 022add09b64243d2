/** DescribeDBParameters: what PostgreSQL itself lists for the family, with the group's own values. `Source` user: those that the
 *  group changes; engine-default: the others. */
import type { Operation } from '../cloud'
import { type FilterTable, filtered } from '../filters'
import { pageOf } from '../paging'
import { allowedValues, definitions, findGroup, isModifiable, majorOfFamily } from '../parameters'

const FILTERS: FilterTable<{ name: string }> = { 'parameter-name': ({ name }, value) => name === value }

export const describeDbParameters: Operation<'DescribeDBParameters'> = async ({ cloud, query, region }) => {
  const group = findGroup(cloud.state, region, query.required('DBParameterGroupName'))
  const source = query.text('Source')
  const all = definitions(await cloud.catalogue(majorOfFamily(group.family))).filter(({ name }) => {
    if (source === undefined) return true
    return (group.parameters[name] ? 'user' : 'engine-default') === source
  })
  const page = pageOf(query, filtered(query, FILTERS, all), (parameter) => parameter.name)
  const views = page.items.map((parameter) => {
    const own = group.parameters[parameter.name]
    return {
      ParameterName: parameter.name,
      ParameterValue: own?.value,
      Description: parameter.description,
      Source: own ? 'user' : 'engine-default',
      ApplyType: parameter.dynamic ? 'dynamic' : 'static',
      DataType: parameter.type === 'enum' ? 'string' : parameter.type === 'real' ? 'float' : parameter.type,
      AllowedValues: allowedValues(parameter),
      IsModifiable: isModifiable(parameter.name),
      ApplyMethod: own?.method ?? 'pending-reboot',
    }
  })
  return { Marker: page.marker, Parameters: views }
}
