import { setTimeout as sleep } from 'node:timers/promises'
import type { DBInstance } from '@aws-sdk/client-rds'
import { ask, available, connect, createInstance, openLab, placeOf, snapshotAvailable, type TestLab } from './fixture'

let lab: TestLab
beforeAll(async () => {
  lab = await openLab()
})
afterAll(() => lab.remove())

const WRITERS = 4
const ACCOUNTS = 200

/** Writers that move money between accounts and journal each acknowledged commit, until told to stop; beside them somebody
 *  who makes files come, go and be rewritten. */
async function startWriters(instance: DBInstance) {
  const login = () => connect(lab.client, placeOf(instance))
  const acknowledged: number[] = []
  let stop = false
  let next = 0
  const writer = async () => {
    const client = await login()
    while (!stop) {
      const id = ++next
      const [from, to] = [id % ACCOUNTS, (id * 7 + 1) % ACCOUNTS]
      await client.query(`BEGIN; UPDATE accounts SET balance = balance - 1 WHERE id = ${from};
        UPDATE accounts SET balance = balance + 1 WHERE id = ${to};
        INSERT INTO journal VALUES (${id}, nextval('tickets'), repeat(md5('${id}'), 60)); COMMIT`)
      acknowledged.push(id)
      await sleep(1) // so that writers and the copy share the processor
    }
    await client.end()
  }
  const churn = async () => {
    const client = await login()
    while (!stop) {
      await client.query('CREATE TABLE passing AS SELECT g, md5(g::text) FROM generate_series(1, 5000) g')
      await client.query('CREATE INDEX ON passing (g)')
      await client.query('VACUUM FULL accounts')
      await client.query('TRUNCATE passing')
      await client.query('DROP TABLE passing')
      await client.query('CHECKPOINT')
      await sleep(100)
    }
    await client.end()
  }
  const work = [...Array.from({ length: WRITERS }, writer), churn()]
  return {
    acknowledged,
    async stop() {
      stop = true
      await Promise.all(work)
    },
  }
}

test.each([
  ['15', [1, 2]],
  ['17', [1]],
] as const)(
  'a snapshot of PostgreSQL %s under load holds every commit acknowledged before it began, whole, and nothing is lost at the source',
  async (EngineVersion, rounds) => {
    const id = `busy-${EngineVersion}`
    const source = await createInstance(lab, id, { EngineVersion, BackupRetentionPeriod: 0 })
    await ask(
      lab,
      source,
      `CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL); CREATE SEQUENCE tickets;
       INSERT INTO accounts SELECT g, 1000 FROM generate_series(0, ${ACCOUNTS - 1}) g;
       CREATE TABLE journal (id int PRIMARY KEY, ticket bigint UNIQUE, note text)`,
    )
    const writers = await startWriters(source)
    for (const round of rounds) {
      await sleep(400)
      const before = writers.acknowledged.length
      const snapshot = `${id}-${round}`
      await lab.rds.createDBSnapshot({ DBInstanceIdentifier: id, DBSnapshotIdentifier: snapshot })
      expect(await snapshotAvailable(lab, snapshot)).toMatchObject({ Status: 'available' })
      expect(writers.acknowledged.length).toBeGreaterThan(before)
      await lab.rds.restoreDBInstanceFromDBSnapshot({
        DBInstanceIdentifier: `${snapshot}-copy`,
        DBSnapshotIdentifier: snapshot,
        VpcSecurityGroupIds: [lab.group],
      })
      const copy = await available(lab, `${snapshot}-copy`)
      expect(copy.DBInstanceStatus).toBe('available')
      const ids = new Set((await ask<{ id: number }>(lab, copy, 'SELECT id FROM journal')).map((row) => row.id))
      expect(writers.acknowledged.slice(0, before).filter((commit) => !ids.has(commit))).toEqual([])
      const [whole] = await ask(
        lab,
        copy,
        `SELECT (SELECT sum(balance)::int FROM accounts) AS money, (SELECT count(*)::int FROM accounts) AS accounts,
                (SELECT bool_and(note = repeat(md5(id::text), 60)) FROM journal) AS notes,
                (SELECT last_value >= (SELECT max(ticket) FROM journal) FROM tickets) AS sequence,
                pg_is_in_recovery() AS recovering`,
      )
      expect(whole).toEqual({ money: ACCOUNTS * 1000, accounts: ACCOUNTS, notes: true, sequence: true, recovering: false })
      await ask(lab, copy, "INSERT INTO journal VALUES (-1, nextval('tickets'), '')")
      await lab.rds.deleteDBInstance({ DBInstanceIdentifier: `${snapshot}-copy`, SkipFinalSnapshot: true })
    }
    await writers.stop()
    const kept = await ask<{ id: number }>(lab, source, 'SELECT id FROM journal')
    expect(kept.length).toBe(writers.acknowledged.length)
    await lab.rds.deleteDBInstance({ DBInstanceIdentifier: id, SkipFinalSnapshot: true })
  },
)

