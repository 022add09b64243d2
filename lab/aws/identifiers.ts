/** The rules of RDS for names and passwords. Identifiers are stored in lower case. Source: RDS API reference, CreateDBInstance,
 *  CreateDBSnapshot and CreateDBParameterGroup. */
import { AwsError, invalidValue } from './errors'

/** 1 to `length` letters, digits and hyphens; begins with a letter; no hyphen at the end, no two in a row. */
export function parseIdentifier(parameter: string, value: string, length = 63): string {
  const valid = /^[a-z](-?[a-z0-9])*$/i.test(value) && value.length <= length
  if (!valid) {
    throw invalidValue(
      `The parameter ${parameter} is not a valid identifier. Identifiers must begin with a letter; must contain only ASCII letters, digits, and hyphens; must not end with a hyphen or contain two consecutive hyphens; and must be 1 to ${length} characters long.`,
    )
  }
  return value.toLowerCase()
}

export function parseSnapshotIdentifier(parameter: string, value: string): string {
  return parseIdentifier(parameter, value, 255)
}

/** Stored in lower case, as the others; it may hold more. Source: RDS API reference, CreateDBSubnetGroup. */
export function parseSubnetGroupName(value: string): string {
  if (!/^[a-z0-9._ -]{1,255}$/i.test(value) || value.toLowerCase() === 'default') {
    throw invalidValue(
      'The parameter DBSubnetGroupName must have 1 to 255 letters, digits, periods, underscores, spaces and hyphens, and must not be default.',
    )
  }
  return value.toLowerCase()
}

/** A role name of PostgreSQL that is not one of the cloud's own. */
export function parseMasterUsername(value: string): string {
  if (!/^[A-Za-z][A-Za-z0-9_]{0,62}$/.test(value)) {
    throw invalidValue(
      'The parameter MasterUsername must begin with a letter and contain only letters, digits and underscores, 1 to 63 of them.',
    )
  }
  if (/^(rdsadmin$|rdsrepladmin$|rds_|pg_)/i.test(value) || ['admin', 'public', 'none', 'user'].includes(value.toLowerCase())) {
    throw invalidValue(`MasterUsername ${value} cannot be used as it is a reserved word used by the engine`)
  }
  return value.toLowerCase()
}

export function parsePassword(value: string | undefined): string {
  if (value === undefined) {
    throw invalidValue('The parameter MasterUserPassword must be provided and must not be blank.')
  }
  if (!/^[\x21-\x7e]+$/.test(value) || /[/"@]/.test(value)) {
    throw invalidValue(
      "The parameter MasterUserPassword is not a valid password. Only printable ASCII characters besides '/', '@', '\"', ' ' may be used.",
    )
  }
  if (value.length < 8 || value.length > 128) {
    throw invalidValue(
      'The parameter MasterUserPassword is not a valid password because it is not between 8 and 128 characters long.',
    )
  }
  return value
}

export function parseDatabaseName(value: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(value)) {
    throw invalidValue(
      'DBName must begin with a letter or an underscore and contain only letters, digits and underscores, 1 to 63 of them.',
    )
  }
  if (['rdsadmin', 'template0', 'template1'].includes(value.toLowerCase())) {
    throw invalidValue(`DBName ${value} cannot be used. It is a reserved word for this engine`)
  }
  return value
}

export function parseTags(records: readonly Record<string, string>[] | undefined): Record<string, string> {
  const tags: Record<string, string> = {}
  for (const { Key: name = '', Value: value = '' } of records ?? []) {
    if (name.length < 1 || name.length > 128 || value.length > 256) {
      throw invalidValue('A tag has a key of 1 to 128 characters and a value of at most 256.')
    }
    if (!/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(name + value) || /^(aws|rds):/.test(name)) {
      throw invalidValue(
        `Invalid tag: "${name}". Keys and values may hold letters, digits, white space and _.:/=+-@, and keys do not begin with aws: or rds:.`,
      )
    }
    tags[name] = value
  }
  if (Object.keys(tags).length > 50) throw new AwsError('InvalidParameterValue', 'A resource has at most 50 tags.')
  return tags
}
