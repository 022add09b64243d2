import { abort as abortAtOnce } from '../../client/abort'
import { openDoor } from '../crash/support/crashing'
import { recordHistory } from '../support/histories'
import { isAt, migrating } from '../support/migrating'
import { FIRST } from '../support/target'

const it = migrating()

async function abort(operation: string): Promise<void> {
  const { code, stderr } = await it.capstan.capstan(['ops', 'abort', operation, '--by', 'bob', '--reason', 'changed my mind'])
  expect([code, stderr]).toEqual([0, expect.anything()])
}

async function expectAborted(operation: string, ended: Promise<{ code: number }>): Promise<void> {
  expect((await ended).code).toBe(7)
  expect(await it.operation(operation)).toMatchObject({
    status: 'aborted',
    verdict: null,
    failure: { code: 'OPERATION_ABORTED', message: 'Aborted by bob: changed my mind.' },
  })
  expect(await it.target.leftovers()).toEqual([])
  expect(await it.locked()).toBe(false)
}

test('an abort while the approval is awaited ends the operation with nothing made', async () => {
  const { ended } = it.begin(it.target.fleet(FIRST, '      approval: required'), 'abort-asking')
  await it.until('the question', async () => isAt(await it.capstan.ledger.getOperation('abort-asking'), 'approve', 'running'))
  await abort('abort-asking')
  await expectAborted('abort-asking', ended)
  expect(await it.target.snapshots('abort-asking')).toEqual([])
})

test('an abort during the restore removes the canary and keeps the snapshot', async () => {
  const door = await openDoor(it)
  const { ended } = it.begin(it.target.fleet(FIRST), 'abort-restore')
  await it.until('a canary', async () => (await it.target.leftovers()).length > 0)
  // a command takes longer to start than the lab to restore
  const request = { operation: 'abort-restore', by: 'bob', reason: 'changed my mind', closeRecord: false }
  await abortAtOnce({ ledger: it.capstan.ledger, temporal: door }, request)
  await door.close()
  await expectAborted('abort-restore', ended)
  const { steps } = await it.operation('abort-restore')
  expect(steps.find(({ id }) => id === 'canary')?.state).toBe('undone')
  expect(await it.target.snapshots('abort-restore')).toEqual(['cap-abort-restore-snapshot'])
})

test('an abort during the apply stops at a recorded version, and a new run goes on from there', async () => {
  const sleep = `DO $$ BEGIN IF host(inet_server_addr()) = '${it.target.host}' THEN PERFORM pg_sleep(600); END IF; END $$;`
  const files = { ...FIRST, 'V2__size.sql': `ALTER TABLE items ADD COLUMN size int;\n${sleep}` }
  const { ended } = it.begin(it.target.fleet(files), 'abort-apply')
  const sleeping = `SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'c%' AND wait_event = 'PgSleep'`
  await it.until('the second migration to run', async () => (await it.rows(sleeping)).length > 0)
  await abort('abort-apply')
  await expectAborted('abort-apply', ended)
  const recorded = 'SELECT version FROM flyway_schema_history ORDER BY installed_rank'
  expect(await it.rows(recorded)).toEqual([{ version: '1' }])
  expect(await it.rows(sleeping)).toEqual([])
  await recordHistory(it.capstan.temporal, 'abort-apply', 'migrate-aborted')

  const { code } = await it.migrate(it.target.fleet({ ...FIRST, 'V2__size.sql': 'ALTER TABLE items ADD COLUMN size int;' }))
  expect(code).toBe(0)
  expect(await it.rows(recorded)).toEqual([{ version: '1' }, { version: '2' }])
})