test('a snapshot is taken although the customer allows no replication slots', async () => {
  await lab.rds.createDBParameterGroup({
    DBParameterGroupName: 'slotless',
    DBParameterGroupFamily: 'postgres17',
    Description: 'x',
  })
  await lab.rds.modifyDBParameterGroup({
    DBParameterGroupName: 'slotless',
    Parameters: [
      { ParameterName: 'max_replication_slots', ParameterValue: '0', ApplyMethod: 'pending-reboot' },
      { ParameterName: 'statement_timeout', ParameterValue: '1', ApplyMethod: 'immediate' },
      { ParameterName: 'default_transaction_read_only', ParameterValue: '1', ApplyMethod: 'immediate' },
    ],
  })
  await createInstance(lab, 'slotless', { EngineVersion: '17', DBParameterGroupName: 'slotless', BackupRetentionPeriod: 0 })
  await lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'slotless', DBSnapshotIdentifier: 'slotless' })
  expect(await snapshotAvailable(lab, 'slotless')).toMatchObject({ Status: 'available' })
  await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'slotless', SkipFinalSnapshot: true })
})

test('the response of CreateDBSnapshot that is dropped makes the SDK retry into DBSnapshotAlreadyExists, and there is one snapshot', async () => {
  await createInstance(lab, 'quiet', { BackupRetentionPeriod: 0 })
  const fault = { kind: 'drop-response', operation: 'CreateDBSnapshot', instance: 'quiet', times: 1 }
  expect((await lab.call('POST', '/_lab/faults', fault)).body).toMatchObject({ faults: [fault] })
  await expect(lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'quiet', DBSnapshotIdentifier: 'once' })).rejects.toMatchObject({
    name: 'DBSnapshotAlreadyExistsFault',
    $metadata: { attempts: 2 },
  })
  expect((await lab.call('GET', '/_lab/faults')).body).toEqual({ version: 1, faults: [] })
  expect(await snapshotAvailable(lab, 'once')).toMatchObject({ Status: 'available' })
  const { DBSnapshots } = await lab.rds.describeDBSnapshots({ DBInstanceIdentifier: 'quiet' })
  expect(DBSnapshots).toHaveLength(1)
})

test('a snapshot cannot be removed while it is being made or restored from, and is gone with its data afterwards', async () => {
  await lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'quiet', DBSnapshotIdentifier: 'held' })
  await expect(lab.rds.deleteDBSnapshot({ DBSnapshotIdentifier: 'held' })).rejects.toMatchObject({
    name: 'InvalidDBSnapshotStateFault',
  })
  await expect(lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'quiet', DBSnapshotIdentifier: 'other' })).rejects.toMatchObject({
    name: 'InvalidDBInstanceStateFault',
  })
  await expect(
    lab.rds.restoreDBInstanceFromDBSnapshot({ DBInstanceIdentifier: 'early', DBSnapshotIdentifier: 'held' }),
  ).rejects.toMatchObject({ name: 'InvalidDBSnapshotStateFault' })
  await snapshotAvailable(lab, 'held')
  await lab.rds.restoreDBInstanceFromDBSnapshot({ DBInstanceIdentifier: 'held-copy', DBSnapshotIdentifier: 'held' })
  await expect(lab.rds.deleteDBSnapshot({ DBSnapshotIdentifier: 'held' })).rejects.toMatchObject({
    name: 'InvalidDBSnapshotStateFault',
  })
  await available(lab, 'held-copy')
  await lab.rds.deleteDBSnapshot({ DBSnapshotIdentifier: 'held' })
  await expect(lab.rds.describeDBSnapshots({ DBSnapshotIdentifier: 'held' })).rejects.toMatchObject({
    name: 'DBSnapshotNotFoundFault',
  })
  await expect(
    lab.rds.restoreDBInstanceFromDBSnapshot({ DBInstanceIdentifier: 'late', DBSnapshotIdentifier: 'held' }),
  ).rejects.toMatchObject({ name: 'DBSnapshotNotFoundFault' })
})
