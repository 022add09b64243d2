import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { msToTs } from '@temporalio/common/lib/time'
import { prepareMigrate } from '../../client/prepare-migrate'
import { startMigrate } from '../../client/start-migrate'
import { connectTemporal, type TemporalDoor } from '../../client/temporal'
import { SEARCH_ATTRIBUTES } from '../../contracts/messages'
import { OLD_INSTANCE } from '../../contracts/old-instance'
import { type OperationDocument, temporaryName } from '../../contracts/operation'
import { freshBackupOf } from '../../contracts/overwrite'
import { operating } from './operating'
import { proxyTo } from './proxy'
import type { CliRun } from './recorded-io'
import { fleetWith, standbyOf } from './standby-fleet'

const it = operating()

describe('starting', () => {
  test('an operation is in the ledger and findable in Temporal', async () => {
    const id = await it.started('waits', '--plan')
    const description = await it.temporal.handle(id).describe()
    expect(description.type).toBe('migrate')
    const attributes = Object.fromEntries(description.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]))
    expect(attributes).toMatchObject({
      [SEARCH_ATTRIBUTES.kind]: 'migrate',
      [SEARCH_ATTRIBUTES.database]: 'waits',
      [SEARCH_ATTRIBUTES.status]: 'running',
    })
    expect(await description.staticSummary()).toBe('plan waits (aws, production): 1 scripts')
    expect(await it.ledger.getOperation(id)).toMatchObject({ databases: ['waits'], requestedBy: 'ada', status: 'running' })
  })

  test('an id that is repeated with the same files joins, with others it is refused', async () => {
    const id = await it.started('waits')
    expect(await it.cli(['migrate', 'waits', '--no-wait', '--json', '--operation', id], { USER: 'bob' })).toMatchObject({
      exit: 0,
      json: { requestedBy: 'ada' },
    })
    const other = await it.cli(['migrate', 'waits', '--no-wait', '--operation', id, '--migrations', join(it.folder, 'other')])
    expect(other).toMatchObject({ exit: 3, err: expect.stringContaining('exists already with another content (bundle differ)') })
  })

  test('an operation on a standby is on the record of both databases, and is not joined by another one on it', async () => {
    const file = join(it.folder, 'standbys.yaml')
    writeFileSync(file, fleetWith(standbyOf('shop-azure')))
    const id = 'replicate-one'
    const cli = (...args: string[]) => it.cli(args, { CAPSTAN_FLEET: file })
    const started = await cli('replicate', 'shop', '--no-wait', '--json', '--operation', id)
    expect(started).toMatchObject({
      exit: 0,
      json: { id, kind: 'replicate', databases: ['shop', 'shop-azure'], status: 'running' },
    })
    const description = await it.temporal.handle(id).describe()
    expect(description.type).toBe('replicate')
    expect(await description.staticSummary()).toBe('apply shop (aws, production): set-up of its standby shop-azure (azure)')
    const other = await cli('standby', 'remove', 'shop', '--no-wait', '--operation', id)
    expect(other).toMatchObject({ exit: 3, err: expect.stringContaining('exists already with another content (bundle differ)') })
    const listed = await cli('ops', 'list', '--kind', 'replicate', '--database', 'shop-azure', '--json')
    expect(listed).toMatchObject({ json: { operations: [{ id }] } })
    expect((await cli('ops', 'show', id, '--files')).out).toContain('V1__a.sql')
    // no worker of this file knows its workflow
    await it.temporal.handle(id).terminate()
    expect((await cli('fleet', 'list')).out).toMatch(/STANDBYS\n.* shop-azure\n/)
  })

  test('an id whose operation is over answers with its end and starts nothing', async () => {
    const id = await it.started('waits')
    await it.temporal.handle(id).terminate()
    await it.ledger.setStatus({ operation: id, status: 'failed', verdict: 'fail', finishedAt: new Date().toISOString() })
    const again = await it.cli(['migrate', 'waits', '--json', '--operation', id])
    expect(again).toMatchObject({ exit: 1, json: { id, status: 'failed' } })
  })

  test('without an id of the caller’s each start is an operation of its own', async () => {
    const runs = await Promise.all([1, 2].map(() => it.cli(['migrate', 'waits', '--no-wait', '--json'])))
    const ids = runs.map((run) => (run.json as OperationDocument).id)
    for (const id of ids) expect(id).toMatch(/^migrate-waits-[a-z2-7]{6}$/)
    expect(new Set(ids).size).toBe(2)
  })

  test('a namespace that is not there is refused before anything is written', async () => {
    const before = (await it.ledger.listOperations({ limit: 100 })).length
    const run = await it.cli(['migrate', 'waits'], { TEMPORAL_NAMESPACE: 'nowhere' })
    expect(run).toMatchObject({ exit: 3, err: expect.stringContaining('has no namespace nowhere') })
    expect(await it.ledger.listOperations({ limit: 100 })).toHaveLength(before)
  })

  test('a start of which nobody can say whether it happened leaves the operation open, and an abort closes it', async () => {
    const proxy = await proxyTo(it.env.TEMPORAL_ADDRESS!)
    const door = await connectTemporal({ address: proxy.address, namespace: 'default' })
    await proxy.cut()
    const { bundle } = await prepareMigrate({ fleetFile: it.env.CAPSTAN_FLEET!, database: 'waits', migrations: null })
    const id = 'migrate-unheard'
    const request = {
      bundle,
      mode: 'plan',
      operation: id,
      requestedBy: 'ada',
      heartbeatTimeoutMs: 5_000,
      workflowTaskTimeoutMs: 10_000,
    } as const
    // Patience is cut short, or the client would try again for twenty seconds.
    const hasty: TemporalDoor = { ...door, within: (_, calls) => door.within(500, calls) }
    await expect(startMigrate({ ledger: it.ledger, temporal: hasty }, request)).rejects.toMatchObject({
      code: 'TEMPORAL_UNREACHABLE',
      message: expect.stringContaining('nobody knows whether it runs'),
    })
    await door.close()
    expect(await it.ledger.getOperation(id)).toMatchObject({ status: 'running', failure: null })
    expect(await it.cli(['ops', 'abort', id, '--json'])).toMatchObject({ exit: 0, json: { how: 'closed' } })
  })

  test('a start that Temporal refuses leaves no running operation', async () => {
    const namespace = 'without-attributes'
    await it.temporal.client.connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs('1 day'),
    })
    // The server's own view of its namespaces is refreshed now and then.
    let run: CliRun
    do
      run = await it.cli(['migrate', 'waits', '--no-wait', '--json', '--operation', 'migrate-refused'], {
        TEMPORAL_NAMESPACE: namespace,
      })
    while ((run.json as { error: { message: string } }).error.message.includes('no namespace'))
    expect(run).toMatchObject({
      exit: 3,
      json: { error: { code: 'TEMPORAL_REFUSED', message: expect.stringMatching(/search attribute/i) } },
    })
    expect(await it.ledger.getOperation('migrate-refused')).toMatchObject({
      status: 'failed',
      failure: { code: 'TEMPORAL_REFUSED' },
    })
  })
})

