/** An instance that was overwritten is looked into while others may be inside: networks keep off only who comes by them. */
import { Client, Connection } from '@temporalio/client'
import { runAct } from '../../activities/act'
import { checkAnswers } from '../../activities/backup/answers'
import { checkContent } from '../../activities/backup/content'
import { checkIntact } from '../../activities/backup/intact'
import type { ActivityDeps } from '../../activities/deps'
import { createManifestActivities } from '../../activities/proof/manifest'
import type { DatabaseEntry } from '../../contracts/fleet'
import { type Ledger, openLedger } from '../../ledger/ledger'
import { connect } from '../../postgres/connect/session'
import { startTestServer, type TestServer } from '../postgres/support/server'

let server: TestServer
let keeping: TestServer
let ledger: Ledger
beforeAll(async () => {
  ;[server, keeping] = await Promise.all([startTestServer(17), startTestServer(17)])
  const at = (await keeping.database()).options
  ledger = openLedger({ url: `postgres://${at.user}:${at.password}@${at.host}:${at.port}/${at.database}` })
  await ledger.migrate()
})
afterAll(async () => {
  await ledger?.close()
  await server?.stop()
  await keeping?.stop()
})

async function overwritten(operation: string, as?: string) {
  const database = await server.database()
  const { user: master, password, host, port, database: name } = database.options
  const role = { user: as ?? master, secret: 'env:IT', tls: 'disable' as const }
  const entry = { name: 'stock', database: name, connections: { admin: role, migrator: role } } as DatabaseEntry
  const bundle = await ledger.putBundle({ version: 1, database: entry, migrations: [] })
  const about = { kind: 'overwrite', databases: ['stock'], cloud: 'gcp', environment: 'test', mode: 'apply' } as const
  await ledger.openOperation({ id: operation, ...about, requestedBy: 'ada', startedAt: new Date().toISOString(), bundle })
  const endpoints = { commands: null, labRouter: null }
  const deps = { ledger, resolveSecret: async () => password, secretKey: Buffer.alloc(32), sourceAddress: null, endpoints }
  const all = deps as Omit<ActivityDeps, 'cloudOf'> as ActivityDeps
  const copy = { instance: 'stock', instanceId: 'db-1', host, port, engineVersion: '17' }
  const act = {
    ...{ attempt: 1, scheduledAtMs: Date.now(), signal: new AbortController().signal, stale: () => false },
    ...{ client: new Client({ connection: Connection.lazy() }), isCurrent: async () => true },
  }
  const of = { operation, step: 'verify', bundle, copy }
  return { database, deps: all, of, target: copy, run: <T>(work: () => Promise<T>) => runAct(act, work) }
}

test('who else is inside is named, and what they may have done is no finding; what nobody can have done is one', async () => {
  const { database, deps, of, target, run } = await overwritten('over')
  const guest = await connect({ ...database.options, applicationName: 'pool' })
  await guest.execute('CREATE TABLE items AS SELECT n FROM generate_series(1, 100) AS n')
  const { takeManifest } = createManifestActivities(deps)
  const asked = { ...of, target, snapshotStep: 'take' }
  await run(() => takeManifest({ ...asked, which: 'before' }))
  await run(() => takeManifest({ ...asked, which: 'after' }))
  const around = { before: 'over', after: 'over', at: null }
  const content = () => run(() => checkContent(deps, { ...of, around, inPlace: true }))
  expect(await content()).toMatchObject({ outcome: 'pass', findings: [] })

  const answered = await run(() => checkAnswers(deps, { ...of, engineVersion: '17', inPlace: true }))
  expect(answered).toMatchObject({ outcome: 'pass', summary: expect.stringContaining('others are inside already: master in ') })
  await guest.execute('DELETE FROM items WHERE n = 7')
  const inside = await content()
  expect([inside.outcome, inside.findings]).toEqual(['not-proven', []])
  expect(inside.summary).toContain('others are inside: ')
  expect(inside.summary).toContain('items')

  // and when they are gone again
  await guest.close()
  const gone = await content()
  expect([gone.outcome, gone.findings]).toEqual(['not-proven', []])
  expect(gone.summary).toContain('1 rows in it were changed or deleted meanwhile')

  // as a server that lost the row itself
  const superuser = await database.connectAsSuperuser()
  await superuser.query('SELECT pg_stat_reset()')
  await superuser.close()
  const lost = await content()
  expect([lost.outcome, lost.findings.map(({ rule }) => rule)]).toEqual(['fail', ['content:rows-missing']])
})

test('an extension of its own is left as it is', async () => {
  const { database, deps, of, run } = await overwritten('extended', 'postgres')
  const superuser = await database.connectAsSuperuser()
  await superuser.execute(`CREATE EXTENSION amcheck VERSION '1.3'`)
  const version = async () =>
    (await superuser.query<{ v: string }>(`SELECT extversion AS v FROM pg_extension WHERE extname = 'amcheck'`))[0]?.v
  await run(() => checkIntact(deps, { ...of, inPlace: true }))
  expect(await version()).toBe('1.3')
  await superuser.close()
})
