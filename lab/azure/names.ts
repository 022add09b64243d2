/** The provider's rules for names, logins and passwords. Server names are global: they are host names in life. Sources: "Naming rules
 *  and restrictions for Azure resources", the reference of flexible servers (Servers - Create), the SDK's constraints. */
import { AzureError, invalidParameter } from './errors'

export function parseServerName(name: string): string {
  if (isServerName(name)) return name
  throw invalidParameter('serverName')
}

/** Lower-case letters, digits and single hyphens between them. */
export function isServerName(name: string): boolean {
  return name.length >= 3 && name.length <= 63 && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)
}

export function parseFirewallRuleName(name: string): string {
  if (/^[a-zA-Z0-9][-_a-zA-Z0-9]{0,79}$/.test(name) && !name.endsWith('-')) return name
  throw invalidParameter('firewallRuleName')
}

export function parseBackupName(name: string): string {
  if (/^[-\w.]{1,128}$/.test(name) && name !== '__proto__') return name
  throw invalidParameter('backupName')
}

export function parseDatabaseName(name: string): string {
  if (/^[a-zA-Z_][\w-]{0,62}$/.test(name)) return name
  throw invalidParameter('databaseName')
}

export function parseEndpointName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9-]{2,62}$/.test(name) && !name.endsWith('-')) return name
  throw invalidParameter('virtualEndpointName')
}

export function parseObjectId(id: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) return id.toLowerCase()
  throw invalidParameter('objectId')
}

const RESERVED_LOGINS = [
  'admin',
  'administrator',
  'azure_pg_admin',
  'azure_superuser',
  'azuresu',
  'guest',
  'none',
  'public',
  'replication',
  'root',
]

export function parseLogin(login: string | undefined): string {
  if (login === undefined || !/^[A-Za-z_][A-Za-z0-9_-]{0,62}$/.test(login)) throw invalidParameter('administratorLogin')
  if (/^(pg|azure)_/i.test(login) || RESERVED_LOGINS.includes(login.toLowerCase())) throw invalidParameter('administratorLogin')
  return login
}

/** 8 to 128 characters of three kinds out of four, without the login in them; printable ASCII here. */
export function parsePassword(password: string | undefined, login: string): string {
  if (password === undefined || !/^[\x20-\x7e]*$/.test(password)) throw invalidParameter('administratorLoginPassword')
  const failed = (why: string): string =>
    `Password validation failed. The password does not meet policy requirements because ${why}.`
  if (password.length < 8) throw new AzureError('PasswordTooShort', failed('it is too short'))
  if (password.length > 128) throw new AzureError('PasswordTooLong', failed('it is too long'))
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter((kind) => kind.test(password)).length
  if (kinds < 3 || password.toLowerCase().includes(login.toLowerCase())) {
    throw new AzureError('PasswordNotComplex', failed('it is not complex enough'))
  }
  return password
}

/** Resource Manager's limits. */
export function parseTags(tags: Record<string, string> | undefined): Record<string, string> | undefined {
  if (tags === undefined) return undefined
  const entries = Object.entries(tags)
  if (entries.length > 50) throw invalidParameter('tags', 'A resource has at most 50 tags.')
  for (const [name, value] of entries) {
    if (name.length < 1 || name.length > 512 || /[<>%&\\?/]/.test(name) || value.length > 256) {
      throw invalidParameter('tags', 'A tag has a name of 1 to 512 characters without <>%&\\?/, and a value of at most 256.')
    }
  }
  return tags
}
