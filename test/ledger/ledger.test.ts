import fc from 'fast-check'
import type { MigrationBundle } from '../../contracts/bundle'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { StepRecord } from '../../contracts/operation'
import { sha256Of } from '../../ledger/digest'
import { type Ledger, openLedger } from '../../ledger/ledger'
import { freePort, query, startTestServer, type TestServer } from './postgres-server'

let server: TestServer
let url: string
let ledger: Ledger

beforeAll(async () => {
  server = await startTestServer()
  url = await server.freshDatabase()
  ledger = openLedger({ url })
  await ledger.migrate()
})
afterAll(async () => {
  await ledger?.close()
  await server?.stop()
})

const entry = { name: 'shop' } as DatabaseEntry
const bundleOf = (content: string): MigrationBundle => ({
  version: 1,
  database: entry,
  migrations: [{ script: 'V1__a.sql', content }],
})
let count = 0
const newId = (): string => `op-${process.pid}-${++count}`
const at = (second: number): string => new Date(Date.UTC(2026, 10, 23, 3, 0, second)).toISOString()

async function open(id = newId(), over: Partial<Parameters<Ledger['openOperation']>[0]> = {}): Promise<string> {
  const bundle = await ledger.putBundle(bundleOf('SELECT 1;'))
  await ledger.openOperation({
    id,
    kind: 'migrate',
    databases: ['shop'],
    requestedBy: 'ada',
    startedAt: at(0),
    bundle,
    cloud: 'aws',
    environment: 'production',
    mode: 'apply',
    ...over,
  })
  return id
}

function stepOf(over: Partial<StepRecord> = {}): StepRecord {
  return { id: 'plan', title: 'Plan', state: 'running', attempts: 1, startedAt: at(1), finishedAt: null, detail: {}, ...over }
}

describe('migrations', () => {
  test('several processes may bring the tables at once, and again later', async () => {
    const fresh = await server.freshDatabase()
    const ledgers = [1, 2, 3].map(() => openLedger({ url: fresh }))
    await Promise.all(ledgers.map((one) => one.migrate()))
    await ledgers[0]!.migrate()
    expect(await ledgers[1]!.listOperations({ limit: 5 })).toEqual([])
    await Promise.all(ledgers.map((one) => one.close()))
  })
})

describe('bundles', () => {
  test('a bundle comes back as it was given, whatever its scripts hold', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (content) => {
        const digest = await ledger.putBundle(bundleOf(content))
        expect(digest).toBe(sha256Of(bundleOf(content)))
        expect(await ledger.getBundle(digest)).toEqual(bundleOf(content))
      }),
      { numRuns: 40 },
    )
  })

  test('a NUL character in a script is kept', async () => {
    const digest = await ledger.putBundle(bundleOf('a\u0000b'))
    expect((await ledger.getBundle(digest)).migrations[0]!.content).toBe('a\u0000b')
  })

  test('an unknown digest is refused by name', async () => {
    await expect(ledger.getBundle('0'.repeat(64))).rejects.toMatchObject({ code: 'BUNDLE_MISSING' })
  })

  test('a bundle altered in the database is a defect, not a bundle', async () => {
    const digest = await ledger.putBundle(bundleOf('altered later'))
    await query(url, `UPDATE ledger.bundles SET body = replace(body, 'later', 'since') WHERE digest = '${digest}'`)
    await expect(ledger.getBundle(digest)).rejects.toThrow('recorded was')
  })
})

