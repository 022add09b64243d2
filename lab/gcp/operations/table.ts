/** The calls that simulated Cloud SQL carries out, by the names of the generated table. The others are known, and answered as not
 *  implemented. */
import type { Operation } from '../cloud'
import { deleteDatabase, getDatabase, insertDatabase, listDatabases, updateDatabase } from './databases'
import { listFlags } from './flags-list'
import { deleteInstance } from './instances-delete'
import { getInstance } from './instances-get'
import { insertInstance } from './instances-insert'
import { listInstances } from './instances-list'
import { patchInstance, updateInstance } from './instances-patch'
import { restartInstance } from './instances-restart'
import { cancelOperation, getOperation, listOperations } from './operations-get'
import { listTiers } from './tiers-list'
import { deleteUser, getUser, insertUser, listUsers, updateUser } from './users'

export const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ['databases.delete', deleteDatabase],
  ['databases.get', getDatabase],
  ['databases.insert', insertDatabase],
  ['databases.list', listDatabases],
  ['databases.patch', updateDatabase],
  ['databases.update', updateDatabase],
  ['flags.list', listFlags],
  ['instances.delete', deleteInstance],
  ['instances.get', getInstance],
  ['instances.insert', insertInstance],
  ['instances.list', listInstances],
  ['instances.patch', patchInstance],
  ['instances.restart', restartInstance],
  ['instances.update', updateInstance],
  ['operations.cancel', cancelOperation],
  ['operations.get', getOperation],
  ['operations.list', listOperations],
  ['tiers.list', listTiers],
  ['users.delete', deleteUser],
  ['users.get', getUser],
  ['users.insert', insertUser],
  ['users.list', listUsers],
  ['users.update', updateUser],
])
