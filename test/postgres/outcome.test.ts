import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '../../postgres/connect/session'
import { readHistory } from '../../postgres/migrate/history'
import { apply, failureOf, type Scripts } from './support/apply'
import { startTestServer, type TestDatabase, type TestServer } from './support/server'

const BASE: Scripts = {
  'V1__base.sql': `CREATE TABLE paid (n int);
CREATE TABLE gate ();
CREATE PROCEDURE pay() LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO paid VALUES (1);
  COMMIT;
  LOCK TABLE gate IN ACCESS EXCLUSIVE MODE;
END $$;`,
}
const BLOCK = 'DO $$ BEGIN INSERT INTO paid VALUES (1); COMMIT; LOCK TABLE gate IN ACCESS EXCLUSIVE MODE; END $$;'
const pay = (statement: string, before = ''): Scripts => ({ ...BASE, 'V2__pay.sql': `${before}${statement}\nSELECT 1;` })
const END_WAITING = `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock'`

let server: TestServer
beforeAll(async () => {
  server = await startTestServer(17)
})
afterAll(() => server?.stop())

describe.each(['CALL pay();', BLOCK])('%s', (statement) => {
  test('killed after a part was committed, it does not run again until a person says what happened', async () => {
    const { database, session } = await interrupted(statement)

    const failure = await failureOf(apply(database, pay(statement)), 'MIGRATION_OUTCOME_UNKNOWN')
    await failureOf(apply(database, pay(statement)), 'MIGRATION_OUTCOME_UNKNOWN')

    expect(failure.kind).toBe('refused')
    expect(failure.message).toContain('V2__pay.sql:1: this ')
    expect(failure.message).toContain(String(failure.facts.happened))
    expect(await paid(session)).toBe(1)
    await session.execute(String(failure.facts.happened))
    expect((await apply(database, pay(statement))).applied).toMatchObject([{ script: 'V2__pay.sql', resumed: true }])
    expect(await paid(session)).toBe(1)
  })

  test('killed, it runs again once its row is deleted', async () => {
    const { database, session } = await interrupted(statement)
    const failure = await failureOf(apply(database, pay(statement)), 'MIGRATION_OUTCOME_UNKNOWN')

    await session.execute(String(failure.facts.didNot))

    expect((await apply(database, pay(statement))).version).toBe('2')
    expect(await paid(session)).toBe(2)
  })

  test('killed, it runs again by itself where the file says that it may', async () => {
    const { database, session } = await interrupted(statement)

    await apply(database, pay(statement, '-- Safe twice.\n-- capstan: repeatable\n\n/* really */ '))

    expect(await paid(session)).toBe(2)
  })

  test('killed, it is not run under another number either', async () => {
    const { database, session } = await interrupted(statement)
    const moved = pay(statement, "SET lock_timeout = '1s';\n")

    const failure = await failureOf(apply(database, moved), 'MIGRATION_OUTCOME_UNKNOWN')
    await failureOf(apply(database, moved), 'MIGRATION_OUTCOME_UNKNOWN')

    expect(failure.facts).toMatchObject({ line: 2, statement: 2 })
    expect(await paid(session)).toBe(1)
    await session.execute(String(failure.facts.happened))
    expect((await apply(database, moved)).version).toBe('2')
    expect(await paid(session)).toBe(1)
  })

  test('a lock not had after a part was committed is not tried again, unless the file allows it', async () => {
    const { database, session, holder } = await gated()

    const failure = await failureOf(apply(database, pay(statement)), 'MIGRATION_LOCK_TIMEOUT')
    await failureOf(apply(database, pay(statement)), 'MIGRATION_OUTCOME_UNKNOWN')

    expect(failure.facts).toMatchObject({ attempts: 1, relation: 'public.gate' })
    expect(await paid(session)).toBe(1)
    await apply(database, pay(statement, '-- capstan: repeatable\n'), {
      onEvent: ({ type }) => (type === 'lock-retry' ? void holder.execute('ROLLBACK') : undefined),
    })
    expect(await paid(session)).toBe(3)
  })
})

test.each(['SELECT 1; -- capstan: repeatable\n', '-- capstan: repeatable\nSELECT 1;\n', '-- capstan: repeatable, I think\n'])(
  '%j vouches for nothing behind it',
  async (before) => {
    const { database } = await interrupted('CALL pay();', before)

    await failureOf(apply(database, pay('CALL pay();', before)), 'MIGRATION_OUTCOME_UNKNOWN')
  },
)

test('a database that was made although its run was lost is adopted when a person says so', async () => {
  const database = await server.database()
  const session = await database.connect()
  const scripts = { 'V1__make.sql': 'CREATE DATABASE made_once;\nSELECT broken;' }
  await failureOf(apply(database, scripts), 'MIGRATION_FAILED')
  // As if the run had died between the statement and its record.
  await session.execute(`UPDATE capstan.progress SET state = 'intended'`)

  const failure = await failureOf(apply(database, scripts), 'MIGRATION_OUTCOME_UNKNOWN')
  await session.execute(String(failure.facts.happened))

  expect((await apply(database, { 'V1__make.sql': 'CREATE DATABASE made_once;\nSELECT 1;' })).version).toBe('1')
})

test('a database that was refused for certain leaves no question', async () => {
  const database = await server.database()
  const session = await database.connect()
  await session.execute('CREATE DATABASE in_the_way')
  const scripts = { 'V1__make.sql': 'CREATE DATABASE in_the_way;' }
  await failureOf(apply(database, scripts), 'MIGRATION_FAILED')

  await session.execute('DROP DATABASE in_the_way')

  expect((await apply(database, scripts)).version).toBe('1')
  expect((await readHistory(session)).rows).toHaveLength(1)
})

async function gated(): Promise<{ database: TestDatabase; session: Session; holder: Session }> {
  const database = await server.database()
  await apply(database, BASE)
  const [session, holder] = [await database.connect(), await database.connect('gate keeper')]
  await holder.execute('BEGIN; LOCK TABLE gate IN ACCESS SHARE MODE')
  return { database, session, holder }
}

/** A run whose backend was killed behind the first commit of `statement`. */
async function interrupted(statement: string, before = '') {
  const { database, session, holder } = await gated()
  const limits = { lockTimeoutMs: 60_000 }
  const run = failureOf(apply(database, pay(statement, before), { limits }), 'CONNECTION_LOST')
  const superuser = await database.connectAsSuperuser()
  // The row is there a moment before the backend waits for its lock: who does not wait yet is looked for again.
  for (let look = 0; (await superuser.execute(END_WAITING)) === 0; look++) {
    if (look > 10_000) throw new Error('nothing waits for the lock')
    await sleep(10)
  }
  await run
  await holder.execute('ROLLBACK')
  return { database, session }
}

async function paid(session: Session): Promise<number> {
  const [row] = await session.query<{ rows: number }>('SELECT count(*) AS rows FROM paid')
  return row?.rows ?? 0
}