describe('operations', () => {
  test('opening an operation again with the same content changes nothing', async () => {
    const id = await open()
    await open(id, { requestedBy: 'bob', startedAt: at(9) })
    expect(await ledger.getOperation(id)).toEqual({
      version: 1,
      id,
      kind: 'migrate',
      databases: ['shop'],
      status: 'running',
      verdict: null,
      requestedBy: 'ada',
      startedAt: at(0),
      finishedAt: null,
      steps: [],
      evidence: null,
      failure: null,
      planDigest: null,
    })
  })

  test('another content under the same id is refused, naming what differs', async () => {
    const id = await open()
    const other = await ledger.putBundle(bundleOf('SELECT 2;'))
    await expect(open(id, { bundle: other, mode: 'plan' })).rejects.toMatchObject({
      code: 'OPERATION_EXISTS',
      facts: { differing: 'mode bundle' },
    })
  })

  test('a final status is never overwritten by another one', async () => {
    const id = await open()
    await ledger.setStatus({ operation: id, status: 'succeeded', verdict: 'pass', finishedAt: at(5) })
    await ledger.setStatus({ operation: id, status: 'succeeded', verdict: 'fail', finishedAt: at(9) })
    await expect(ledger.setStatus({ operation: id, status: 'failed' })).rejects.toMatchObject({ code: 'OPERATION_CLOSED' })
    expect(await ledger.getOperation(id)).toMatchObject({ status: 'succeeded', verdict: 'pass', finishedAt: at(5) })
  })

  test('a status carries failure, verdict and plan digest, and leaves alone what it does not name', async () => {
    const id = await open()
    await ledger.setStatus({ operation: id, status: 'awaiting-approval', planDigest: 'ab'.repeat(32) })
    await ledger.setStatus({ operation: id, status: 'failed', failure: { code: 'PLAN_DRIFTED', message: 'moved' } })
    expect(await ledger.getOperation(id)).toMatchObject({
      planDigest: 'ab'.repeat(32),
      failure: { code: 'PLAN_DRIFTED', message: 'moved' },
      verdict: null,
    })
  })

  test('an unknown operation is named in every write to it', async () => {
    const unknown = { code: 'OPERATION_UNKNOWN' }
    await expect(ledger.setStatus({ operation: 'nobody', status: 'failed' })).rejects.toMatchObject(unknown)
    await expect(ledger.recordStep({ operation: 'nobody', sequence: 1, step: stepOf() })).rejects.toMatchObject(unknown)
    await expect(ledger.putDocument({ operation: 'nobody', name: 'plan', document: 1 })).rejects.toMatchObject(unknown)
    await expect(ledger.writeEvidence({ operation: 'nobody', document: 1 })).rejects.toMatchObject(unknown)
    expect(await ledger.getOperation('nobody')).toBeNull()
  })

  test('operations are listed newest first, all or those of one database', async () => {
    const early = await open(newId(), { databases: ['listed'], startedAt: at(20) })
    const late = await open(newId(), { databases: ['listed', 'other'], startedAt: at(30) })
    expect((await ledger.listOperations({ database: 'listed', limit: 9 })).map((one) => one.id)).toEqual([late, early])
    expect((await ledger.listOperations({ limit: 1 })).map((one) => one.id)).toEqual([late])
    expect(await ledger.listOperationIds({ limit: 2 })).toEqual([late, early])
  })

  test('a list keeps to the statuses, the kind and the time that are asked for', async () => {
    const database = 'filtered'
    const [first, second, third] = [
      await open(newId(), { databases: [database], startedAt: at(40) }),
      await open(newId(), { databases: [database], startedAt: at(41) }),
      await open(newId(), { databases: [database], startedAt: at(42) }),
    ]
    await ledger.setStatus({ operation: first, status: 'failed' })
    await ledger.setStatus({ operation: second, status: 'succeeded' })
    const ids = async (q: object): Promise<string[]> =>
      (await ledger.listOperations({ database, limit: 9, ...q })).map(({ id }) => id)
    expect(await ids({ statuses: ['failed', 'running'] })).toEqual([third, first])
    expect(await ids({ statuses: ['succeeded'], kind: 'migrate' })).toEqual([second])
    expect(await ids({ kind: 'another' })).toEqual([])
    expect(await ids({ since: at(41) })).toEqual([third, second])
    expect(await ids({ statuses: [] })).toEqual([])
  })

  test('what an operation was asked for is kept', async () => {
    const id = await open()
    expect(await ledger.getOrigin(id)).toMatchObject({ cloud: 'aws', environment: 'production', mode: 'apply' })
    await expect(ledger.getOrigin('nobody')).rejects.toMatchObject({ code: 'OPERATION_UNKNOWN' })
  })
})

