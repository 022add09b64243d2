/** What a statement is, by PostgreSQL's grammar rather than by its first words: its kind, whether it can run inside a transaction,
 *  and which relations it names. Where a procedure's body cannot be seen (CALL), it is taken to end transactions. */
import { failure } from '../../contracts/failures'
import { printable } from '../printable'
import {
  asList,
  asNode,
  asText,
  endsTransactions,
  GrammarError,
  type ParsedStatement,
  parseStatements,
  type TreeNode,
  visit,
} from './grammar'
import type { SourceStatement } from './split'
import { type StandbyStatement, standbyStatement } from './standby-statement'
import { LineIndex } from './tokenizer'

export interface RelationName {
  readonly schema: string | null
  readonly name: string
}

/** What a second run would do when nobody knows whether the first one ended. `safe`: no harm, or what it left is healed, or the file
 *  vouches for it. `once`: it happened whole or not at all, and a second run fails. `partly`: it ends transactions itself, so any part
 *  of it may have happened, and a second run may do that part again. */
export type RepeatSafety = 'safe' | 'once' | 'partly'

/** A concurrent index build, so that an interrupted one can be found and healed. */
export interface ConcurrentIndex {
  readonly table: RelationName
  /** Null: PostgreSQL chooses the name. */
  readonly name: string | null
  readonly unique: boolean
  readonly method: string
  /** Column names in order; null where the key is an expression. */
  readonly keys: readonly (string | null)[]
  readonly partial: boolean
}

export interface StatementClass {
  /** For example `CREATE INDEX CONCURRENTLY`. */
  readonly kind: string
  readonly transactional: boolean
  readonly repeat: RepeatSafety
  /** Changes the session rather than the database (SET): repeated when a half-done file is resumed. */
  readonly sessionState: boolean
  /** As written: `orders` or `public.orders`. */
  readonly relations: readonly string[]
  readonly concurrentIndex: ConcurrentIndex | null
  readonly standby: StandbyStatement
}

/** Needs `loadGrammar()`. Throws MIGRATION_SYNTAX_ERROR or MIGRATION_UNSUPPORTED, both with file and line. */
export function classifyStatement(script: string, statement: SourceStatement): StatementClass {
  const { type, node } = parseOne(script, statement)
  if (type === 'TransactionStmt') {
    throw failure(
      'MIGRATION_UNSUPPORTED',
      `${script}:${statement.line}: ${statement.words[0] ?? 'BEGIN'} controls transactions, which the engine does itself: remove it.`,
      { script, line: statement.line },
    )
  }
  const concurrent = isConcurrent(type, node)
  const transactional = !concurrent && runsInTransaction(type, node, statement.sql)
  return {
    kind: QUERY_KINDS[type] ?? kindOf(statement.words, concurrent),
    transactional,
    repeat: transactional || concurrent || statement.repeatable ? 'safe' : repeatSafety(type, node),
    sessionState: type === 'VariableSetStmt' || type === 'DiscardStmt',
    relations: relationsOf(node),
    concurrentIndex: type === 'IndexStmt' && concurrent ? indexOf(node) : null,
    standby: standbyStatement({ type, node, transactional, hidden: statement.hidden }),
  }
}

function parseOne(script: string, { sql, line }: SourceStatement): ParsedStatement {
  let parsed: ParsedStatement[]
  try {
    parsed = parseStatements(sql)
  } catch (error) {
    if (!(error instanceof GrammarError)) throw error
    const at = line + new LineIndex(sql).lineAt(error.position) - 1
    throw failure('MIGRATION_SYNTAX_ERROR', `${script}:${at}: ${printable(error.message)}.`, { script, line: at })
  }
  const [only] = parsed
  if (only === undefined || parsed.length > 1) {
    throw new Error(`${script}:${line}: the grammar sees ${parsed.length} statements where the splitter saw one`)
  }
  return only
}

function isConcurrent(type: string, node: TreeNode): boolean {
  if (type === 'IndexStmt' || type === 'DropStmt') return node.concurrent === true
  if (type === 'ReindexStmt') return optionOn(node.params, 'concurrently')
  if (type !== 'AlterTableStmt') return false
  return asList(node.cmds).some((entry) => {
    const command = asNode(entry.AlterTableCmd)
    return command.subtype === 'AT_DetachPartition' && asNode(asNode(command.def).PartitionCmd).concurrent === true
  })
}

/** Statements that PostgreSQL refuses inside a transaction block whatever they name, after the calls of PreventInTransactionBlock. */
const NEVER_IN_TRANSACTION = new Set([
  'AlterSystemStmt',
  'CreatedbStmt',
  'DropdbStmt',
  'CreateTableSpaceStmt',
  'DropTableSpaceStmt',
  'CreateSubscriptionStmt',
  'DropSubscriptionStmt',
  'CallStmt',
])

