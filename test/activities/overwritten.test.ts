/** An instance that was overwritten is looked into while others may be inside: networks keep off only who comes by them. */
import { Client, Connection } from '@temporalio/client'
import { runAct } from '../../activities/act'
import { checkAnswers } from '../../activities/backup/answers'
import { checkContent } from '../../activities/backup/content'
import { checkIntact } from '../../activities/backup/intact'
import type { ActivityDeps } from '../../activities/deps'
import { createFenceActivities } from '../../activities/fence/fence'
import { createOverwriteActivities } from '../../activities/overwrite/overwrite'
import { createManifestActivities } from '../../activities/proof/manifest'
import { judgeSeries } from '../../activities/snapshot/series'
import { takeBack } from '../../activities/snapshot/take-back'
import type { ManagedPostgres, SnapshotDescription } from '../../clouds/port'
import type { DatabaseEntry } from '../../contracts/fleet'
import { OVERWRITE_DOCUMENTS } from '../../contracts/overwrite'
import { REPLACE_DOCUMENTS } from '../../contracts/replace'
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

test('a run that was reset to before the overwriting leaves the way back, and neither closes nor backs up what is there now', async () => {
  const { of, run } = await overwritten('reset')
  const { operation, bundle } = of
  const deps = { ledger, cloudOf: asked }
  function asked(): never {
    throw new Error('the cloud is asked')
  }
  const [ref, snapshot] = [{ operation, bundle, step: 'backup' }, 'cap-reset-backup']
  const undone = () => run(() => takeBack(deps, { ...ref, snapshot, instanceId: 'db-1' }))
  await expect(undone()).rejects.toThrow('the cloud is asked')

  const document = { version: 1, snapshot: 'before', snapshotId: 'backups/7', since: new Date().toISOString() }
  await ledger.putDocumentOnce({ operation, name: OVERWRITE_DOCUMENTS.begun, document })
  await undone()
  const { closeNetworks, startFreshBackup } = createOverwriteActivities(deps)
  const refused = expect.objectContaining({ code: 'PLAN_DRIFTED' })
  await expect(run(() => closeNetworks({ ...ref, step: 'close' }))).rejects.toEqual(refused)
  await expect(run(() => startFreshBackup({ ...ref, keepHours: 1, startedAt: document.since }))).rejects.toEqual(refused)
})

test('nor does its undo open networks or databases: a person is told that neither is known, and the way back', async () => {
  const { deps, of, target, run } = await overwritten('reset-later')
  const { operation, bundle } = of
  const cloudOf = () => ({ setNetworkRules: async () => ({ done: true }) }) as unknown as ManagedPostgres
  const { openNetworks } = createOverwriteActivities({ ledger, cloudOf })
  const { lowerFence } = createFenceActivities(deps)
  const open = (undo: { undo?: true }) => run(() => openNetworks({ operation, bundle, step: 'close', ...undo }))
  const fenced = { operation, bundle, step: 'fence', target, scope: 'instance', copy: false, epoch: 1 } as const
  const lower = () => run(() => lowerFence(fenced))
  const plan = { version: 1, networkRules: [], networkNames: {} }
  await ledger.putDocument({ operation, name: OVERWRITE_DOCUMENTS.plan, document: plan })
  await ledger.putDocument({
    operation,
    name: REPLACE_DOCUMENTS.configuration,
    document: { instance: 'stock', instanceId: 'db-1' },
  })
  await open({ undo: true })
  await lower()

  const document = { version: 1, snapshot: 'before', snapshotId: 'backups/7', since: new Date().toISOString() }
  await ledger.putDocumentOnce({ operation, name: OVERWRITE_DOCUMENTS.begun, document })
  const back = 'capstan restore stock --snapshot cap-reset-later-backup --in-place'
  const parked = expect.objectContaining({ code: 'PLAN_DRIFTED', message: expect.stringContaining(back) })
  await expect(open({ undo: true })).rejects.toEqual(parked)
  await expect(lower()).rejects.toEqual(parked)
  // going forward it lets the applications in
  await open({})
})

test('the way back is kept from the end of the operation on, and is never the last good snapshot', async () => {
  const hour = 3_600_000
  const began = Date.now() - 200 * hour
  const at = (hours: number): string => new Date(began + hours * hour).toISOString()
  const { of, run } = await overwritten('waited')
  await ledger.openOperation({
    ...{
      id: 'good',
      kind: 'migrate',
      databases: ['stock'],
      cloud: 'gcp',
      environment: 'test',
      mode: 'apply',
      requestedBy: 'ada',
    },
    ...{ startedAt: at(-2), bundle: of.bundle },
  })
  const made = async (operation: string, step: string, hours: number): Promise<SnapshotDescription> => {
    const [name, createdAt, expiresAt] = [`cap-${operation}-${step}`, at(hours), at(hours + 1)]
    await ledger.recordResource({ operation, cloud: 'gcp', kind: 'snapshot', name, createdAt, expiresAt, removedAt: null })
    const owner = { operation, step, expiresAt }
    return { name, createdAt, instance: 'stock', instanceId: 'db-1', state: 'ready', owner } as SnapshotDescription
  }
  const listed = [await made('good', 'rescue', -2), await made('waited', 'backup', 0)]
  await ledger.putDocument({ operation: 'waited', name: 'overwrite-plan', document: { version: 1, keepHours: 1 } })
  const failure = { code: 'OPERATION_ABORTED', message: 'closed' } as const
  await ledger.setStatus({ operation: 'good', status: 'aborted', failure, finishedAt: at(-1) })
  // a person was waited for until the tag's time was over
  await ledger.setStatus({ operation: 'waited', status: 'aborted', failure, finishedAt: at(100) })
  const cloud = { capabilities: { snapshotOwner: 'tags' }, listSnapshots: async () => listed } as unknown as ManagedPostgres
  const series = { ledger, cloud, cloudName: 'gcp', region: null, instanceId: 'db-1', operation: null } as const
  const standings = async (hours: number) =>
    (await run(() => judgeSeries({ ...series, now: at(hours) }))).map(({ facts, standing }) => [facts.name, standing])
  expect(await standings(100.5)).toEqual([
    ['cap-waited-backup', 'within-retention'],
    ['cap-good-rescue', 'last-good'],
  ])
  expect(await standings(102)).toEqual([
    ['cap-waited-backup', 'expired'],
    ['cap-good-rescue', 'last-good'],
  ])
})
