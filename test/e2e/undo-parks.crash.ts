import { labDoor } from '../support/lab'
import { migrating } from '../support/migrating'
import { FIRST } from '../support/target'

const it = migrating()

afterEach(() => labDoor(it.capstan).withdrawAll())

/** Starts a migration whose canary the cloud refuses to delete; resolves once the operation asks for a person. */
async function parked(operation: string, target: 'good' | 'bad' = 'good') {
  const { host } = it.target
  const refuse = `DO $$ BEGIN IF host(inet_server_addr()) = '${host}' THEN RAISE EXCEPTION 'not on this one'; END IF; END $$;`
  const fleet = it.target.fleet({ ...FIRST, ...(target === 'bad' ? { 'V2__not_here.sql': refuse } : {}) })
  await labDoor(it.capstan).order({ kind: 'fail', operation: 'DeleteDBInstance', code: 'AccessDenied', times: 100 })
  const { code, stderr } = await it.capstan.capstan(['migrate', 'stock', '--fleet', fleet, '--operation', operation])
  const { status, steps } = await it.operation(operation)
  return { code, stderr, status, states: Object.fromEntries(steps.map(({ id, state }) => [id, state])) }
}

async function resolve(operation: string, decision: string): Promise<void> {
  expect(await it.capstan.capstan(['ops', 'resolve', operation, decision])).toMatchObject({ code: 0 })
}

const end = async (operation: string) => it.capstan.capstan(['ops', 'watch', operation, '--json'])

test('a canary that the cloud will not delete parks the operation: who waits is told, exits 6, and a retry ends it well', async () => {
  const stuck = await parked('parks-retry')
  expect(stuck).toMatchObject({ code: 6, status: 'needs-operator' })
  expect(stuck.states['remove-canary']).toBe('undo-failed')
  expect(await it.target.leftovers()).toEqual(['cap-parks-retry-canary'])
  expect(await it.locked()).toBe(true)

  await labDoor(it.capstan).withdrawAll()
  await resolve('parks-retry', 'retry')

  expect(await end('parks-retry')).toMatchObject({ code: 0 })
  expect(await it.operation('parks-retry')).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  expect(await it.target.leftovers()).toEqual([])
  expect(await it.locked()).toBe(false)
})

test('an undo that parks never hides why the operation failed, and one that is skipped says so', async () => {
  expect(await parked('parks-skip', 'bad')).toMatchObject({
    code: 6,
    status: 'needs-operator',
    states: { canary: 'undo-failed' },
  })

  // once more, although nothing has changed: it parks again
  await resolve('parks-skip', 'retry')
  await it.until('it parks again', async () => (await it.operation('parks-skip')).status === 'needs-operator')
  await resolve('parks-skip', 'skip')
  await end('parks-skip')

  const { status, failure, steps } = await it.operation('parks-skip')
  expect(status).toBe('failed')
  expect(failure?.message).toContain('not on this one')
  expect(steps.find(({ id }) => id === 'canary')?.state).toBe('undo-skipped')
  expect(await it.target.leftovers()).toEqual(['cap-parks-skip-canary'])
  expect(await it.locked()).toBe(false)
})

test('an undo that was done by hand is recorded as done', async () => {
  expect(await parked('parks-done')).toMatchObject({ code: 6 })
  await resolve('parks-done', 'done')

  expect(await end('parks-done')).toMatchObject({ code: 0 })
  const { steps } = await it.operation('parks-done')
  expect(steps.find(({ id }) => id === 'remove-canary')?.state).toBe('done')
})
