/** databases.insert, get, list, patch, update and delete. Cloud SQL asks PostgreSQL which there are. */
import { type Call, findInstance, type Operation, promise, requireIdle, requirePrimary, requireRunning, textOf } from '../cloud'
import { GcpError, invalid } from '../errors'
import { ask, checkDroppable, type DatabaseFacts, databasesOf } from '../inside'
import { parseDatabaseName } from '../names'
import type { Json, Message } from '../protocol/json'
import { PROJECT, type SqlInstance } from '../state'
import { etagOf, instanceLink, operationView } from '../views'

/** Order is that of C in the whole lab; Cloud SQL's default may be named. */
const COLLATIONS = ['C', 'en_US.UTF8']

export const insertDatabase: Operation = async (call) => {
  const { cloud, body, prefix } = call
  const instance = idle(call)
  const database = parseDatabaseName(textOf(body.name) ?? '')
  checkText(body)
  const known = await ask(cloud, instance, databasesOf)
  if (known.some(({ name }) => name === database)) {
    throw invalid(`failed to create database ${database}. Detail: pq: database "${database}" already exists`)
  }
  requireIdle(call, instance)
  const operation = await promise(call, instance, { type: 'CREATE_DATABASE' }, { kind: 'create-database', database })
  return operationView(operation, prefix)
}

export const getDatabase: Operation = async (call) => {
  const instance = findInstance(call)
  requireRunning(call, instance)
  return databaseView(call, instance, await find(call, instance))
}

export const listDatabases: Operation = async (call) => {
  const instance = findInstance(call)
  requireRunning(call, instance)
  const databases = await ask(call.cloud, instance, databasesOf)
  return { kind: 'sql#databasesList', items: databases.map((facts) => databaseView(call, instance, facts)) as Json[] }
}

/** PostgreSQL changes neither the encoding nor the collation of a database: what is asked for must be what there is. */
export const updateDatabase: Operation = async (call) => {
  const { body, prefix } = call
  const instance = idle(call)
  const { name, charset, collation } = await find(call, instance)
  const wanted = { name, charset, collation, ...present(body) }
  if (wanted.name !== name || wanted.charset !== charset || wanted.collation !== collation) {
    throw invalid(`The character set and collation of database ${name} cannot be changed`)
  }
  requireIdle(call, instance)
  return operationView(await promise(call, instance, { type: 'UPDATE_DATABASE' }, { kind: 'update-database' }), prefix)
}

/** One that is in use, or that was not made through the API, is refused at once, in PostgreSQL's words. */
export const deleteDatabase: Operation = async (call) => {
  const { cloud, prefix } = call
  const instance = idle(call)
  const { name: database } = await find(call, instance)
  parseDatabaseName(database)
  await ask(cloud, instance, (client) => checkDroppable(client, database))
  requireIdle(call, instance)
  const operation = await promise(call, instance, { type: 'DELETE_DATABASE' }, { kind: 'delete-database', database })
  return operationView(operation, prefix)
}

function databaseView({ prefix }: Call, instance: SqlInstance, { name, charset, collation }: DatabaseFacts): Message {
  const selfLink = `${instanceLink(prefix, instance.name)}/databases/${encodeURIComponent(name)}`
  const view = { kind: 'sql#database', name, charset, collation, instance: instance.name, project: PROJECT, selfLink }
  return { ...view, etag: etagOf(view) }
}

/** @throws GcpError notFound. */
async function find({ cloud, fields }: Call, instance: SqlInstance): Promise<DatabaseFacts> {
  const wanted = textOf(fields.database) ?? ''
  const found = (await ask(cloud, instance, databasesOf)).find(({ name }) => name === wanted)
  if (!found) throw new GcpError('notFound', `The database ${wanted.slice(0, 100)} does not exist.`)
  return found
}

function idle(call: Call): SqlInstance {
  const instance = findInstance(call)
  requirePrimary(instance)
  requireIdle(call, instance)
  requireRunning(call, instance)
  return instance
}

function checkText(body: Message): void {
  const { charset = 'UTF8', collation = 'C' } = present(body)
  if (charset.toUpperCase() !== 'UTF8') throw invalid(`Invalid character set ${charset.slice(0, 50)}: this lab has UTF8`)
  if (!COLLATIONS.includes(collation))
    throw invalid(`Invalid collation ${collation.slice(0, 50)}: this lab has ${COLLATIONS.join(', ')}`)
}

function present({ charset, collation, name }: Message): { name?: string; charset?: string; collation?: string } {
  const given = { name: textOf(name), charset: textOf(charset), collation: textOf(collation) }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}