describe('steps', () => {
  test('steps come in their order and only grow in attempts', async () => {
    const operation = await open()
    await ledger.recordStep({ operation, sequence: 2, step: stepOf({ id: 'apply', attempts: 3 }) })
    await ledger.recordStep({ operation, sequence: 1, step: stepOf() })
    await ledger.recordStep({
      operation,
      sequence: 2,
      step: stepOf({ id: 'apply', state: 'done', attempts: 1, finishedAt: at(4) }),
    })
    await ledger.noteAttempt({ operation, step: 'plan', attempt: 4 })
    await ledger.noteAttempt({ operation, step: 'plan', attempt: 2 })
    await ledger.noteAttempt({ operation, step: 'not-there', attempt: 2 })
    const { steps } = (await ledger.getOperation(operation))!
    expect(steps.map((step) => [step.id, step.state, step.attempts])).toEqual([
      ['plan', 'running', 4],
      ['apply', 'done', 3],
    ])
  })

  test('a late record of a start does not reopen a finished step, a new round does', async () => {
    const operation = await open()
    await ledger.recordStep({ operation, sequence: 1, step: stepOf() })
    await ledger.recordStep({ operation, sequence: 1, step: stepOf({ state: 'done', finishedAt: at(3) }) })
    await ledger.recordStep({ operation, sequence: 1, step: stepOf() })
    expect((await ledger.getOperation(operation))!.steps[0]).toMatchObject({ state: 'done', finishedAt: at(3) })
    await ledger.recordStep({ operation, sequence: 1, step: stepOf({ startedAt: at(7) }) })
    expect((await ledger.getOperation(operation))!.steps[0]).toMatchObject({ state: 'running', finishedAt: null })
    await ledger.recordStep({ operation, sequence: 1, step: stepOf({ state: 'failed' }) })
    expect((await ledger.getOperation(operation))!.steps[0]).toMatchObject({ state: 'running' })
  })

  test('an operation that is over begins no new step, and may repeat the record of an old one', async () => {
    const operation = await open()
    await ledger.recordStep({ operation, sequence: 1, step: stepOf({ state: 'done', finishedAt: at(3) }) })
    await ledger.setStatus({ operation, status: 'succeeded' })
    await ledger.recordStep({ operation, sequence: 1, step: stepOf({ state: 'done', finishedAt: at(3) }) })
    const late = ledger.recordStep({ operation, sequence: 2, step: stepOf({ id: 'apply' }) })
    await expect(late).rejects.toMatchObject({ code: 'OPERATION_CLOSED' })
  })

  test('live detail merges while a step runs and is replaced by what the step says at its end', async () => {
    const operation = await open()
    await ledger.noteProgress({ operation, step: 'plan', detail: { early: true } })
    await ledger.recordStep({ operation, sequence: 1, step: stepOf({ detail: { summary: 'reading' } }) })
    await ledger.noteProgress({ operation, step: 'plan', detail: { now: 'V1' } })
    await ledger.noteProgress({ operation, step: 'plan', detail: { now: 'V2\u0000' } })
    await ledger.recordStep({ operation, sequence: 1, step: stepOf({ detail: { summary: 'reading on' } }) })
    expect((await ledger.getOperation(operation))!.steps[0]!.detail).toEqual({ now: 'V2\u0000', summary: 'reading on' })
    await ledger.recordStep({ operation, sequence: 1, step: stepOf({ state: 'done', detail: { summary: '7 pending' } }) })
    await ledger.noteProgress({ operation, step: 'plan', detail: { now: 'V3' } })
    expect((await ledger.getOperation(operation))!.steps[0]!.detail).toEqual({ summary: '7 pending' })
  })
})