describe('deciding', () => {
  const pass = (operation: string) => {
    const startedAt = new Date().toISOString()
    const step = { id: 'move', title: 'Move', state: 'running', attempts: 1, startedAt, finishedAt: null } as const
    return it.ledger.recordStep({ operation, sequence: 0, step: { ...step, detail: { pointOfNoReturn: 'it is led to' } } })
  }

  test('the requester cannot approve, somebody else can, and the digest is the ledger’s', async () => {
    await it.withWorker(async () => {
      const id = await it.started('waits')
      expect(await it.cli(['ops', 'approve', id])).toMatchObject({
        exit: 3,
        err: expect.stringContaining('is not waiting for an approval'),
      })
      await it.ledger.setStatus({ operation: id, status: 'awaiting-approval', planDigest: 'ab'.repeat(32) })
      expect(await it.cli(['ops', 'approve', id])).toMatchObject({ exit: 3, err: expect.stringContaining('[APPROVAL_REFUSED]') })
      const approved = await it.cli(['ops', 'approve', id, '--json'], { USER: 'bob' })
      expect(approved).toMatchObject({ exit: 0, json: { decision: 'approved', by: 'bob', planDigest: 'ab'.repeat(32) } })
      expect(await it.temporal.handle(id).result()).toBe(`approve bob ${'ab'.repeat(32)}`)
    })
  })

  test('abort and resolve reach the workflow with who and why', async () => {
    await it.withWorker(async () => {
      const [aborted, resolved] = [await it.started('waits'), await it.started('waits')]
      const step = { id: 'canary', title: 'Restore', state: 'undo-failed', attempts: 1, finishedAt: null, detail: {} } as const
      await it.ledger.recordStep({ operation: resolved, sequence: 0, step: { ...step, startedAt: new Date().toISOString() } })
      await it.ledger.setStatus({ operation: resolved, status: 'needs-operator' })
      expect(await it.cli(['ops', 'abort', aborted, '--reason', 'wrong branch'])).toMatchObject({
        exit: 0,
        out: expect.stringContaining('accepted'),
      })
      expect(await it.temporal.handle(aborted).result()).toBe('abort ada wrong branch')
      const retried = await it.cli(['ops', 'resolve', resolved, 'retry', '--by', 'bob', '--json'])
      expect(retried).toMatchObject({ exit: 0, json: { decision: 'retry', step: 'canary', by: 'bob' } })
      expect(await it.temporal.handle(resolved).result()).toBe('resolve bob canary retry')
    })
  })

  test('an operation whose start was cut short is named as such, and an abort closes its record', async () => {
    const id = 'migrate-cut-short'
    const { bundle } = await prepareMigrate({ fleetFile: it.env.CAPSTAN_FLEET!, database: 'waits', migrations: null })
    const about = { kind: 'migrate', databases: ['waits'], cloud: 'aws', environment: 'production', mode: 'apply' } as const
    const startedAt = new Date().toISOString()
    await it.ledger.openOperation({ ...about, id, requestedBy: 'ada', startedAt, bundle: await it.ledger.putBundle(bundle) })
    expect(await it.cli(['ops', 'watch', id])).toMatchObject({
      exit: 3,
      err: expect.stringContaining('was recorded but never started'),
    })
    expect(await it.cli(['ops', 'abort', id, '--json'])).toMatchObject({ exit: 0, json: { how: 'closed' } })
    expect(await it.ledger.getOperation(id)).toMatchObject({ status: 'aborted', failure: { code: 'OPERATION_ABORTED' } })
  })

  test('an abort without any worker is left at the server', async () => {
    const id = await it.started('waits')
    const run = await it.cli(['ops', 'abort', id, '--json'])
    expect(run).toMatchObject({ exit: 0, json: { decision: 'aborted', how: 'requested' } })
    const { events } = await it.temporal.handle(id).fetchHistory()
    expect(events?.some((event) => event.workflowExecutionCancelRequestedEventAttributes)).toBe(true)
  })

  test('past the point of no return an abort without any worker is refused, and nothing is left at the server', async () => {
    const id = await it.started('waits')
    await pass(id)
    expect(await it.cli(['ops', 'abort', id, '--json'])).toMatchObject({ exit: 3, json: { error: { code: 'NO_WAY_BACK' } } })
    const { events } = await it.temporal.handle(id).fetchHistory()
    expect(events?.some((event) => event.workflowExecutionCancelRequestedEventAttributes)).toBe(false)
  })

  test('a record that is closed past the point of no return never calls what took over a leftover', async () => {
    const closed = async (id: string) => {
      await it.temporal.handle(id).terminate()
      expect(await it.cli(['ops', 'abort', id, '--close-record'])).toMatchObject({ exit: 0 })
      return (await it.ledger.getOperation(id))?.failure?.message
    }
    const [passed, tookOver] = [await it.started('waits'), await it.started('waits')]
    for (const id of [passed, tookOver]) {
      await pass(id)
      const resource = { operation: id, cloud: 'aws', kind: 'instance', name: temporaryName(id, 'copy') } as const
      await it.ledger.recordResource({ ...resource, createdAt: new Date().toISOString(), expiresAt: null, removedAt: null })
    }
    const old = { operation: tookOver, cloud: 'aws', kind: OLD_INSTANCE, name: 'shop', removedAt: null } as const
    await it.ledger.recordResource({ ...old, createdAt: new Date().toISOString(), expiresAt: null })
    await it.ledger.putDocumentOnce({ operation: tookOver, name: 'took-over', document: { version: 1 } })
    expect(await closed(tookOver)).toBe(
      `Its workflow was gone (TERMINATED); closed by ada. It was closed past its point of no return (it is led to); instance ${temporaryName(tookOver, 'copy')} took over: it is production, do not remove it. The old instance may be closed still.`,
    )
    expect(await closed(passed)).toMatch(/about to take over: look where the endpoint leads[^:]*$/)
  })

  test('a record of an overwriting that is closed past the point of no return never calls its way back a leftover', async () => {
    const id = 'overwrite-lost'
    const { bundle } = await prepareMigrate({ fleetFile: it.env.CAPSTAN_FLEET!, database: 'waits', migrations: null })
    const about = { kind: 'overwrite', databases: ['waits'], cloud: 'gcp', environment: 'production', mode: 'apply' } as const
    const startedAt = new Date().toISOString()
    await it.ledger.openOperation({ ...about, id, requestedBy: 'ada', startedAt, bundle: await it.ledger.putBundle(bundle) })
    await pass(id)
    const resource = { operation: id, cloud: 'gcp', kind: 'snapshot', createdAt: startedAt, expiresAt: startedAt } as const
    await it.ledger.recordResource({ ...resource, name: freshBackupOf(id), removedAt: null })
    expect(await it.cli(['ops', 'abort', id, '--close-record'])).toMatchObject({ exit: 0 })
    const said = (await it.ledger.getOperation(id))?.failure?.message
    expect(said).toContain(`${freshBackupOf(id)} has what it held: do not remove it.`)
    expect(said).not.toContain('Not taken back')
    expect(said).not.toContain('nothing that it left')
  })

  test('a record of a standby that is closed amid its making names what may hold the log of its source back', async () => {
    const { bundle } = await prepareMigrate({ fleetFile: it.env.CAPSTAN_FLEET!, database: 'waits', migrations: null })
    const databases = ['waits', 'waits-azure']
    const about = { kind: 'replicate', databases, cloud: 'aws', environment: 'production', mode: 'apply' } as const
    const startedAt = new Date().toISOString()
    const closed = async (id: string, step: string) => {
      await it.ledger.openOperation({ ...about, id, requestedBy: 'ada', startedAt, bundle: await it.ledger.putBundle(bundle) })
      const names = { publication: 'p_1', slot: 's_1', subscription: 't_1' }
      const plan = { names, source: { instance: 'waits-db' }, standby: { instance: 'waits-az' } }
      await it.ledger.putDocument({ operation: id, name: 'replication-plan', document: plan })
      const begun = { id: step, title: 'Do', state: 'running', attempts: 1, startedAt, finishedAt: null, detail: {} } as const
      await it.ledger.recordStep({ operation: id, sequence: 0, step: begun })
      expect(await it.cli(['ops', 'abort', id, '--close-record'])).toMatchObject({ exit: 0 })
      return (await it.ledger.getOperation(id))?.failure?.message
    }
    expect(await closed('replicate-lost', 'publish')).toContain(
      'publication p_1 and slot s_1 on waits-db, and subscription t_1 on waits-az, may be there still',
    )
    expect(await closed('replicate-planned', 'approve')).toContain('The ledger knows of nothing that it left.')
  })

  test('a decision about an operation that is over, or that Temporal has lost, is refused', async () => {
    const id = await it.started('waits')
    await it.temporal.handle(id).terminate()
    const step = { id: 'plan', title: 'Plan', state: 'running', attempts: 1, finishedAt: null, detail: {} } as const
    await it.ledger.recordStep({ operation: id, sequence: 0, step: { ...step, startedAt: new Date().toISOString() } })
    expect(await it.cli(['ops', 'abort', id])).toMatchObject({
      exit: 70,
      err: expect.stringContaining('Temporal runs no workflow'),
    })
    const resource = { operation: id, cloud: 'aws', expiresAt: null, createdAt: new Date().toISOString() } as const
    await it.ledger.recordResource({ ...resource, kind: 'instance', name: 'cap-x-canary', removedAt: null })
    await it.ledger.recordResource({ ...resource, kind: 'snapshot', name: 'cap-x-s', removedAt: resource.createdAt })
    const closed = await it.cli(['ops', 'abort', id, '--close-record', '--reason', 'terminated by hand', '--json'])
    expect(closed).toMatchObject({ exit: 0, json: { how: 'closed' } })
    expect(await it.ledger.getOperation(id)).toMatchObject({
      status: 'aborted',
      failure: {
        message: 'Its workflow was gone (TERMINATED); closed by ada: terminated by hand. Not taken back: instance cap-x-canary.',
      },
    })
    const alive = await it.started('waits')
    expect(await it.cli(['ops', 'abort', alive, '--close-record'])).toMatchObject({ exit: 2 })
    expect(await it.cli(['ops', 'abort', id])).toMatchObject({ exit: 3, err: expect.stringContaining('it ended aborted') })
    expect(await it.cli(['ops', 'reject', 'migrate-nobody', '--reason', 'x'])).toMatchObject({ exit: 2 })
  })
})
