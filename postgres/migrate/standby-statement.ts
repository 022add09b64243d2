/** What one statement means for standbys, which get rows and no schema: by PostgreSQL's grammar, and where that does not see what happens, by what the file
 *  vouches for. What is not known here counts as schema that narrows: such a file is carried over alone. docs/decisions/0035-migrations-and-standbys.md. */
import { asList, asNode, asText, type TreeNode, visit } from './grammar'
import { madeUpBy } from './standby-values'

export interface StandbyStatement {
  /** `neutral`: changes nothing that lasts (SET, LOCK, ANALYZE), and stands anywhere. */
  readonly class: 'schema' | 'rows' | 'free' | 'neutral'
  /** Why a standby cannot have it, and what to write instead; null: it can. */
  readonly refusal: string | null
  /** The same, unless `table` is made in this file: it has no rows yet that each side would fill by itself. */
  readonly madeUp: string | null
  /** It removes, renames or narrows, unless `table` is made in this file: no rows may come behind it. */
  readonly narrows: boolean
  /** As written. */
  readonly table: string | null
  readonly makesTable: string | null
  /** Published tables may have other names afterwards, or be others. */
  readonly changesTables: boolean
  /** It makes an event trigger, or enables one. */
  readonly eventTrigger: boolean
  /** Whoever runs what comes behind it is another role. */
  readonly setsRole: boolean
  readonly extensions: readonly string[]
  readonly roles: readonly string[]
  readonly makesRole: string | null
}

export interface StatementSeen {
  readonly type: string
  readonly node: TreeNode
  readonly transactional: boolean
  /** What the file vouches for. */
  readonly hidden: 'rows' | 'schema' | null
}

export function standbyStatement(seen: StatementSeen): StandbyStatement {
  const { type, node } = seen
  const told = classOf(seen)
  // one for all: a file may have millions of them
  if (told === ROWS) return writesOurs(node) ? { ...ONLY_ROWS, refusal: OURS } : ONLY_ROWS
  const own = { ...PLAIN, ...told, ...namesIn(type, node) }
  return { ...own, refusal: own.refusal ?? (namesOurs(type, node) ? OURS : null) }
}

const PLAIN: StandbyStatement = {
  class: 'schema',
  refusal: null,
  madeUp: null,
  narrows: true,
  table: null,
  makesTable: null,
  changesTables: false,
  eventTrigger: false,
  setsRole: false,
  extensions: [],
  roles: [],
  makesRole: null,
}

type Told = Partial<Omit<StandbyStatement, 'refusal' | 'extensions' | 'roles' | 'makesRole'>> & {
  readonly refusal?: string
}

const ROWS: Told = { class: 'rows', narrows: false }
const ONLY_ROWS: StandbyStatement = { ...PLAIN, class: 'rows', narrows: false }
const NEUTRAL: Told = { class: 'neutral', narrows: false }
const ADDS: Told = { narrows: false }

function classOf(seen: StatementSeen): Told {
  const { type, node, transactional } = seen
  const hidden = HIDING.has(type) || type === 'SelectStmt' ? hiddenClass(seen) : null
  if (hidden !== null) return hidden
  const refusal = refusalOf(type, node)
  if (refusal !== null) return { refusal }
  if (ROW_STATEMENTS.has(type)) return ROWS
  // what can be seen of the others that end transactions is VACUUM, REINDEX and CONCURRENTLY
  if (!transactional) return { class: 'free', narrows: false }
  if (NEUTRAL_STATEMENTS.has(type)) return { ...NEUTRAL, setsRole: setsRole(type, node) }
  if (ADDING_STATEMENTS.has(type)) return ADDS
  switch (type) {
    case 'SelectStmt':
      return setsOnly(node) ? NEUTRAL : ROWS
    case 'ExplainStmt':
      return asList(node.options).some((option) => asNode(option.DefElem).defname === 'analyze') ? ROWS : NEUTRAL
    case 'CreateTableAsStmt':
      // a query's result that lasts as long as the session, for statements with rows
      return node.objtype === 'OBJECT_MATVIEW' ? {} : ROWS
    case 'CreateStmt':
      return tableMade(node)
    case 'CreateForeignTableStmt':
      return tableMade(asNode(node.base))
    case 'IndexStmt':
      return { narrows: node.unique === true, table: nameOf(node.relation) }
    case 'CreateEventTrigStmt':
      return { eventTrigger: true }
    case 'AlterEventTrigStmt':
      return { eventTrigger: node.tgenabled !== 'D' }
    case 'AlterEnumStmt':
      return { narrows: node.oldVal !== undefined }
    case 'AlterTableStmt':
      return tableAltered(node, seen.hidden === 'schema')
    default:
      return { changesTables: changesTables(type, node) }
  }
}

