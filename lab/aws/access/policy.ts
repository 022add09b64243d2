/** Identity-based policies of IAM, as far as Amazon RDS is concerned: actions, resources, and conditions on tags, their names and the region. What is not known here is
 *  refused when a policy is handed over. Source: IAM user guide, "Policy evaluation logic" and "IAM JSON policy elements". */
import { list, matches, onlyFields, PolicyRefused, record, texts } from '../../access/refusal'

export interface AwsStatement {
  readonly effect: 'Allow' | 'Deny'
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  readonly conditions: readonly Condition[]
}

export type Condition =
  | { readonly operator: Operator; readonly key: string; readonly values: readonly string[] }
  | { readonly ofTagKeys: TagKeysOperator; readonly values: readonly string[] }

/** What one call wants to do to one resource. */
export interface Wanted {
  /** As `rds:DeleteDBInstance`. */
  readonly action: string
  /** An ARN, which may end in `*` for whatever is listed. */
  readonly resource: string
  readonly resourceTags: Readonly<Record<string, string>>
}

export interface Context {
  readonly requestTags: Readonly<Record<string, string>>
  /** Names of tags that the call sets or takes off. */
  readonly tagKeys: readonly string[]
  readonly region: string
}

/** A key that is not there satisfies what is negated and nothing else. */
const OPERATORS = {
  StringEquals: (found: string | undefined, values: readonly string[]) => found !== undefined && values.includes(found),
  StringNotEquals: (found: string | undefined, values: readonly string[]) => found === undefined || !values.includes(found),
  StringLike: (found: string | undefined, values: readonly string[]) =>
    found !== undefined && values.some((value) => matches(value, found)),
  StringNotLike: (found: string | undefined, values: readonly string[]) =>
    found === undefined || !values.some((value) => matches(value, found)),
  Null: (found: string | undefined, values: readonly string[]) => values.includes(String(found === undefined)),
} as const
type Operator = keyof typeof OPERATORS

/** The one key that has several values. Without any, what all of them have to satisfy is satisfied. */
const TAG_KEYS = 'aws:TagKeys'
const OF_TAG_KEYS = {
  'ForAllValues:StringEquals': (found: readonly string[], values: readonly string[]) =>
    found.every((one) => values.includes(one)),
  'ForAnyValue:StringEquals': (found: readonly string[], values: readonly string[]) => found.some((one) => values.includes(one)),
  Null: (found: readonly string[], values: readonly string[]) => values.includes(String(found.length === 0)),
} as const
type TagKeysOperator = keyof typeof OF_TAG_KEYS

const KEY = /^aws:(ResourceTag\/.+|RequestTag\/.+|RequestedRegion)$/

/** @throws PolicyRefused. */
export function parsePolicy(value: unknown): AwsStatement[] {
  const policy = record(value, 'A policy')
  onlyFields(policy, ['Version', 'Id', 'Statement'], 'A policy')
  if (policy.Version !== '2012-10-17') throw new PolicyRefused('The Version of a policy must be 2012-10-17.')
  return list(policy.Statement, 'Statement').map(parseStatement)
}

function parseStatement(value: unknown): AwsStatement {
  const statement = record(value, 'A statement')
  onlyFields(statement, ['Sid', 'Effect', 'Action', 'Resource', 'Condition'], 'A statement')
  const { Effect: effect } = statement
  if (effect !== 'Allow' && effect !== 'Deny') throw new PolicyRefused('The Effect of a statement must be Allow or Deny.')
  return {
    effect,
    actions: texts(statement.Action, 'Action'),
    resources: texts(statement.Resource, 'Resource'),
    conditions: parseConditions(statement.Condition ?? {}),
  }
}

function parseConditions(value: unknown): Condition[] {
  return Object.entries(record(value, 'Condition')).flatMap(([operator, keys]) => {
    if (!isOperator(operator) && !isOfTagKeys(operator)) {
      const known = [...new Set([...Object.keys(OPERATORS), ...Object.keys(OF_TAG_KEYS)])].join(', ')
      throw new PolicyRefused(`The operator ${operator} is not known here; known are ${known}.`)
    }
    return Object.entries(record(keys, operator)).map(([key, values]): Condition => {
      if (key === TAG_KEYS && isOfTagKeys(operator)) return { ofTagKeys: operator, values: texts(values, key) }
      if (KEY.test(key) && isOperator(operator)) return { operator, key, values: texts(values, key) }
      throw new PolicyRefused(
        `The key ${key} is not known here with ${operator}; known are aws:ResourceTag/…, aws:RequestTag/…, aws:RequestedRegion, and ${TAG_KEYS} with ${Object.keys(OF_TAG_KEYS).join(', ')}.`,
      )
    })
  })
}

function isOperator(operator: string): operator is Operator {
  return Object.hasOwn(OPERATORS, operator)
}

function isOfTagKeys(operator: string): operator is TagKeysOperator {
  return Object.hasOwn(OF_TAG_KEYS, operator)
}

/** A statement that denies wins over all that allow. */
export function isAllowed(
  statements: readonly AwsStatement[],
  wanted: Wanted,
  context: Context,
): 'allowed' | 'denied' | 'not-allowed' {
  const applying = statements.filter((statement) => applies(statement, wanted, context))
  if (applying.some(({ effect }) => effect === 'Deny')) return 'denied'
  return applying.length > 0 ? 'allowed' : 'not-allowed'
}

function applies({ actions, resources, conditions }: AwsStatement, wanted: Wanted, context: Context): boolean {
  return (
    actions.some((pattern) => matches(pattern.toLowerCase(), wanted.action.toLowerCase())) &&
    resources.some((pattern) => matches(pattern, wanted.resource)) &&
    conditions.every((condition) => isMet(condition, wanted, context))
  )
}

function isMet(condition: Condition, wanted: Wanted, context: Context): boolean {
  if ('ofTagKeys' in condition) return OF_TAG_KEYS[condition.ofTagKeys](context.tagKeys, condition.values)
  const { operator, key, values } = condition
  return OPERATORS[operator](contextValue(key, wanted, context), values)
}

function contextValue(key: string, { resourceTags }: Wanted, { requestTags, region }: Context): string | undefined {
  if (key === 'aws:RequestedRegion') return region
  const [, of, name = ''] = /^aws:(\w+)\/(.*)$/s.exec(key) ?? []
  const tags = of === 'ResourceTag' ? resourceTags : requestTags
  return Object.hasOwn(tags, name) ? tags[name] : undefined
}