function runsInTransaction(type: string, node: TreeNode, sql: string): boolean {
  if (NEVER_IN_TRANSACTION.has(type)) return false
  switch (type) {
    case 'VacuumStmt':
      return node.is_vacuumcmd !== true
    case 'ReindexStmt':
      return !/_(?:SCHEMA|SYSTEM|DATABASE)$/.test(asText(node.kind))
    case 'ClusterStmt':
      return node.relation !== undefined
    case 'DiscardStmt':
      return node.target !== 'DISCARD_ALL'
    case 'AlterSubscriptionStmt':
      return !/_(?:REFRESH|(?:SET|ADD|DROP)_PUBLICATION)$/.test(asText(node.kind))
    case 'AlterDatabaseStmt':
      return !asList(node.options).some((option) => asNode(option.DefElem).defname === 'tablespace')
    case 'DoStmt':
      return !endsTransactions(sql)
    default:
      return true
  }
}

/** Of a statement outside transactions. What is not named here (VACUUM, CLUSTER, REINDEX, ALTER SYSTEM…) may run twice. */
function repeatSafety(type: string, node: TreeNode): RepeatSafety {
  switch (type) {
    case 'CallStmt':
    case 'DoStmt':
      return 'partly'
    case 'CreatedbStmt':
    case 'CreateTableSpaceStmt':
    case 'CreateSubscriptionStmt':
      return 'once'
    case 'DropdbStmt':
    case 'DropTableSpaceStmt':
    case 'DropSubscriptionStmt':
      return node.missing_ok === true ? 'safe' : 'once'
    case 'AlterSubscriptionStmt':
      return /_(?:ADD|DROP)_PUBLICATION$/.test(asText(node.kind)) ? 'once' : 'safe'
    default:
      return 'safe'
  }
}

function optionOn(options: unknown, name: string): boolean {
  return asList(options).some((entry) => {
    const option = asNode(entry.DefElem)
    if (option.defname !== name) return false
    const value = asNode(option.arg)
    const text = asText(asNode(value.String).sval).toLowerCase()
    const off = text === 'false' || text === 'off' || value.Boolean !== undefined
    return !off && !(value.Integer !== undefined && asNode(value.Integer).ival === undefined)
  })
}

/** These may begin with WITH or a parenthesis. */
const QUERY_KINDS: Readonly<Record<string, string>> = {
  SelectStmt: 'SELECT',
  InsertStmt: 'INSERT',
  UpdateStmt: 'UPDATE',
  DeleteStmt: 'DELETE',
  MergeStmt: 'MERGE',
}

/** Words between CREATE, ALTER or DROP and the kind of object. */
const MODIFIERS = new Set(
  'OR REPLACE UNIQUE TEMP TEMPORARY UNLOGGED GLOBAL LOCAL RECURSIVE TRUSTED PROCEDURAL DEFAULT CONSTRAINT CONCURRENTLY'.split(
    ' ',
  ),
)
const TWO_WORDS = new Set(['MATERIALIZED', 'FOREIGN', 'EVENT', 'ACCESS', 'USER', 'LARGE', 'OPERATOR', 'TEXT'])
const SECOND_WORDS = new Set('VIEW TABLE TRIGGER METHOD MAPPING OBJECT CLASS FAMILY SEARCH DATA'.split(' '))

function kindOf(words: readonly string[], concurrent: boolean): string {
  const [first = '', ...rest] = words
  let kind = first
  if (first === 'CREATE' || first === 'ALTER' || first === 'DROP' || first === 'REFRESH' || first === 'REINDEX') {
    const at = rest.findIndex((word) => !MODIFIERS.has(word))
    const object = rest[at] ?? ''
    const second = rest[at + 1] ?? ''
    kind = `${first} ${TWO_WORDS.has(object) && SECOND_WORDS.has(second) ? `${object} ${second}` : object}`.trim()
  }
  return concurrent && !kind.endsWith('CONCURRENTLY') ? `${kind} CONCURRENTLY` : kind
}

function relationsOf(tree: TreeNode): string[] {
  const names = new Set<string>()
  for (const name of droppedNames(tree)) names.add(name)
  visit(tree, (node) => {
    const name = asText(node.relname)
    if (name !== '') names.add(node.schemaname === undefined ? name : `${asText(node.schemaname)}.${name}`)
  })
  return [...names]
}

const DROPPED_RELATIONS = new Set(
  ['TABLE', 'VIEW', 'MATVIEW', 'INDEX', 'SEQUENCE', 'FOREIGN_TABLE'].map((type) => `OBJECT_${type}`),
)

function droppedNames(node: TreeNode): string[] {
  if (!DROPPED_RELATIONS.has(asText(node.removeType))) return []
  return asList(node.objects).map((object) =>
    asList(asNode(object.List).items)
      .map((part) => asText(asNode(part.String).sval))
      .join('.'),
  )
}

function indexOf(node: TreeNode): ConcurrentIndex {
  const relation = asNode(node.relation)
  return {
    table: { schema: relation.schemaname === undefined ? null : asText(relation.schemaname), name: asText(relation.relname) },
    name: node.idxname === undefined ? null : asText(node.idxname),
    unique: node.unique === true,
    method: asText(node.accessMethod) || 'btree',
    keys: asList(node.indexParams).map((entry) => {
      const { name } = asNode(entry.IndexElem)
      return name === undefined ? null : asText(name)
    }),
    partial: node.whereClause !== undefined,
  }
}
