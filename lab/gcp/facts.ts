/** What a request says of itself before it is carried out: which resources it names, where, and with which labels. */
import type { CallFacts, NamedResource } from '../faults/fault'
import { messageOf } from './merge'
import type { Json } from './protocol/json'
import type { ApiRequest } from './protocol/request'
import type { Route } from './protocol/routes'
import { PROJECT } from './state'

/** Of a request that could not be read. */
export const NOTHING: ApiRequest = { fields: {}, body: {}, enumsAsNumbers: false }

export function factsOf(route: Route, read: ApiRequest): CallFacts {
  const region = typeof read.body.region === 'string' ? read.body.region : ''
  return { cloud: 'gcp', operation: route.method.name, account: PROJECT, region, resources: resourcesOf(route, read) }
}

/** As sent, right or wrong. */
export function labelsOf({ body }: ApiRequest): Record<string, string> {
  const labels = Object.entries(messageOf(messageOf(body.settings).userLabels)).slice(0, 64)
  return Object.fromEntries(labels.map(([name, value]) => [name.slice(0, 63), String(value).slice(0, 63)]))
}

/** Whether a call only asks. */
export function isQuestion({ method }: Route): boolean {
  return method.verb === 'GET'
}

const PLACES: readonly { type: string; at(read: ApiRequest, path: Route['fields']): Json | undefined }[] = [
  { type: 'instance', at: ({ fields }) => fields.instance },
  { type: 'operation', at: ({ fields }) => fields.operation },
  { type: 'database', at: ({ fields }) => fields.database },
  { type: 'ssl-cert', at: ({ fields }) => fields.sha1Fingerprint },
  { type: 'backup', at: ({ fields }) => fields.id },
  { type: 'backup', at: (_, path) => /\/backups\/([^/]+)$/.exec(path.name ?? path['backup.name'] ?? '')?.[1] },
  { type: 'backup', at: ({ body }) => messageOf(body.restoreBackupContext).backupRunId },
  { type: 'backup', at: ({ body }) => /\/backups\/([^/]+)$/.exec(typeof body.backup === 'string' ? body.backup : '')?.[1] },
  { type: 'instance', at: ({ body }) => messageOf(body.cloneContext).destinationInstanceName },
  { type: 'instance', at: ({ body }) => body.masterInstanceName },
]

/** What a body calls its own name, by the call. */
const NAMED_BY_BODY: Readonly<Record<string, readonly [type: string, field: string]>> = {
  'instances.insert': ['instance', 'name'],
  'backups.createBackup': ['instance', 'instance'],
  'databases.insert': ['database', 'name'],
  'users.insert': ['user', 'name'],
}

function resourcesOf({ method, fields: path }: Route, read: ApiRequest): NamedResource[] {
  const [type, field] = NAMED_BY_BODY[method.name] ?? []
  const places = type === undefined || field === undefined ? PLACES : [...PLACES, { type, at: () => read.body[field] }]
  const named = places.flatMap((place) => {
    const id = place.at(read, path)
    return typeof id === 'string' && id !== '' ? [{ type: place.type, id: id.slice(0, 255) }] : []
  })
  if (method.name.startsWith('users.') && typeof read.fields.name === 'string') named.push({ type: 'user', id: read.fields.name })
  return named
}
