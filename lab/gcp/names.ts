/** The rules of Cloud SQL for names, labels and passwords. Sources: "Create instances" (instance IDs), "Label instances", and the
 *  reference of `Database` and `User`. */
import { GcpError, invalid } from './errors'
import type { Message } from './protocol/json'

const INSTANCE_LENGTH_MAX = 98

/** Small letters, digits and hyphens, beginning with a letter; 98 characters together with the project. */
export function parseInstanceName(value: string, project: string): string {
  const valid = /^[a-z][a-z0-9-]*$/.test(value) && !value.endsWith('-')
  if (!valid || `${project}:${value}`.length > INSTANCE_LENGTH_MAX) throw invalid(`instance name (${value.slice(0, 200)})`)
  return value
}

/** As regions are named: whether there is such a place is nobody's business here. */
export function parseRegion(value: string): string {
  if (!/^[a-z]{2,}(-[a-z]+)+\d{1,2}$/.test(value)) throw invalid(`Invalid region: ${value.slice(0, 100)}`)
  return value
}

/** A zone of this region. */
export function parseZone(value: string, region: string): string {
  if (!/^[a-f]$/.test(value.startsWith(`${region}-`) ? value.slice(region.length + 1) : '')) {
    throw invalid(`The zone ${value.slice(0, 100)} is not in the region ${region}`)
  }
  return value
}

/** Databases that are the cloud's own, or PostgreSQL's. */
const OWN_DATABASES = new Set(['cloudsqladmin', 'template0', 'template1'])

export function parseDatabaseName(value: string): string {
  if (value === '') throw new GcpError('required', 'Missing parameter: name.')
  if (Buffer.byteLength(value) > 63 || /\p{Cc}/u.test(value)) throw invalid('Invalid database name')
  if (isOwnDatabase(value)) throw invalid(`Database name ${value} is reserved`)
  return value
}

export function isOwnDatabase(name: string): boolean {
  return OWN_DATABASES.has(name)
}

/** @throws GcpError invalid, also for roles that belong to the cloud. */
export function parseUserName(value: string): string {
  if (value === '') throw new GcpError('required', 'Missing parameter: name.')
  if (Buffer.byteLength(value) > 63 || /\p{Cc}/u.test(value)) throw invalid('Invalid user name')
  if (isOwnRole(value)) throw invalid(`User name ${value} is reserved`)
  return value
}

export function isOwnRole(name: string): boolean {
  return /^(cloudsql|pg_)/i.test(name) || ['public', 'none'].includes(name)
}

export function parsePassword(value: string): string {
  if (!/^[\x20-\x7e]{1,128}$/.test(value)) throw invalid('Invalid password: this lab takes 1 to 128 printable ASCII characters')
  return value
}

const LABELS_MAX = 64

/** @throws GcpError invalid. */
export function checkLabels(labels: Message): void {
  const entries = Object.entries(labels)
  if (entries.length > LABELS_MAX) throw invalid(`At most ${LABELS_MAX} user labels are allowed`)
  for (const [name, value] of entries) {
    if (!/^\p{Ll}[\p{Ll}\p{N}_-]{0,62}$/u.test(name) || !/^[\p{Ll}\p{N}_-]{0,63}$/u.test(String(value))) {
      throw invalid(`Invalid user label: "${name.slice(0, 70)}"="${String(value).slice(0, 70)}"`)
    }
  }
}
