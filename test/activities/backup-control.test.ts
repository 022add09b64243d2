/** A copy that was damaged on purpose is judged by no rung any more, whoever asks again. */
import { Client, Connection } from '@temporalio/client'
import { runAct } from '../../activities/act'
import type { MarkedMoment } from '../../activities/backup/beats'
import { createBackupProofActivities } from '../../activities/backup/prove'
import type { DatabaseEntry } from '../../contracts/fleet'
import { VERIFY_BACKUP_DOCUMENTS } from '../../contracts/verify-backup'
import { type Ledger, openLedger } from '../../ledger/ledger'
import { canaryPassword } from '../../postgres/connect/canary-password'
import { beat } from '../../postgres/proof/heartbeat'
import { fleetEntry } from '../client/fleet-entry'
import { startTestServer, type TestServer } from '../postgres/support/server'

let server: TestServer
let ledger: Ledger
beforeAll(async () => {
  server = await startTestServer(17)
  const at = (await server.database()).options
  ledger = openLedger({ url: `postgres://${at.user}:${at.password}@${at.host}:${at.port}/${at.database}` })
  await ledger.migrate()
})
afterAll(async () => {
  await ledger?.close()
  await server?.stop()
})

const operation = 'verify-shop'
const secretKey = Buffer.alloc(32)
const act = {
  ...{ attempt: 1, scheduledAtMs: 1, signal: new AbortController().signal, stale: () => false },
  ...{ client: new Client({ connection: Connection.lazy() }), isCurrent: async () => true },
}
const instanceId = 'db-1'
const secondsAfter = (instant: string, seconds: number) => new Date(Date.parse(instant) + seconds * 1_000).toISOString()

/** A database as a copy of its own: with the heartbeat from before the moment, and without the one from after it. */
async function restored() {
  const database = await server.database()
  const { user, password, host, port, database: name } = database.options
  const admin = await database.connectAsSuperuser()
  await admin.execute(`CREATE ROLE boss LOGIN PASSWORD '${canaryPassword(secretKey, operation)}'`)
  const role = { secret: 'env:IT', host: null, port: null, tls: 'disable' } as const
  const connections = { admin: { ...role, user: 'boss' }, migrator: { ...role, user } }
  const entry: DatabaseEntry = { ...fleetEntry('shop'), database: name, connections }
  const bundle = await ledger.putBundle({ version: 1, database: entry, migrations: [] })
  const about = { kind: 'verify-backup', databases: ['shop'], cloud: 'aws', environment: 'test', mode: 'apply' } as const
  await ledger.openOperation({ id: operation, ...about, requestedBy: 'ada', startedAt: new Date().toISOString(), bundle })
  const first = await beat(await database.connect(), { operation, label: 'before' })
  const at = secondsAfter(first.after, 1)
  const late = secondsAfter(at, 1)
  const second = { ...first, id: first.id + 1, label: 'after', before: late, after: late }
  const document: MarkedMoment = { version: 1, at, instanceId, beats: [first, second], held: [first, second] }
  await ledger.putDocument({ operation, name: VERIFY_BACKUP_DOCUMENTS.beats, document })
  const proofs = createBackupProofActivities({
    ...{ ledger, secretKey, sourceAddress: null, endpoints: { commands: null, labRouter: null } },
    resolveSecret: async () => password,
    cloudOf: () => {
      throw new Error('no cloud is asked')
    },
  })
  const copy = { instance: 'copy', instanceId: 'db-2', host, port, engineVersion: '17' }
  return { proofs, step: { operation, step: 'control', bundle, copy }, at }
}

test('once the control has begun L2, L4 and L5 say nothing of the copy', async () => {
  const { proofs, step, at } = await restored()
  const moment = { ...step, at, instanceId }
  const reached = () => runAct(act, () => proofs.checkReached(moment))
  expect(await reached()).toMatchObject({ outcome: 'pass' })
  expect(await runAct(act, () => proofs.challengeReached(moment))).toMatchObject({ outcome: 'noticed' })
  const damaged = { outcome: 'not-proven', findings: [], summary: expect.stringContaining('damaged on purpose') }
  expect(await reached()).toMatchObject({ id: 'reached', ...damaged })
  const around = { before: operation, after: operation, at }
  expect(await runAct(act, () => proofs.checkContent({ ...step, around }))).toMatchObject({ id: 'content', ...damaged })
  expect(await runAct(act, () => proofs.checkUse(step))).toMatchObject({ id: 'use', ...damaged })
  // An attempt that is repeated damages the same, and notices it.
  expect(await runAct(act, () => proofs.challengeReached(moment))).toMatchObject({ outcome: 'noticed' })
})