const HIDING = new Set(['CallStmt', 'DoStmt', 'ExecuteStmt'])

/** Null: of a SELECT nobody vouches for anything. */
function hiddenClass({ type, hidden, transactional }: StatementSeen): Told | null {
  if (hidden === 'rows') return ROWS
  if (hidden === 'schema' && transactional) return { changesTables: true }
  if (hidden === 'schema')
    return {
      refusal: `it may end transactions, and what changes the schema has to be one with its file: write it as a DO block without COMMIT`,
    }
  if (type === 'SelectStmt') return null
  const what = type === 'DoStmt' ? 'a DO block' : type === 'CallStmt' ? 'CALL' : 'EXECUTE'
  return {
    refusal: `nobody can see what ${what} does: put the line "-- capstan: rows" before it if it changes rows alone, "-- capstan: schema" if it changes the schema alone, and never both in one`,
  }
}

const ROW_STATEMENTS = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt', 'TruncateStmt', 'CopyStmt'])

const NEUTRAL_STATEMENTS = new Set([
  'VariableSetStmt',
  'VariableShowStmt',
  'DiscardStmt',
  'ConstraintsSetStmt',
  'LockStmt',
  // within a transaction it is ANALYZE
  'VacuumStmt',
  'ReindexStmt',
  'ClusterStmt',
  'NotifyStmt',
  'ListenStmt',
  'UnlistenStmt',
  'CheckPointStmt',
  'PrepareStmt',
  'DeallocateStmt',
  'DeclareCursorStmt',
  'FetchStmt',
  'ClosePortalStmt',
  'LoadStmt',
])

const ADDING_STATEMENTS = new Set([
  'CreateSchemaStmt',
  'CreateSeqStmt',
  'AlterSeqStmt',
  'ViewStmt',
  'CreateEnumStmt',
  'CreateDomainStmt',
  'CompositeTypeStmt',
  'CreateRangeStmt',
  'CreateFunctionStmt',
  'CreateTrigStmt',
  'CreateStatsStmt',
  'CreateExtensionStmt',
  'CreateRoleStmt',
  'CommentStmt',
  'GrantStmt',
  'GrantRoleStmt',
  'AlterDefaultPrivilegesStmt',
  'DefineStmt',
])

const OURS = `it names the schema capstan, which belongs to the control plane: leave that alone`
const OF_SERVER = `it is about the server, or names the database, which is called otherwise on a standby: do it on each of them by hand, outside of migrations`
const SERVER_STATEMENTS = new Set([
  'CreatedbStmt',
  'DropdbStmt',
  'AlterDatabaseStmt',
  'AlterDatabaseSetStmt',
  'AlterDatabaseRefreshCollStmt',
  'CreateTableSpaceStmt',
  'DropTableSpaceStmt',
  'AlterTableSpaceOptionsStmt',
  'AlterSystemStmt',
])
const OF_PUBLICATIONS = `it makes or changes what standbys follow by, which is the control plane's: leave publications and subscriptions to it`
const PUBLISHING_STATEMENTS = new Set([
  'CreatePublicationStmt',
  'AlterPublicationStmt',
  'CreateSubscriptionStmt',
  'AlterSubscriptionStmt',
  'DropSubscriptionStmt',
])
const UNLOGGED = `an unlogged table is not carried by replication, and changing that rewrites it: make it an ordinary one`

