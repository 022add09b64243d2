/** Parameters of a group: what PostgreSQL itself lists for the family, with the group's own values. `Source` user: those that the group
 *  changes; engine-default: the others. */
import type { Call } from '../cloud'
import { type FilterTable, filtered } from '../filters'
import type { Parameter } from '../generated/answers'
import { pageOf } from '../paging'
import { allowedValues, definitionsFor, isModifiable, majorOfFamily } from '../parameters'
import type { ParameterGroup } from '../state'

const FILTERS: FilterTable<{ name: string }> = { 'parameter-name': ({ name }, value) => name === value }

export async function parameterPage(
  { cloud, query }: Call,
  group: ParameterGroup,
): Promise<{ Marker: string | undefined; Parameters: Parameter[] }> {
  const source = query.text('Source')
  const all = definitionsFor(group, await cloud.catalogue(majorOfFamily(group.family))).filter(({ name }) => {
    if (source === undefined) return true
    return (group.parameters[name] ? 'user' : 'engine-default') === source
  })
  const page = pageOf(query, filtered(query, FILTERS, all), (parameter) => parameter.name)
  const views = page.items.map((parameter): Parameter => {
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
