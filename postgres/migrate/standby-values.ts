/** Values that each side of a replication would make up for itself, where both run the same statement over rows that are there. */
import { asList, asNode, asText, type TreeNode, visit } from './grammar'

const MADE_UP_COLUMN =
  'each side would fill the new column by itself, and differently: add the column without a default, fill it by UPDATE in the same file, and set the default in another one'
const MADE_UP_TYPE =
  'each side would compute the new values by itself, and differently: add a column of the new type, fill it by UPDATE, and drop the old one in another file'

const ownFunction = (name: string): string => {
  const own = name.includes('.') ? '' : `one of PostgreSQL's own is written as pg_catalog.${name}, and `
  return `nobody can see whether ${name}() comes to the same on each side: add a column of the new type, fill it by UPDATE, and drop the old one in another file; ${own}the line "-- capstan: schema" before the statement vouches for any other`
}

const SERIAL = /^(?:small|big)?serial[248]?$/

/** Of a command of ALTER TABLE: why; null: both sides come to the same. `vouched`: somebody says so of functions that are not PostgreSQL's own. */
export function madeUpBy({ subtype, def }: TreeNode, vouched: boolean): string | null {
  const column = asNode(asNode(def).ColumnDef)
  if (subtype === 'AT_AlterColumnType') {
    if (column.raw_default === undefined) return null
    if (isVolatile(column.raw_default)) return MADE_UP_TYPE
    const unknown = vouched ? null : unknownFunction(column.raw_default)
    return unknown === null ? null : ownFunction(unknown)
  }
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

/** Of PostgreSQL's own those that are written in a USING: each comes to the same wherever it is called with the same, under the same settings. */
const SAME_EVERYWHERE = new Set(
  `abs array_agg array_append array_cat array_length array_position array_prepend array_remove array_replace array_to_json array_to_string ascii
btrim cardinality ceil ceiling char_length character_length chr concat concat_ws convert convert_from convert_to date date_part date_trunc decode div encode
exp extract floor format hstore initcap int4range int8range json_array_length json_build_array json_build_object json_extract_path json_extract_path_text
json_object json_to_array jsonb_array_length jsonb_build_array jsonb_build_object jsonb_extract_path jsonb_extract_path_text jsonb_object jsonb_set
jsonb_strip_nulls jsonb_typeof justify_days justify_hours justify_interval left length ln log lower lpad ltrim make_date make_interval make_time make_timestamp
make_timestamptz md5 mod normalize numrange nullif octet_length overlay position power quote_ident quote_literal regexp_match regexp_replace
regexp_split_to_array regexp_substr repeat replace reverse right round rpad rtrim scale sha224 sha256 sha384 sha512 sign split_part sqrt starts_with
string_to_array strpos substr substring timezone to_ascii to_char to_date to_hex to_json to_jsonb to_number to_timestamp to_tsquery to_tsvector translate
trim trim_array trim_scale trunc tsrange tstzrange daterange upper width_bucket xmlparse`.split(/\s+/),
)

/** The first that nobody here knows; null: there is none. */
function unknownFunction(value: unknown): string | null {
  let found: string | null = null
  visit(value, (part) => {
    if (part.FuncCall === undefined || found !== null) return
    const names = asList(asNode(part.FuncCall).funcname).map((one) => asText(asNode(one.String).sval))
    const name = names.at(-1) ?? ''
    if (names.length > 1 ? names[0] !== 'pg_catalog' : !SAME_EVERYWHERE.has(name)) found = names.join('.')
  })
  return found
}
