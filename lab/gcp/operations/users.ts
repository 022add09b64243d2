/** users.insert, get, list, update and delete. Cloud SQL asks the database who there is. */
import { scramVerifier } from '../../postgres/verifier'
import { type Call, findInstance, type Operation, promise, requireIdle, requirePrimary, requireRunning, textOf } from '../cloud'
import { GcpError, invalid, missing } from '../errors'
import { ask, checkDeletable, checkRoles, usersOf } from '../inside'
import { isOwnRole, parsePassword, parseUserName } from '../names'
import type { Json, Message } from '../protocol/json'
import { PROJECT, type SqlInstance } from '../state'
import { etagOf, operationView } from '../views'

/** A user that is there already gets the password. */
export const insertUser: Operation = async (call) => {
  const { cloud, body, prefix } = call
  const instance = idle(call)
  refuseOtherTypes(body)
  const user = parseUserName(textOf(body.name) ?? '')
  const verifier = verifierOf(body)
  if (verifier === null) throw missing('password')
  const roles = rolesOf(body.databaseRoles)
  await ask(cloud, instance, (client) => checkRoles(client, roles ?? []))
  requireIdle(call, instance)
  const operation = await promise(call, instance, { type: 'CREATE_USER' }, { kind: 'create-user', user, verifier, roles })
  return operationView(operation, prefix)
}

export const updateUser: Operation = async (call) => {
  const { cloud, fields, body, prefix } = call
  const instance = idle(call)
  refuseOtherTypes(body)
  const user = parseUserName(textOf(fields.name) ?? textOf(body.name) ?? '')
  const verifier = verifierOf(body)
  const roles = rolesOf(fields.databaseRoles) ?? rolesOf(body.databaseRoles)
  const revoke = fields.revokeExistingRoles === true
  await ask(cloud, instance, async (client) => {
    if (!(await usersOf(client)).includes(user)) throw unknownUser(user)
    await checkRoles(client, roles ?? [])
  })
  requireIdle(call, instance)
  const task = { kind: 'update-user', user, verifier, roles, revoke } as const
  return operationView(await promise(call, instance, { type: 'UPDATE_USER' }, task), prefix)
}

/** One that owns something, or has rights to it, is refused at once, in PostgreSQL's words. */
export const deleteUser: Operation = async (call) => {
  const { cloud, fields, prefix } = call
  const instance = idle(call)
  const user = parseUserName(textOf(fields.name) ?? '')
  await ask(cloud, instance, async (client) => {
    if (!(await usersOf(client)).includes(user)) throw unknownUser(user)
    await checkDeletable(client, user)
  })
  requireIdle(call, instance)
  return operationView(await promise(call, instance, { type: 'DELETE_USER' }, { kind: 'delete-user', user }), prefix)
}

export const getUser: Operation = async (call) => {
  const instance = findInstance(call)
  requireRunning(call, instance)
  const name = textOf(call.fields.name) ?? ''
  const users = await ask(call.cloud, instance, usersOf)
  if (!users.includes(name) || isOwnRole(name)) throw unknownUser(name)
  return userView(instance, name)
}

export const listUsers: Operation = async (call) => {
  const instance = findInstance(call)
  requireRunning(call, instance)
  const users = await ask(call.cloud, instance, usersOf)
  return { kind: 'sql#usersList', items: users.map((name) => userView(instance, name)) as Json[] }
}

function userView(instance: SqlInstance, name: string): Message {
  const view = { kind: 'sql#user', name, host: '', instance: instance.name, project: PROJECT, type: 'BUILT_IN' }
  return { ...view, etag: etagOf(view) }
}

function idle(call: Call): SqlInstance {
  const instance = findInstance(call)
  requirePrimary(instance)
  requireIdle(call, instance)
  requireRunning(call, instance)
  return instance
}

function refuseOtherTypes({ type, host, passwordPolicy }: Message): void {
  if (type !== undefined) throw invalid(`This lab cannot make users of type ${String(type)}`)
  if (textOf(host) !== undefined) throw invalid('Users of PostgreSQL have no host')
  if (passwordPolicy !== undefined) throw invalid('This lab has no password policies')
}

function verifierOf({ password }: Message): string | null {
  const text = textOf(password)
  return text === undefined ? null : scramVerifier(parsePassword(text))
}

/** Null when none are named. */
function rolesOf(roles: Json | undefined): string[] | null {
  if (!Array.isArray(roles) || roles.length === 0) return null
  const names = roles.map(String)
  const own = names.find((role) => isOwnRole(role) && role !== 'cloudsqlsuperuser' && !role.startsWith('pg_'))
  if (own !== undefined) throw invalid(`The database role ${own.slice(0, 100)} cannot be granted`)
  return names
}

function unknownUser(name: string): GcpError {
  return new GcpError('notFound', `The user ${name.slice(0, 100)} does not exist.`)
}
