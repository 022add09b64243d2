/** Bindings of an IAM policy, each of a role, perhaps under a condition. Source: IAM, "Policy" and "Overview of IAM Conditions". */
import { list, onlyFields, PolicyRefused, record, texts } from '../../access/refusal'
import { parseCondition, type ResourceAttributes } from './condition'

export interface Binding {
  readonly permissions: readonly string[]
  /** An expression; null: it always holds. */
  readonly condition: string | null
}

const ROLE_FIELDS = ['name', 'title', 'description', 'stage', 'etag', 'includedPermissions']

/** @throws PolicyRefused. */
export function parseBindings(value: unknown): Binding[] {
  return list(value, 'bindings').map((one) => {
    const binding = record(one, 'A binding')
    onlyFields(binding, ['role', 'condition'], 'A binding')
    const role = record(binding.role, 'role')
    onlyFields(role, ROLE_FIELDS, 'A role')
    const permissions = texts(role.includedPermissions, 'includedPermissions')
    const wild = permissions.find((permission) => !/^[a-z]+(\.[a-zA-Z]+)+$/.test(permission))
    if (wild !== undefined) throw new PolicyRefused(`${wild} is no permission; a role names each by itself.`)
    return { permissions, condition: binding.condition == null ? null : expressionOf(binding.condition) }
  })
}

function expressionOf(value: unknown): string {
  const condition = record(value, 'condition')
  onlyFields(condition, ['title', 'description', 'expression'], 'A condition')
  const [expression = ''] = texts(condition.expression, 'expression')
  parseCondition(expression)
  return expression
}

export function isAllowed(bindings: readonly Binding[], permission: string, resource: ResourceAttributes): boolean {
  return bindings.some(
    ({ permissions, condition }) =>
      permissions.includes(permission) && (condition === null || parseCondition(condition)(resource)),
  )
}
