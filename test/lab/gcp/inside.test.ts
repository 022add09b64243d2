/** Users, databases and the master of an instance, through the vendor's SDK. */
import { type GcpLab, type Instance, type Operation, openGcp, PASSWORD, PROJECT, refused } from './fixture'

const instance = 'shop'
const call = { project: PROJECT, instance }
let gcp: GcpLab
let shop: Instance
beforeAll(async () => {
  gcp = await openGcp()
  shop = await gcp.create(instance, { databaseVersion: 'POSTGRES_17' })
})
afterAll(() => gcp.lab.remove())

async function done([operation]: [Operation, ...unknown[]], operationType: string): Promise<void> {
  expect(await gcp.done(operation)).toMatchObject({ operationType, error: null })
}

test('the master is a member of cloudsqlsuperuser and no superuser: what only a superuser may is refused', async () => {
  const [facts] = await gcp.ask<object>(
    shop,
    `SELECT rolsuper, rolcreaterole, rolcreatedb, pg_has_role('cloudsqlsuperuser', 'USAGE') AS member FROM pg_roles WHERE rolname = current_user`,
  )
  expect(facts).toEqual({ rolsuper: false, rolcreaterole: true, rolcreatedb: true, member: true })
  for (const statement of [
    "ALTER SYSTEM SET work_mem = '1GB'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT pg_read_file('postgresql.conf')",
    'CREATE ROLE other SUPERUSER',
    'CREATE EXTENSION file_fdw',
    'GRANT pg_execute_server_program TO postgres',
    'ALTER ROLE cloudsqladmin PASSWORD NULL',
  ]) {
    await expect(gcp.ask(shop, statement)).rejects.toMatchObject({ code: '42501' })
  }
  await gcp.ask(shop, 'CREATE EXTENSION pg_stat_statements; CREATE EXTENSION postgres_fdw; CREATE EXTENSION pgcrypto')
  await gcp.ask(shop, 'CREATE ROLE replicator LOGIN REPLICATION IN ROLE cloudsqlsuperuser; DROP ROLE replicator')
})

test("the cloud's own administrator and database are closed to everybody", async () => {
  await expect(gcp.ask(shop, 'SELECT 1', { user: 'cloudsqladmin' })).rejects.toMatchObject({ code: '28000' })
  await expect(gcp.ask(shop, 'SELECT 1', { database: 'cloudsqladmin' })).rejects.toMatchObject({ code: '28000' })
})

test('a user that is made logs in as a member of cloudsqlsuperuser, gets a new password, and is gone when deleted', async () => {
  await done(await gcp.sdk.users.insert({ ...call, body: { name: 'app', password: 'first-password' } }), 'CREATE_USER')
  const login = { user: 'app', password: 'first-password' }
  expect(await gcp.ask(shop, "SELECT pg_has_role('cloudsqlsuperuser', 'USAGE') AS member", login)).toEqual([{ member: true }])
  await done(await gcp.sdk.users.update({ ...call, name: 'app', body: { password: 'second-password' } }), 'UPDATE_USER')
  await expect(gcp.ask(shop, 'SELECT 1', login)).rejects.toMatchObject({ code: '28P01' })
  expect(await gcp.ask(shop, 'SELECT 1 AS n', { ...login, password: 'second-password' })).toEqual([{ n: 1 }])
  const [users] = await gcp.sdk.users.list(call)
  expect(users.items!.map(({ name, type }) => [name, type])).toEqual([
    ['app', 'BUILT_IN'],
    ['postgres', 'BUILT_IN'],
  ])
  await done(await gcp.sdk.users.delete({ ...call, name: 'app' }), 'DELETE_USER')
  await refused(gcp.sdk.users.get({ ...call, name: 'app' }), 404, 'notFound')
  await refused(gcp.sdk.users.update({ ...call, name: 'app', body: { password: 'x' } }), 404, 'notFound')
})