function refusalOf(type: string, node: TreeNode): string | null {
  if (PUBLISHING_STATEMENTS.has(type)) return OF_PUBLICATIONS
  if (SERVER_STATEMENTS.has(type)) return OF_SERVER
  const kind = asText(node.objtype ?? node.objectType ?? node.removeType ?? node.renameType)
  if (kind === 'OBJECT_PUBLICATION' || kind === 'OBJECT_SUBSCRIPTION') return OF_PUBLICATIONS
  if (kind === 'OBJECT_DATABASE' || kind === 'OBJECT_TABLESPACE' || kind === 'OBJECT_PARAMETER_ACL') return OF_SERVER
  if (type === 'CreateStmt' && asNode(node.relation).relpersistence === 'u') return UNLOGGED
  if (type === 'CreateTableAsStmt' && kind !== 'OBJECT_MATVIEW' && asNode(asNode(node.into).rel).relpersistence !== 't')
    return AS_SELECT
  if (type === 'SelectStmt' && node.intoClause !== undefined && asNode(asNode(node.intoClause).rel).relpersistence !== 't')
    return AS_SELECT
  if (type !== 'AlterTableStmt') return null
  if (commandsOf(node).some(detachesApart)) return DETACHED_APART
  return commandsOf(node).some(({ subtype }) => subtype === 'AT_SetLogged' || subtype === 'AT_SetUnLogged') ? UNLOGGED : null
}

/** Has no transaction of its own in which a line could stand: what then comes to the root goes to another partition on the source, and to this one on a standby. */
const detachesApart = ({ subtype, def }: TreeNode): boolean =>
  subtype === 'AT_DetachPartitionFinalize' ||
  (subtype === 'AT_DetachPartition' && asNode(asNode(def).PartitionCmd).concurrent === true)
const DETACHED_APART = `a standby cannot tell which rows came before it: DETACH PARTITION without CONCURRENTLY, in a file of its own`

const AS_SELECT = `each side would fill the new table by a query of its own: CREATE TABLE first, then INSERT … SELECT`

function tableMade(node: TreeNode): Told {
  if (asNode(node.relation).relpersistence === 't') return NEUTRAL
  return { narrows: false, makesTable: nameOf(node.relation), changesTables: true }
}

/** Whatever is not here removes, renames or narrows. */
const ADDING_COMMANDS = new Set([
  'AT_AddColumn',
  'AT_ColumnDefault',
  'AT_DropNotNull',
  'AT_SetStatistics',
  'AT_SetStorage',
  'AT_SetCompression',
  'AT_SetOptions',
  'AT_ResetOptions',
  'AT_SetRelOptions',
  'AT_ResetRelOptions',
  'AT_ReplicaIdentity',
  'AT_ChangeOwner',
  'AT_ClusterOn',
  'AT_DropCluster',
  'AT_AddIdentity',
  'AT_SetIdentity',
])

const commandsOf = (node: TreeNode): TreeNode[] => asList(node.cmds).map((entry) => asNode(entry.AlterTableCmd))

function tableAltered(node: TreeNode, vouched: boolean): Told {
  const commands = commandsOf(node)
  const madeUp = commands.map((command) => madeUpBy(command, vouched)).find((found) => found !== null) ?? null
  return {
    table: nameOf(node.relation),
    madeUp,
    narrows: commands.some((command) => !ADDING_COMMANDS.has(asText(command.subtype)) || narrowColumn(command)),
    changesTables: commands.some(({ subtype }) => /^AT_(?:Attach|Detach)Partition/.test(asText(subtype))),
  }
}

