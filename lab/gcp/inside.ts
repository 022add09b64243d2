/** Users and databases inside an instance: Cloud SQL keeps no list of them, it asks PostgreSQL, so that what SQL made is seen as well.
 *  Every change is safe to repeat. */
import type { Client } from 'pg'
import { identifier, literal } from '../postgres/session'
import { type GcpCloud, specOf } from './cloud'
import { GcpError, invalid } from './errors'
import { SUPERUSER } from './flavour'
import type { SqlInstance } from './state'

export interface DatabaseFacts {
  name: string
  charset: string
  collation: string
}

/** Roles that log in and are not the cloud's own. */
const USERS = `SELECT rolname AS name FROM pg_roles WHERE rolcanlogin AND rolname !~ '^cloudsql' ORDER BY rolname COLLATE "C"`

const DATABASES = `SELECT datname AS name, pg_encoding_to_char(encoding) AS charset, datcollate AS collation FROM pg_database
  WHERE NOT datistemplate AND datname <> 'cloudsqladmin' ORDER BY datname COLLATE "C"`

/** For a call that waits for the answer. @throws GcpError serverException when the server does not give one. */
export async function ask<Result>(
  cloud: GcpCloud,
  instance: SqlInstance,
  use: (client: Client) => Promise<Result>,
): Promise<Result> {
  try {
    return await within(cloud, instance, use)
  } catch (error) {
    if (error instanceof GcpError) throw error
    cloud.log(`${instance.name} does not answer: ${error}`)
    throw new GcpError('serverException', 'Service temporarily unavailable.')
  }
}

export function within<Result>(
  cloud: GcpCloud,
  instance: SqlInstance,
  use: (client: Client) => Promise<Result>,
): Promise<Result> {
  return cloud.servers.administer(specOf(cloud, instance), use)
}

export async function usersOf(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(USERS)
  return rows.map(({ name }) => name)
}

export async function databasesOf(client: Client): Promise<DatabaseFacts[]> {
  return (await client.query<DatabaseFacts>(DATABASES)).rows
}

/** @throws GcpError invalid for a role that there is not. */
export async function checkRoles(client: Client, roles: readonly string[]): Promise<void> {
  for (const role of roles) {
    const { rows } = await client.query('SELECT FROM pg_roles WHERE rolname = $1 AND NOT rolsuper', [role])
    if (rows.length === 0) throw invalid(`The database role ${role.slice(0, 100)} does not exist`)
  }
}

/** A user that is there already gets the password. `roles`: null for those that every user of the API has. */
export async function createUser(
  client: Client,
  { user, verifier, roles }: { user: string; verifier: string | null; roles: string[] | null },
): Promise<void> {
  const name = identifier(user)
  const known = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [user])
  const attributes = roles === null ? ' CREATEDB CREATEROLE' : ''
  if (known.rows.length === 0) await client.query(`CREATE ROLE ${name} LOGIN${attributes}`)
  await client.query(`ALTER ROLE ${name} LOGIN PASSWORD ${verifier === null ? 'NULL' : literal(verifier)}`)
  for (const role of roles ?? []) await client.query(`GRANT ${identifier(role)} TO ${name}`)
  if (roles === null) await client.query(`GRANT ${SUPERUSER} TO ${name} WITH ADMIN OPTION`)
}

/** `verifier` and `roles`: null for what stays. */
export async function updateUser(
  client: Client,
  change: { user: string; verifier: string | null; roles: string[] | null; revoke: boolean },
): Promise<void> {
  const name = identifier(change.user)
  if (change.verifier !== null) await client.query(`ALTER ROLE ${name} PASSWORD ${literal(change.verifier)}`)
  if (change.revoke) {
    const { rows } = await client.query<{ role: string }>(
      `SELECT DISTINCT roleid::regrole::text AS role FROM pg_auth_members WHERE member = (SELECT oid FROM pg_roles WHERE rolname = $1)`,
      [change.user],
    )
    // ::regrole has quoted it where it must be
    for (const { role } of rows) await client.query(`REVOKE ${role} FROM ${name}`)
  }
  for (const role of change.roles ?? []) await client.query(`GRANT ${identifier(role)} TO ${name}`)
}

/** Tries it and takes it back. @throws GcpError invalid with what PostgreSQL says against it. */
export async function checkDeletable(client: Client, user: string): Promise<void> {
  await client.query('BEGIN')
  try {
    await deleteUser(client, user)
  } catch (error) {
    const { message, detail = '' } = error as { message: string; detail?: string }
    throw invalid(`failed to delete user ${user}: . ${message} Details: ${detail.split('\n').join(' ')}`)
  } finally {
    await client.query('ROLLBACK')
  }
}

export async function deleteUser(client: Client, user: string): Promise<void> {
  await client.query(`DROP ROLE IF EXISTS ${identifier(user)}`)
}

/** Whoever is let in by the API owns it, through the role that they share. */
export async function createDatabase(client: Client, database: string): Promise<void> {
  const known = await client.query('SELECT FROM pg_database WHERE datname = $1', [database])
  if (known.rows.length > 0) return
  await client.query(`CREATE DATABASE ${identifier(database)} OWNER ${SUPERUSER}`)
}

/** @throws GcpError invalid for a database that is in use, or not the API's to delete. */
export async function checkDroppable(client: Client, database: string): Promise<void> {
  const refuse = (why: string): GcpError =>
    invalid(
      `failed to delete database "${database}". Detail: pq: ${why}. (Please use psql client to delete database that is not owned by "${SUPERUSER}")`,
    )
  const owner = await client.query<{ owner: string }>(
    'SELECT datdba::regrole::text AS owner FROM pg_database WHERE datname = $1',
    [database],
  )
  if (owner.rows[0]?.owner !== SUPERUSER) throw refuse(`must be owner of database ${database}`)
  const sessions = await client.query('SELECT FROM pg_stat_activity WHERE datname = $1 LIMIT 1', [database])
  if (sessions.rows.length > 0) throw refuse(`database "${database}" is being accessed by other users`)
}

export async function dropDatabase(client: Client, database: string): Promise<void> {
  await client.query(`DROP DATABASE IF EXISTS ${identifier(database)}`)
}