test("the master's password is changed like every user's", async () => {
  await done(await gcp.sdk.users.update({ ...call, name: 'postgres', body: { password: 'another-one' } }), 'UPDATE_USER')
  await expect(gcp.ask(shop, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' })
  await done(await gcp.sdk.users.update({ ...call, name: 'postgres', body: { password: PASSWORD } }), 'UPDATE_USER')
  expect(await gcp.ask(shop, 'SELECT 1 AS n')).toEqual([{ n: 1 }])
})

test('a user with roles of its own is no member of cloudsqlsuperuser, and its roles are replaced when that is asked for', async () => {
  await gcp.ask(shop, 'CREATE ROLE readers; CREATE ROLE writers')
  const body = { name: 'reporter', password: PASSWORD, databaseRoles: ['readers'] }
  await done(await gcp.sdk.users.insert({ ...call, body }), 'CREATE_USER')
  const roles = `SELECT string_agg(roleid::regrole::text, ' ' ORDER BY roleid::regrole::text) AS roles FROM pg_auth_members
    WHERE member = 'reporter'::regrole`
  expect(await gcp.ask(shop, roles)).toEqual([{ roles: 'readers' }])
  const change = { ...call, name: 'reporter', databaseRoles: ['writers'], revokeExistingRoles: true, body: {} }
  await done(await gcp.sdk.users.update(change), 'UPDATE_USER')
  expect(await gcp.ask(shop, roles)).toEqual([{ roles: 'writers' }])
  await refused(gcp.sdk.users.insert({ ...call, body: { ...body, databaseRoles: ['nobody'] } }), 400, 'invalid', 'nobody')
  await refused(gcp.sdk.users.insert({ ...call, body: { ...body, databaseRoles: ['cloudsqladmin'] } }), 400, 'invalid')
})

test('a user that owns something is not deleted, and PostgreSQL says why', async () => {
  await done(await gcp.sdk.users.insert({ ...call, body: { name: 'owner', password: PASSWORD } }), 'CREATE_USER')
  await gcp.ask(shop, 'CREATE TABLE owned (n int)', { user: 'owner' })
  const refusal = 'failed to delete user owner: . role "owner" cannot be dropped because some objects depend on it Details: '
  await refused(gcp.sdk.users.delete({ ...call, name: 'owner' }), 400, 'invalid', refusal)
  await gcp.ask(shop, 'DROP TABLE owned', { user: 'owner' })
  await done(await gcp.sdk.users.delete({ ...call, name: 'owner' }), 'DELETE_USER')
})

test('a database is made, shown with those that SQL made, and deleted unless it is in use or not of the API', async () => {
  await done(await gcp.sdk.databases.insert({ ...call, body: { name: 'orders', charset: 'UTF8' } }), 'CREATE_DATABASE')
  await gcp.ask(shop, 'CREATE TABLE t (n int)', { database: 'orders' })
  await gcp.ask(shop, 'CREATE DATABASE "By SQL"')
  const [databases] = await gcp.sdk.databases.list(call)
  expect(databases.items!.map(({ name, charset }) => [name, charset])).toEqual([
    ['By SQL', 'UTF8'],
    ['orders', 'UTF8'],
    ['postgres', 'UTF8'],
  ])
  expect((await gcp.sdk.databases.get({ ...call, database: 'By SQL' }))[0]).toMatchObject({
    kind: 'sql#database',
    name: 'By SQL',
  })
  const exists = 'failed to create database orders. Detail: pq: database "orders" already exists'
  await refused(gcp.sdk.databases.insert({ ...call, body: { name: 'orders' } }), 400, 'invalid', exists)
  await refused(gcp.sdk.databases.delete({ ...call, database: 'By SQL' }), 400, 'invalid', 'must be owner of database')
  await refused(gcp.sdk.databases.delete({ ...call, database: 'none' }), 404, 'notFound')
  await refused(gcp.sdk.databases.patch({ ...call, database: 'orders', body: { charset: 'LATIN1' } }), 400, 'invalid')
  const sleeper = gcp.ask(shop, 'SELECT pg_sleep(60)', { database: 'orders' })
  const asleep = "SELECT FROM pg_stat_activity WHERE datname = 'orders'"
  while ((await gcp.ask(shop, asleep)).length === 0);
  await refused(gcp.sdk.databases.delete({ ...call, database: 'orders' }), 400, 'invalid', 'is being accessed by other users')
  const woken = expect(sleeper).rejects.toMatchObject({ code: '57P01' })
  await gcp.ask(shop, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'orders'")
  await woken
  await done(await gcp.sdk.databases.delete({ ...call, database: 'orders' }), 'DELETE_DATABASE')
  await refused(gcp.sdk.databases.get({ ...call, database: 'orders' }), 404, 'notFound')
})

test('flags and tiers are listed with what they may be', async () => {
  const [flags] = await gcp.sdk.flags.list({ databaseVersion: 'POSTGRES_17' })
  const flag = (name: string) => flags.items!.find((one) => one.name === name)
  expect(flag('cloudsql.logical_decoding')).toMatchObject({ type: 'BOOLEAN', requiresRestart: { value: true } })
  expect(flag('max_connections')).toMatchObject({ type: 'INTEGER', minValue: { value: '1' }, appliesTo: ['POSTGRES_17'] })
  expect(flag('log_statement')).toMatchObject({ type: 'STRING', allowedStringValues: ['none', 'ddl', 'mod', 'all'] })
  expect(flag('shared_preload_libraries')).toBeUndefined()
  const [tiers] = await gcp.sdk.tiers.list({ project: PROJECT })
  expect(tiers.items).toContainEqual(expect.objectContaining({ tier: 'db-f1-micro', kind: 'sql#tier' }))
})
