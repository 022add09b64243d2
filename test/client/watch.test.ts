import { operating, VIGILANT } from './operating'
import { proxyTo, type Way } from './proxy'

const it = operating()

const at = (): string => new Date().toISOString()
async function record(operation: string, id: string, state: 'running' | 'done' | 'undo-failed', detail = {}): Promise<void> {
  const finishedAt = state === 'done' ? at() : null
  const step = { id, title: `Step ${id}`, state, attempts: 1, startedAt: '2026-11-23T03:00:00.000Z', finishedAt, detail }
  await it.ledger.recordStep({ operation, sequence: 0, step })
}
async function end(operation: string, status: 'succeeded' | 'rejected' = 'succeeded'): Promise<void> {
  await it.ledger.setStatus({ operation, status, finishedAt: at() })
}

/** Resolves once the watcher has said it. */
function whenSaid(said: RegExp, then: () => Promise<unknown>) {
  let done = false
  return {
    onOutput(text: string): void {
      if (done || !said.test(text)) return
      done = true
      void then()
    },
  }
}

function all(...listeners: { onOutput(text: string): void }[]) {
  return {
    onOutput(text: string): void {
      for (const listener of listeners) listener.onOutput(text)
    },
  }
}

const PATIENT = { ...VIGILANT, attemptsTolerated: 5 }

describe('a workflow that nobody is at work on', () => {
  test('one whose code throws at every attempt is named as a defect by --wait and by watch, exit 70', async () => {
    await it.withWorker(async () => {
      const waited = await it.cli(['migrate', 'parked', '--json', '--operation', 'migrate-parked-w'])
      expect(waited.exit).toBe(70)
      expect(waited.json).toMatchObject({
        error: {
          code: 'DEFECT',
          message: expect.stringMatching(/is parked: its workflow task failed \d+ times.*an invariant is broken/),
        },
      })
      const watched = await it.cli(['ops', 'watch', 'migrate-parked-w'])
      expect(watched).toMatchObject({ exit: 70, out: expect.stringContaining('migrate parked · migrate-parked-w') })
      expect(watched.err).toMatch(
        /^✘ defect: .*"an invariant is broken"\. It goes on by itself once workers with mended code run\./,
      )
      const events = await it.cli(['ops', 'watch', 'migrate-parked-w', '--events'])
      const lines = events.out.trim().split('\n')
      expect(events.exit).toBe(70)
      expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ error: { code: 'DEFECT' } })
    })
  })

  test('one that ended without a record of it is named as a defect, exit 70', async () => {
    await it.withWorker(async () => {
      const run = await it.cli(['migrate', 'fails', '--json'])
      expect(run.exit).toBe(70)
      expect(run.json).toMatchObject({
        error: { code: 'DEFECT', message: expect.stringMatching(/is FAILED \(gave up without a word\)/) },
      })
    })
  })

  test('without a worker an operation is no defect: it waits, and says so', async () => {
    const id = await it.started('waits')
    const run = await it.cli(
      ['ops', 'watch', id],
      {},
      { interruptAt: 'check that one runs', vigilance: { ...PATIENT, unclaimedMs: 1 } },
    )
    expect(run).toMatchObject({ exit: 130, out: expect.stringContaining('○ no worker has taken up its next task') })
  })

  test('what is tried again and again is told with its reason', async () => {
    await it.withWorker(async () => {
      const id = await it.started('retries')
      const run = await it.cli(['ops', 'watch', id], {}, { interruptAt: 'the cloud says no', vigilance: PATIENT })
      expect(run).toMatchObject({
        exit: 130,
        out: expect.stringMatching(/○ attempt \d+ of ask; the last one: the cloud says no/),
      })
      await it.temporal.handle(id).terminate()
    })
  })
})

