/** Values that each side of a replication would make up for itself, where both run the same statement over rows that are there. */
import { asList, asNode, asText, type TreeNode, visit } from './grammar'

const MADE_UP_COLUMN =
  'each side would fill the new column by itself, and differently: add the column without a default, fill it by UPDATE in the same file, and set the default in another one'
const MADE_UP_TYPE =
  'each side would compute the new values by itself, and differently: add a column of the new type, fill it by UPDATE, and drop the old one in another file'

const SERIAL = /^(?:small|big)?serial[248]?$/

/** Of a command of ALTER TABLE: why; null: both sides come to the same. */
export function madeUpBy({ subtype, def }: TreeNode): string | null {
  const column = asNode(asNode(def).ColumnDef)
  if (subtype === 'AT_AlterColumnType')
    return column.raw_default !== undefined && isVolatile(column.raw_default) ? MADE_UP_TYPE : null
  if (subtype !== 'AT_AddColumn') return null
  const names = asList(asNode(column.typeName).names).map((part) => asText(asNode(part.String).sval))
  if (SERIAL.test(names.at(-1) ?? '')) return MADE_UP_COLUMN
  const constraints = asList(column.constraints).map((one) => asNode(one.Constraint))
  if (constraints.some(({ contype }) => contype === 'CONSTR_IDENTITY')) return MADE_UP_COLUMN
  const given = constraints.find(({ contype }) => contype === 'CONSTR_DEFAULT')
  return given === undefined || isConstant(given.raw_expr, names.at(-1) ?? '') ? null : MADE_UP_COLUMN
}

/** Types whose text stands for another value at another time, or on another server. */
const TIMED = /^(?:timestamp|timestamptz|date|time|timetz)$/
const TIMELY = /\b(?:now|today|tomorrow|yesterday)\b/i

/** `type`: of the value, by its last name. */
function isConstant(value: unknown, type: string): boolean {
  const node = asNode(value)
  if (node.A_Const !== undefined) {
    if (/^reg/.test(type)) return false
    const text = asText(asNode(asNode(node.A_Const).sval).sval)
    return !(TIMED.test(type) && TIMELY.test(text))
  }
  if (node.TypeCast !== undefined) {
    const { arg, typeName } = asNode(node.TypeCast)
    const to = asText(asNode(asList(asNode(typeName).names).at(-1)?.String).sval)
    return isConstant(arg, to) && isConstant(arg, type)
  }
  if (node.A_ArrayExpr !== undefined) return asList(asNode(node.A_ArrayExpr).elements).every((one) => isConstant(one, type))
  // a sign
  const { kind, lexpr, rexpr } = asNode(node.A_Expr)
  return kind === 'AEXPR_OP' && lexpr === undefined && rexpr !== undefined && isConstant(rexpr, type)
}

const VOLATILE = new Set([
  'now',
  'transaction_timestamp',
  'statement_timestamp',
  'clock_timestamp',
  'timeofday',
  'random',
  'random_normal',
  'gen_random_uuid',
  'uuid_generate_v1',
  'uuid_generate_v1mc',
  'uuid_generate_v4',
  'gen_random_bytes',
  'nextval',
  'currval',
  'lastval',
  'setval',
  'txid_current',
  'pg_current_xact_id',
  'pg_backend_pid',
  'current_database',
  'current_setting',
  'inet_server_addr',
])

/** As far as names tell. */
function isVolatile(value: unknown): boolean {
  let found = false
  visit(value, (part) => {
    const { funcname } = asNode(part.FuncCall)
    if (VOLATILE.has(asText(asNode(asList(funcname).at(-1)?.String).sval))) found = true
    if (part.SQLValueFunction !== undefined) found = true
    if (part.TypeCast === undefined) return
    const { arg, typeName } = asNode(part.TypeCast)
    const to = asText(asNode(asList(asNode(typeName).names).at(-1)?.String).sval)
    if (asNode(arg).A_Const !== undefined && !isConstant(arg, to)) found = true
  })
  return found
}
