/** PostgreSQL's own grammar (18, as WebAssembly), narrowed to what this room asks of it. Trees are read by field name, since the
 *  published types have a variant for each of 260 nodes. */
import { hasSqlDetails, loadModule, parsePlPgSQLSync, parseSync } from 'libpg-query'

export type TreeNode = Readonly<Record<string, unknown>>

export interface ParsedStatement {
  /** For example `IndexStmt`. */
  readonly type: string
  readonly node: TreeNode
}

/** Loads the grammar once. Every other function here needs it to have resolved. */
export async function loadGrammar(): Promise<void> {
  await loadModule()
}

export class GrammarError extends Error {
  /** 0-based, in characters. */
  readonly position: number
  constructor(message: string, position: number) {
    super(message)
    this.position = position
  }
}

/** All statements in a text. Throws GrammarError. */
export function parseStatements(sql: string): ParsedStatement[] {
  try {
    return (parseSync(sql).stmts ?? []).map(({ stmt }) => {
      const [type, node] = Object.entries(stmt ?? {})[0] ?? ['', {}]
      return { type, node: asNode(node) }
    })
  } catch (error) {
    if (!hasSqlDetails(error)) throw error
    throw new GrammarError(
      shortened(error.sqlDetails?.message ?? error.message),
      Math.max(0, error.sqlDetails?.cursorPosition ?? 0),
    )
  }
}

/** A message repeats a token of the text, which may be as long as the file. */
function shortened(message: string): string {
  return message.replace(/"([\s\S]{61,})"/, (_, token: string) => `"${token.slice(0, 60)}…"`)
}

/** Whether the PL/pgSQL of a DO block or routine definition ends transactions itself. False where it is in another language. */
export function endsTransactions(sql: string): boolean {
  try {
    return /"PLpgSQL_stmt_(?:commit|rollback)"/.test(JSON.stringify(parsePlPgSQLSync(sql)))
  } catch {
    return false
  }
}

export function asNode(value: unknown): TreeNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as TreeNode) : {}
}

export function asList(value: unknown): TreeNode[] {
  return Array.isArray(value) ? value.map(asNode) : []
}

export function asText(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** Visits each object of a tree, parents first. */
export function visit(value: unknown, see: (node: TreeNode) => void): void {
  if (Array.isArray(value)) for (const item of value) visit(item, see)
  else if (typeof value === 'object' && value !== null) {
    see(value as TreeNode)
    for (const child of Object.values(value)) visit(child, see)
  }
}
