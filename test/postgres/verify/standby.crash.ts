/** Compared with its own standby while it is written to: one that replays a second late, and one that has stopped. */
import { connect, type Session } from '../../../postgres/connect/session'
import { compareDatabases } from '../../../postgres/verify/compare'
import { PASSWORD } from '../../lab/fixture'
import { type Mechanics, never, openMechanics } from '../../lab/mechanics/fixture'
import { until } from '../../support/eventually'

let lab: Mechanics
let hosts: { source: string; target: string; stranger: string; branch: string }
let writer: Session
const open = (host: string) =>
  connect({
    host,
    port: lab.port,
    user: 'boss',
    database: 'shop',
    password: PASSWORD,
    applicationName: 'test',
    connectTimeoutMs: 30_000,
  })

beforeAll(async () => {
  lab = await openMechanics()
  const primary = await lab.create('primary', 17)
  const standby = lab.spec('standby', 17, { settings: { recovery_min_apply_delay: '1s' } })
  await lab.servers.createReplica(standby, primary, never)
  const stranger = await lab.create('stranger', 17)
  const branch = lab.spec('branch', 17)
  await lab.servers.createReplica(branch, primary, never)
  await lab.servers.promote(branch)
  hosts = { source: primary.address, target: standby.address, stranger: stranger.address, branch: branch.address }
  writer = await open(hosts.source)
  await writer.execute(
    'CREATE TABLE accounts (id int PRIMARY KEY, balance int); INSERT INTO accounts SELECT g, 0 FROM generate_series(1, 30000) g',
  )
  await lab.asAdministrator(primary, 'CHECKPOINT')
  const reading = await open(hosts.target)
  await until('the table', async () => (await reading.query(`SELECT FROM pg_tables WHERE tablename = 'accounts'`)).length > 0)
  await reading.close()
})
afterAll(async () => {
  await writer?.close()
  await lab?.remove()
})

/** Compares under 500 writes a second. */
async function compared(waitMaxMs: number) {
  let over = false
  const began = performance.now()
  const writing = (async () => {
    for (let writes = 0; !over; writes += 1) {
      const aheadMs = 2 * writes - (performance.now() - began)
      if (aheadMs > 0) await new Promise((resolve) => setTimeout(resolve, aheadMs))
      await writer.query('UPDATE accounts SET balance = balance + 1 WHERE id = $1', [1 + ((writes * 7) % 30_000)])
    }
  })()
  try {
    return await compareDatabases({
      source: () => open(hosts.source),
      target: () => open(hosts.target),
      mode: 'live',
      jobs: 2,
      waitMaxMs,
    })
  } finally {
    over = true
    await writing
  }
}

test('a standby that replays a second late is equal to a primary that is written to', async () => {
  expect(await compared(60_000)).toMatchObject({
    verdict: 'equal',
    tables: [{ table: 'public.accounts', unsettled: 0, note: null }],
  })
})

test('a standby that has stopped replaying is not compared, and its lag is told', async () => {
  const standby = lab.spec('standby', 17, { address: hosts.target })
  await lab.asAdministrator(standby, 'SELECT pg_wal_replay_pause()')
  const { verdict, tables } = await compared(1_500)
  await lab.asAdministrator(standby, 'SELECT pg_wal_replay_resume()')
  expect(verdict).toBe('inconclusive')
  expect(tables[0]?.note).toMatch(/lacks [0-9,]+ bytes of the source's log.*its lag grows/)
})

/** Of the standby, from a source that it may not follow. */
const refusing = (source: string, slots: readonly string[] = []) =>
  compareDatabases({ source: () => open(source), target: () => open(hosts.target), mode: 'live', jobs: 1, slots })

test('a standby of another cluster, or of another branch of the log, is refused: its position is of another log', async () => {
  await expect(refusing(hosts.stranger)).rejects.toMatchObject({
    code: 'DATABASE_REFUSED',
    message: expect.stringContaining('a standby of another cluster'),
  })
  await expect(refusing(hosts.branch)).rejects.toMatchObject({
    code: 'DATABASE_REFUSED',
    message: expect.stringContaining('on another timeline: on 1, the source on 2'),
  })
})

test('a standby whose log is not told to the role is refused, with what to grant', async () => {
  const primary = lab.spec('primary', 17, { address: hosts.source })
  await lab.asAdministrator(primary, 'REVOKE EXECUTE ON FUNCTION pg_control_recovery() FROM PUBLIC')
  await expect(refusing(hosts.source)).rejects.toMatchObject({
    code: 'DATABASE_REFUSED',
    message: expect.stringContaining('pg_control_recovery()'),
  })
})

test('a standby is not compared by a slot, which tells how far another follows', async () => {
  await expect(refusing(hosts.source, ['copies'])).rejects.toMatchObject({
    code: 'DATABASE_REFUSED',
    message: expect.stringContaining('without --slot'),
  })
})
