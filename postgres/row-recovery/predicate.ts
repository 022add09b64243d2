/** What somebody gives as `--where`: one expression over a row of the copy, and nothing else. */
import { failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import { asList, GrammarError, loadGrammar, parseStatements } from '../migrate/grammar'
import { type CatalogTable, fromTable } from '../verify/catalog'
import { type Side, TooSlow } from '../verify/side'

/** SQL of whether the predicate is true, over a row `t` of the table; its columns are named alone, or behind the table's own name. */
export function truthOf(where: string, { quoted }: Pick<CatalogTable, 'quoted'>): string {
  const alias = quoted.slice(quoted.lastIndexOf('"."') + 2)
  return `(SELECT coalesce((\n${where}\n), false) FROM (SELECT t.*) AS ${alias})`
}

/** Throws OPTION_INVALID for what is no expression, or more than one. Asks nobody. */
export async function refuseNoExpression(where: string): Promise<void> {
  await loadGrammar()
  if (!isExpression(where)) throw invalid('it has to be one expression, such as status = $$lost$$ AND id < 500')
}

/** Throws OPTION_INVALID for what is not one boolean expression that the table's columns answer. */
export async function checkPredicate(side: Side, where: string, table: CatalogTable): Promise<void> {
  await refuseNoExpression(where)
  try {
    await side.query(`SELECT ${truthOf(where, table)} FROM ${fromTable(table)} AS t LIMIT 1`)
  } catch (error) {
    if (error instanceof TooSlow) return
    if (!(error instanceof ServerError)) throw error
    throw invalid(`the copy says ${error.message} (SQLSTATE ${error.sqlState})`)
  }
}

/** What `SELECT (…)` is parsed into; a FROM, a second column or a UNION would be more. */
const OF_AN_EXPRESSION = new Set(['targetList', 'limitOption', 'op'])

function isExpression(where: string): boolean {
  try {
    const [parsed, ...more] = parseStatements(`SELECT (\n${where}\n)`)
    if (parsed?.type !== 'SelectStmt' || more.length > 0) return false
    const { targetList } = parsed.node
    return asList(targetList).length === 1 && Object.keys(parsed.node).every((name) => OF_AN_EXPRESSION.has(name))
  } catch (error) {
    if (error instanceof GrammarError) return false
    throw error
  }
}

const invalid = (why: string): Error =>
  failure('OPTION_INVALID', `--where cannot be asked: ${why}. Names of other schemas need their schema.`, { option: 'where' })
