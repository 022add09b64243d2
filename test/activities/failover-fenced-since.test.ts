/** From when on the source takes no writes, where the watch had to stop it again behind the fence. Against a real ledger. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runAct } from '../../activities/act'
import { fencedSince, recordFenced } from '../../activities/failover/fenced-since'
import { parseFleet } from '../../client/fleet/parse-fleet'
import { FAILOVER_DOCUMENTS, type FailoverFence } from '../../contracts/failover'
import { type Ledger, openLedger } from '../../ledger/ledger'
import { startTestServer, type TestServer } from '../ledger/postgres-server'

let server: TestServer
let ledger: Ledger
beforeAll(async () => {
  server = await startTestServer()
  ledger = openLedger({ url: await server.freshDatabase() })
  await ledger.migrate()
})
afterAll(async () => {
  await ledger?.close()
  await server?.stop()
})

const acting = <T>(work: () => Promise<T>): Promise<T> =>
  runAct({ attempt: 1, signal: new AbortController().signal, stale: () => false, isCurrent: async () => true } as never, work)

const AT = '2026-11-30T10:00:00.000Z'
const FENCED: FailoverFence = {
  ...{ version: 1, outcome: 'proven', by: 'cloud', evidence: ['stopped'], drained: false, staysShut: false },
  ...{ at: AT, acknowledged: null },
}

async function fenced(operation: string) {
  const fleet = readFileSync(join(__dirname, '../client/fleet-example.yaml'), 'utf8')
  const [database] = parseFleet(fleet, 'fleet.yaml').databases
  if (database === undefined) throw new Error('the fleet has no database')
  const bundle = await ledger.putBundle({ version: 1, database, migrations: [] })
  const about = { kind: 'failover', databases: ['shop'], cloud: 'aws', environment: 'test', mode: 'apply' } as const
  await ledger.openOperation({ ...about, id: operation, requestedBy: 'ada', startedAt: AT, bundle })
  const place = { cloud: 'aws', account: '1', region: 'r', instance: operation } as const
  const why = { since: AT, requestedBy: 'ada', reason: 'dead', leftIn: [] }
  await ledger.openFence({ ...place, ...why, instanceId: 'db-1', database: 'shop', operation, bundle })
  const stoppedAgain = () => ledger.changeFence({ place, instanceId: 'db-1', from: ['fencing'], again: true })
  const since = () => acting(() => fencedSince({ ledger }, operation, AT))
  return { stoppedAgain, since, record: (one = FENCED) => acting(() => recordFenced({ ledger }, operation, one)) }
}

test('it is the proof, whatever was stopped again before that', async () => {
  const { stoppedAgain, since, record } = await fenced('early')
  await stoppedAgain()
  await record()
  expect(await since()).toBe(AT)
})

test('what was stopped again since is fenced from then on alone, and says so once', async () => {
  const { stoppedAgain, since, record } = await fenced('again')
  await record()
  expect(await since()).toBe(AT)
  const before = new Date().toISOString()
  await stoppedAgain()
  const later = await since()
  expect(later >= before).toBe(true)
  expect(await since()).toBe(later)
  const kept = (await ledger.getDocument({ operation: 'again', name: FAILOVER_DOCUMENTS.fenced })) as FailoverFence
  expect(kept).toMatchObject({ at: later, reasserted: 1, evidence: ['stopped', expect.stringContaining('once more')] })
})

test('what was never proven has no such moment', async () => {
  const { stoppedAgain, since, record } = await fenced('unproven')
  await record({ ...FENCED, outcome: 'not-proven' })
  await stoppedAgain()
  expect(await since()).toBe(AT)
})