describe('the ledger or Temporal away for a while', () => {
  let ledgerWay: Way
  let temporalWay: Way
  let through: Record<string, string>
  beforeAll(async () => {
    const ledgerUrl = new URL(it.env.CAPSTAN_LEDGER_URL ?? '')
    ledgerWay = await proxyTo(ledgerUrl.host)
    temporalWay = await proxyTo(it.env.TEMPORAL_ADDRESS ?? '')
    ledgerUrl.host = ledgerWay.address
    through = { CAPSTAN_LEDGER_URL: ledgerUrl.href, TEMPORAL_ADDRESS: temporalWay.address }
  })
  afterAll(async () => {
    await ledgerWay?.cut()
    await temporalWay?.cut()
  })

  test('a ledger that comes back is read on, to the operation’s end', async () => {
    const id = await it.started('waits')
    const cut = whenSaid(/Step apply/, () => ledgerWay.cut())
    const mend = whenSaid(/cannot be reached.*Trying again/, () => ledgerWay.mend())
    const finish = whenSaid(/answers again/, () => end(id))
    await record(id, 'apply', 'running')
    const { onOutput } = all(cut, mend, finish)
    const run = await it.cli(['ops', 'watch', id], through, { onOutput, vigilance: PATIENT })
    expect(run).toMatchObject({ exit: 0, err: '' })
    expect(run.out).toMatch(/○ The ledger at .* Trying again\.\n {2}● the ledger answers again\n✔ .* succeeded/)
  })

  test('a Temporal that comes back is asked on', async () => {
    const id = await it.started('waits')
    const mend = whenSaid(/No Temporal server answers.*Trying again/, () => temporalWay.mend())
    const finish = whenSaid(/Temporal answers again/, () => end(id))
    await temporalWay.cut()
    const { onOutput } = all(mend, finish)
    const run = await it.cli(['ops', 'watch', id, '--json'], through, { onOutput, vigilance: PATIENT })
    expect(run).toMatchObject({ exit: 0, json: { id, status: 'succeeded' } })
    expect(run.err).toMatch(/○ No Temporal server answers .*\n {2}● Temporal answers again\n$/)
  })

  test('patience has an end: exit 4, with what to do', async () => {
    const id = await it.started('waits')
    const vigilance = { ...PATIENT, patienceMs: 1 }
    const cut = whenSaid(/migrate waits/, () => ledgerWay.cut())
    const noLedger = await it.cli(['ops', 'watch', id], through, { ...cut, vigilance })
    await ledgerWay.mend()
    expect(noLedger).toMatchObject({ exit: 4, err: expect.stringContaining(`look again with "capstan ops watch ${id}"`) })
    await temporalWay.cut()
    const noTemporal = await it.cli(['ops', 'watch', id], through, { vigilance })
    await temporalWay.mend()
    expect(noTemporal).toMatchObject({ exit: 4, err: expect.stringContaining('It goes on once Temporal is back') })
  })
})

describe('an operation that waits for somebody', () => {
  test('the commands to read, approve and reject are told while it waits, and it is watched to its end', async () => {
    const id = await it.started('waits')
    await record(id, 'approve', 'running')
    await it.ledger.setStatus({ operation: id, status: 'awaiting-approval', planDigest: 'ab'.repeat(32) })
    const finish = whenSaid(/reject it:/, async () => {
      await record(id, 'approve', 'done', { summary: 'rejected by bob: not today' })
      await end(id, 'rejected')
    })
    const run = await it.cli(['ops', 'watch', id], {}, { ...finish, vigilance: PATIENT })
    expect(run.exit).toBe(7)
    expect(run.out).toContain(
      `◆ waits for an approval of plan ${'ab'.repeat(32)}\n    read it:    capstan ops show ${id} --plan --files\n`,
    )
    expect(run.out).toMatch(/was rejected after .*\n {2}Rejected by bob: not today\. \[OPERATION_REJECTED\]/)
  })

  test('an undo that is parked ends --wait at once with 6, the reason and the commands that decide about it', async () => {
    const id = await it.started('waits')
    await record(id, 'canary', 'undo-failed', { undoFailure: 'aws refuses to delete it.' })
    await it.ledger.setStatus({ operation: id, status: 'needs-operator' })
    const waited = await it.cli(['migrate', 'waits', '--operation', id])
    expect(waited.exit).toBe(6)
    expect(waited.out).toContain('“Step canary” could not be undone: aws refuses to delete it. [UNDO_INCOMPLETE]')
    for (const decision of ['retry', 'done', 'skip']) {
      expect(waited.out).toContain(`capstan ops resolve ${id} ${decision} --step canary\n`)
    }
    expect(await it.cli(['ops', 'abort', id])).toMatchObject({
      exit: 3,
      err: expect.stringContaining(`capstan ops resolve ${id} retry|done|skip --step canary`),
    })
    expect(await it.cli(['ops', 'resolve', id, 'retry', '--step', 'snapshot'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('what waits is canary'),
    })
    expect(await it.cli(['ops', 'approve', id])).toMatchObject({ exit: 3, err: expect.stringContaining('is needs-operator') })
  })

  test('a decision that nobody waits for is one sentence, exit 3; a mistyped id is told with the one that was meant', async () => {
    const id = await it.started('waits')
    for (const args of [
      ['approve', id],
      ['reject', id, '--reason', 'x'],
      ['resolve', id, 'retry'],
    ]) {
      const run = await it.cli(['ops', ...args])
      expect(run).toMatchObject({ exit: 3, out: '', err: expect.stringContaining('[OPERATION_NOT_WAITING]') })
      expect(run.err.trim().split('\n')).toHaveLength(1)
    }
    await end(id)
    for (const args of [
      ['approve', id],
      ['reject', id, '--reason', 'x'],
      ['resolve', id, 'done'],
      ['abort', id],
    ]) {
      expect(await it.cli(['ops', ...args])).toMatchObject({
        exit: 3,
        err: `✘ Operation ${id} is over: it ended succeeded; "capstan ops show ${id}" has its record. [OPERATION_CLOSED]\n`,
      })
    }
    const slip = id.replace('waits', 'wiats')
    for (const args of [
      ['show', slip],
      ['watch', slip],
      ['evidence', slip],
      ['abort', slip],
    ]) {
      expect(await it.cli(['ops', ...args])).toMatchObject({
        exit: 2,
        err: expect.stringContaining('did you mean migrate-waits-'),
      })
    }
  })
})