describe('documents and evidence', () => {
  test('a document is replaceable until its operation is over', async () => {
    const operation = await open()
    await ledger.putDocument({ operation, name: 'plan', document: { a: 1 } })
    const digest = await ledger.putDocument({ operation, name: 'plan', document: { b: null, a: [1, 'ü'] } })
    expect(digest).toBe(sha256Of({ a: [1, 'ü'], b: null }))
    await ledger.setStatus({ operation, status: 'succeeded' })
    expect(await ledger.putDocument({ operation, name: 'plan', document: { a: [1, 'ü'], b: null } })).toBe(digest)
    const late = ledger.putDocument({ operation, name: 'plan', document: {} })
    await expect(late).rejects.toMatchObject({ code: 'OPERATION_CLOSED' })
    expect(await ledger.getDocument({ operation, name: 'plan' })).toEqual({ a: [1, 'ü'], b: null })
    expect(await ledger.getDocument({ operation, name: 'checks' })).toBeNull()
  })

  test('the first evidence stands and its digest is in the record', async () => {
    const operation = await open()
    expect(await ledger.getEvidence(operation)).toBeNull()
    const digest = await ledger.writeEvidence({ operation, document: { verdict: 'pass' } })
    expect(await ledger.writeEvidence({ operation, document: { verdict: 'fail' } })).toBe(digest)
    expect(await ledger.getEvidence(operation)).toEqual({ digest, document: { verdict: 'pass' } })
    expect((await ledger.getOperation(operation))!.evidence).toBe(digest)
  })
})

