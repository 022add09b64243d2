/** Which permissions a call wants on which resource, and whether its caller has them. Sources: Cloud SQL, "Required permissions" and "Use IAM Conditions": a
 *  condition sees instances and backups by their names; what concerns users, databases or the project as a whole it sees as the project. */
import type { GcpIdentity } from '../../access/identities'
import { GcpError } from '../errors'
import type { ApiRequest } from '../protocol/request'
import type { Route } from '../protocol/routes'
import { isAllowed } from './bindings'
import type { ResourceAttributes } from './condition'

/** Calls whose permission is not their own name after `cloudsql.`; an empty list: everybody who is known. */
const PERMISSIONS: Readonly<Record<string, readonly string[]>> = {
  'backups.createBackup': ['cloudsql.backupRuns.create'],
  'backups.deleteBackup': ['cloudsql.backupRuns.delete'],
  'backups.getBackup': ['cloudsql.backupRuns.get'],
  'backups.listBackups': ['cloudsql.backupRuns.list'],
  'backups.updateBackup': ['cloudsql.backupRuns.update'],
  'backupRuns.insert': ['cloudsql.backupRuns.create'],
  'connect.getConnectSettings': ['cloudsql.instances.get'],
  'databases.insert': ['cloudsql.databases.create'],
  'databases.patch': ['cloudsql.databases.update'],
  'flags.list': [],
  'instances.getLatestRecoveryTime': ['cloudsql.instances.get'],
  'instances.insert': ['cloudsql.instances.create'],
  'instances.patch': ['cloudsql.instances.update'],
  'operations.get': ['cloudsql.instances.get'],
  'operations.list': ['cloudsql.instances.list'],
  'sslCerts.insert': ['cloudsql.sslCerts.create'],
  'tiers.list': [],
  'users.insert': ['cloudsql.users.create'],
}

const SERVICE = 'sqladmin.googleapis.com'

/** @throws GcpError notAuthorized, which does not say what is missing. */
export function authorize({ bindings }: GcpIdentity, route: Route, read: ApiRequest, project: string): void {
  const { name } = route.method
  const resource = resourceOf(route, read, project)
  const wanted = (PERMISSIONS[name] ?? [`cloudsql.${name}`]).map((permission) => ({ permission, resource }))
  // the backup that is restored is another resource than the instance that takes it
  if (name === 'instances.restoreBackup') {
    wanted.push({ permission: 'cloudsql.backupRuns.get', resource: backup(project, String(read.body.backup ?? '')) })
  }
  if (wanted.every(({ permission, resource: on }) => isAllowed(bindings, permission, on))) return
  throw new GcpError('notAuthorized', 'The client is not authorized to make this request.')
}

function resourceOf({ method, fields }: Route, { body, fields: read }: ApiRequest, project: string): ResourceAttributes {
  const [collection] = method.name.split('.')
  const named = fields.name ?? fields['backup.name']
  if (collection === 'backups' && named !== undefined) return backup(project, named)
  if (method.name === 'backups.createBackup') return instance(project, body.instance)
  if (method.name === 'instances.insert') return instance(project, body.name)
  if ((collection === 'instances' || collection === 'backupRuns') && typeof read.instance === 'string')
    return instance(project, read.instance)
  return {
    name: `projects/${project}`,
    type: 'cloudresourcemanager.googleapis.com/Project',
    service: 'cloudresourcemanager.googleapis.com',
  }
}

function instance(project: string, name: unknown): ResourceAttributes {
  return { name: `projects/${project}/instances/${String(name ?? '')}`, type: `${SERVICE}/Instance`, service: SERVICE }
}

function backup(project: string, name: string): ResourceAttributes {
  return { name: name === '' ? `projects/${project}` : name, type: `${SERVICE}/BackupRun`, service: SERVICE }
}
