/** Role assignments of Azure RBAC, each of a custom role at a scope, which holds for everything below it. Sources: "Azure custom roles" (the file that
 *  `az role definition create` takes), "Understand scope for Azure RBAC", "Azure resource provider operations". */
import { list, matches, onlyFields, PolicyRefused, record, texts } from '../../access/refusal'

export interface Assignment {
  /** In lower case, without a slash at the end. */
  readonly scope: string
  readonly actions: readonly string[]
  readonly notActions: readonly string[]
}

const ROLE_FIELDS = [
  'Name',
  'IsCustom',
  'Description',
  'Actions',
  'NotActions',
  'DataActions',
  'NotDataActions',
  'AssignableScopes',
]
const SCOPE = /^\/subscriptions\/[0-9a-f-]{36}(\/resourcegroups\/[^/]+(\/providers\/.+)?)?$/

/** @throws PolicyRefused. */
export function parseAssignments(value: unknown): Assignment[] {
  return list(value, 'assignments').map((one) => {
    const assignment = record(one, 'An assignment')
    onlyFields(assignment, ['scope', 'role'], 'An assignment')
    const role = record(assignment.role, 'role')
    onlyFields(role, ROLE_FIELDS, 'A role')
    const [scope = ''] = texts(assignment.scope, 'scope').map(plain)
    if (!SCOPE.test(scope))
      throw new PolicyRefused('The scope of an assignment must be /subscriptions/ID, with or without /resourceGroups/NAME.')
    const assignable = texts(role.AssignableScopes, 'AssignableScopes').map(plain)
    if (!assignable.some((above) => isWithin(scope, above))) {
      throw new PolicyRefused(`The role cannot be assigned at ${scope}: its AssignableScopes are ${assignable.join(', ')}.`)
    }
    return { scope, actions: texts(role.Actions, 'Actions'), notActions: texts(role.NotActions ?? [], 'NotActions') }
  })
}

/** `path`: of the resource, or of what holds it. */
export function isAllowed(assignments: readonly Assignment[], action: string, path: string): boolean {
  const covers = (patterns: readonly string[]): boolean =>
    patterns.some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase()))
  return assignments.some(
    ({ scope, actions, notActions }) => isWithin(plain(path), scope) && covers(actions) && !covers(notActions),
  )
}

function isWithin(path: string, scope: string): boolean {
  return path === scope || path.startsWith(`${scope}/`)
}

function plain(scope: string): string {
  return scope.toLowerCase().replace(/\/+$/, '')
}