/** A column that comes with NOT NULL and no value, or with a constraint. */
function narrowColumn({ subtype, def }: TreeNode): boolean {
  if (subtype !== 'AT_AddColumn') return false
  const kinds = asList(asNode(asNode(def).ColumnDef).constraints).map((one) => asText(asNode(one.Constraint).contype))
  if (kinds.includes('CONSTR_NOTNULL') && !kinds.includes('CONSTR_DEFAULT') && !kinds.includes('CONSTR_GENERATED')) return true
  return kinds.some((kind) =>
    ['CONSTR_CHECK', 'CONSTR_PRIMARY', 'CONSTR_UNIQUE', 'CONSTR_EXCLUSION', 'CONSTR_FOREIGN'].includes(kind),
  )
}

const TABLE_LIKE = new Set(['OBJECT_TABLE', 'OBJECT_SCHEMA', 'OBJECT_EXTENSION', 'OBJECT_FOREIGN_TABLE'])

function changesTables(type: string, node: TreeNode): boolean {
  switch (type) {
    case 'DropStmt':
      return TABLE_LIKE.has(asText(node.removeType))
    case 'RenameStmt':
      return TABLE_LIKE.has(asText(node.renameType))
    case 'AlterObjectSchemaStmt':
      return TABLE_LIKE.has(asText(node.objectType))
    case 'DropOwnedStmt':
    case 'AlterExtensionContentsStmt':
      return true
    default:
      return false
  }
}

/** `SELECT set_config(…)`, with which dumps begin. */
function setsOnly(node: TreeNode): boolean {
  const targets = asList(node.targetList)
  return (
    node.fromClause === undefined &&
    node.withClause === undefined &&
    targets.length > 0 &&
    targets.every((target) => {
      const name = asList(asNode(asNode(asNode(target.ResTarget).val).FuncCall).funcname).at(-1)
      return asNode(name?.String).sval === 'set_config'
    })
  )
}

function setsRole(type: string, node: TreeNode): boolean {
  return type === 'VariableSetStmt' && /^(?:role|session_authorization)$/.test(asText(node.name))
}

function nameOf(relation: unknown): string | null {
  const { schemaname, relname } = asNode(relation)
  if (typeof relname !== 'string') return null
  return schemaname === undefined ? relname : `${asText(schemaname)}.${relname}`
}

function namesIn(type: string, node: TreeNode): Pick<StandbyStatement, 'extensions' | 'roles' | 'makesRole'> {
  const roles = new Set<string>()
  visit(node, (part) => {
    if (part.roletype === 'ROLESPEC_CSTRING') roles.add(asText(part.rolename))
  })
  if (setsRole(type, node)) {
    const [value] = asList(node.args)
    const name = asText(asNode(asNode(value?.A_Const).sval).sval)
    if (name !== '' && name !== 'none') roles.add(name)
  }
  return {
    extensions: type === 'CreateExtensionStmt' ? [asText(node.extname)] : [],
    roles: [...roles],
    makesRole: type === 'CreateRoleStmt' ? asText(node.role) : null,
  }
}

/** Reading it does no harm. */
function writesOurs(node: TreeNode): boolean {
  const relations =
    node.relations === undefined ? [asNode(node.relation)] : asList(node.relations).map((one) => asNode(one.RangeVar))
  return relations.some(({ schemaname }) => schemaname === 'capstan')
}

/** A text may be called so, a name may not. */
function namesOurs(type: string, node: TreeNode): boolean {
  let found = node.newschema === 'capstan' || (type === 'RenameStmt' && node.newname === 'capstan')
  visit(node, (part) => {
    if (part.schemaname === 'capstan' || asNode(part.String).sval === 'capstan') found = true
    if (type === 'VariableSetStmt' && asNode(asNode(part.A_Const).sval).sval === 'capstan') found = true
  })
  return found
}
