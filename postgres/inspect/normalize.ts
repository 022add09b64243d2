/** SQL text that PostgreSQL prints from its catalogs, made comparable between major versions: parsed by one grammar and compared as a tree,
 *  so that parentheses, blanks and line breaks do not count. Since 16 a view over one table prints its columns without the table's name,
 *  where 15 prints it: that qualification is dropped on both. */
import { asNode, asText, GrammarError, parseStatements, type TreeNode } from '../migrate/grammar'

/** A canonical text for an expression as `pg_get_expr` prints it. What the grammar does not know stays as it is, blanks joined. */
export function normalExpression(text: string | null): unknown {
  if (text === null) return null
  const tree = parse(`SELECT ${text}`)
  return tree ?? text.replace(/\s+/g, ' ').trim()
}

/** The same for a query or statement. */
export function normalStatement(text: string | null): unknown {
  if (text === null) return null
  return parse(text) ?? text.replace(/\s+/g, ' ').trim()
}

function parse(sql: string): unknown {
  try {
    return parseStatements(sql).map(({ type, node }) => ({ [type]: simplify(node, type, null) }))
  } catch (error) {
    if (error instanceof GrammarError) return null
    throw error
  }
}

const PLACE_IN_TEXT = /(?:^|_)(?:location|list_start|list_end|stmt_len)$/

function simplify(value: unknown, type: string, onlyTable: string | null): unknown {
  if (Array.isArray(value)) return value.map((item) => simplify(item, '', onlyTable))
  if (typeof value !== 'object' || value === null) return value
  const node = value as TreeNode
  const table = type === 'SelectStmt' ? singleTable(node) : onlyTable
  const entries = Object.entries(node)
    .filter(([key]) => !PLACE_IN_TEXT.test(key))
    .map(([key, child]) => [key, key === 'ColumnRef' ? columnRef(asNode(child), table) : simplify(child, key, table)] as const)
  return Object.fromEntries(entries)
}

function singleTable(select: TreeNode): string | null {
  const from = Array.isArray(select.fromClause) ? select.fromClause : []
  if (from.length !== 1) return null
  const range = asNode(asNode(from[0]).RangeVar)
  return asText(asNode(range.alias).aliasname) || asText(range.relname) || null
}

function columnRef(node: TreeNode, onlyTable: string | null): unknown {
  const fields = Array.isArray(node.fields) ? node.fields : []
  const first = asText(asNode(asNode(fields[0]).String).sval)
  const kept = onlyTable !== null && fields.length === 2 && first === onlyTable ? fields.slice(1) : fields
  return { fields: kept.map((field) => simplify(field, '', null)) }
}