describe('epochs', () => {
  test('epochs of a scope rise without gaps, and an operation keeps its own', async () => {
    const scope = 'lock/aws/1/eu/shop'
    const ids = Array.from({ length: 8 }, newId)
    const granted = await Promise.all([...ids, ...ids].map((operation) => ledger.nextEpoch({ scope, operation })))
    expect(granted.slice(0, 8)).toEqual(granted.slice(8))
    expect(granted.slice(0, 8).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(await ledger.nextEpoch({ scope: 'lock/aws/1/eu/other', operation: ids[0]! })).toBe(1)
  })
})

describe('resources', () => {
  test('a removal is never taken back', async () => {
    const operation = await open()
    const resource = {
      operation,
      cloud: 'aws',
      kind: 'instance',
      name: 'cap-x-canary',
      createdAt: at(1),
      expiresAt: null,
      removedAt: null,
    }
    await ledger.recordResource(resource)
    await ledger.recordResource({ ...resource, removedAt: at(5) })
    await ledger.recordResource({ ...resource, createdAt: at(3), expiresAt: at(9) })
    expect(await ledger.listResources({ operation })).toEqual([{ ...resource, expiresAt: at(9), removedAt: at(5) }])
  })
})

describe('what verifications say of snapshots', () => {
  const of = { cloud: 'aws', instanceId: 'db-PROOFS' }
  const point = (snapshot: string) => ({ kind: 'snapshot', snapshot, createdAt: at(0) })

  async function verified(snapshot: string, second: number, over: object = {}): Promise<void> {
    const operation = await open(newId(), { kind: 'verify-backup' })
    const ladder = [{ outcome: 'pass' }]
    const document = { instanceId: of.instanceId, point: point(snapshot), proven: true, ladder, judgedAt: at(second), ...over }
    await ledger.putDocument({ operation, name: 'verification', document })
    await ledger.setStatus({ operation, status: 'succeeded', finishedAt: at(second) })
  }
  const failed = { proven: false, ladder: [{ outcome: 'pass' }, { outcome: 'fail' }] }

  test('proven, refuted by a later one, proven again, never proven and failed; nothing restored takes no proof back', async () => {
    await verified('good', 1)
    await verified('bad', 2)
    await verified('bad', 3, failed)
    await verified('good', 4, { proven: false, ladder: [{ outcome: 'not-proven' }] })
    await verified('recovered', 6)
    // Judged before the one that was recorded before it.
    await verified('recovered', 5, failed)
    await verified('never', 7, failed)
    await verified('never', 8, failed)
    await verified('mended', 7, failed)
    await verified('mended', 8)
    await verified('slow', 7, { proven: false, ladder: [{ outcome: 'pass' }], verdict: 'fail' })
    await verified('of-another', 8, { instanceId: 'db-OTHER', ladder: [{ summary: `a word of "${of.instanceId}"` }] })
    // Of a copy elsewhere, which may bear its source's name.
    await verified('good', 9, { ...failed, point: { ...point('good'), region: 'eu-west-1' } })
    const { proofs } = await ledger.readSnapshotProofs(of)
    expect(Object.fromEntries(proofs)).toEqual({
      good: 'proven',
      'eu-west-1/good': 'failed',
      bad: 'refuted',
      recovered: 'proven',
      never: 'failed',
      mended: 'proven',
    })
    expect((await ledger.readSnapshotProofs({ ...of, cloud: 'gcp' })).proofs.size).toBe(0)
  })

  test('one is under verification from its plan to the end of the operation', async () => {
    const operation = await open(newId(), { kind: 'verify-backup' })
    const document = { instanceId: of.instanceId, point: point('looked-at') }
    await ledger.putDocument({ operation, name: 'verification-plan', document })
    const looked = async () => [...(await ledger.readSnapshotProofs(of)).underVerification]
    expect(await looked()).toEqual(['looked-at'])
    await ledger.setStatus({ operation, status: 'needs-operator' })
    expect(await looked()).toEqual(['looked-at'])
    await ledger.setStatus({ operation, status: 'aborted', finishedAt: at(9) })
    expect(await looked()).toEqual([])
  })
})

test('the instances that a database has had are those of its operations’ plans', async () => {
  const databases = ['moved']
  const plan = async (name: string, document: object, over = {}) =>
    ledger.putDocument({ operation: await open(newId(), { databases, ...over }), name, document })
  await plan('plan', { pending: ['SELECT \'"instanceId":"db-IN-SQL"\''], target: { instanceId: 'db-ONE' } })
  await plan('snapshot-plan', { instanceId: 'db-TWO' })
  await plan('verification-plan', { instanceId: 'db-TWO' })
  await plan('checks', { instanceId: 'db-NO-PLAN' })
  await plan('plan', { target: { instanceId: 'db-ON-GOOGLE' } }, { cloud: 'gcp' })
  await plan('plan', { target: { instanceId: 'db-OF-OTHERS' } }, { databases: ['other'] })
  expect((await ledger.listKnownInstances({ database: 'moved', cloud: 'aws' })).sort()).toEqual(['db-ONE', 'db-TWO'])
})

describe('reachability', () => {
  test('a ledger that is not there is named by host and port, without the password', async () => {
    const nowhere = openLedger({ url: `postgres://u:hidden-word@127.0.0.1:${await freePort()}/x` })
    const refused = await nowhere.getOperation('any').catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'LEDGER_UNREACHABLE' })
    expect(String(refused)).not.toContain('hidden-word')
    await expect(nowhere.migrate()).rejects.toMatchObject({ code: 'LEDGER_UNREACHABLE' })
    await nowhere.close()
  })

  test('wrong credentials and missing tables are told apart', async () => {
    const wrong = openLedger({ url: url.replace(/:[^:@/]+@/, ':wrong@') })
    await expect(wrong.getOperation('any')).rejects.toMatchObject({ code: 'CREDENTIALS_REJECTED' })
    await wrong.close()
    const empty = openLedger({ url: await server.freshDatabase() })
    await expect(empty.getOperation('any')).rejects.toMatchObject({ code: 'LEDGER_UNREACHABLE' })
    await empty.close()
  })

  test('a URL of another kind is refused when the ledger is opened', () => {
    expect(() => openLedger({ url: 'mysql://x' })).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })
})

test('what a search for orphans came to takes the place of the one before, of its own place', async () => {
  const sweep = (place: string, run: string) =>
    ({
      ...{ version: 1, place, run, at: at(1), finishedAt: at(2), failure: null, listedAt: at(1) },
      ...{ instances: [], removals: [] },
    }) as const
  expect(await ledger.getSweep('aws/1/here')).toBeNull()
  for (const run of ['first', 'second', 'second']) await ledger.putSweep(sweep('aws/1/here', run))
  await ledger.putSweep(sweep('aws/1/there', 'third'))
  expect(await ledger.getSweep('aws/1/here')).toEqual(sweep('aws/1/here', 'second'))
})
