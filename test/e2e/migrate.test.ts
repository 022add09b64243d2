import { MIGRATE_STEPS } from '../../contracts/migrate'
import type { OperationDocument } from '../../contracts/operation'
import { type CapstanStack, startCapstan } from '../support/capstan-stack'
import { createTarget, FIRST, ROWS, type Target } from '../support/target'

const starting = startCapstan()
let capstan: CapstanStack
let target: Target

beforeAll(async () => {
  capstan = await starting
  target = await createTarget(capstan)
}, 60_000)

// Also when the set-up ran out of time: what is still starting has to end too.
afterAll(async () => (await starting).close())

beforeEach(() => target.reset())

async function migrate(
  fleet: string,
  ...more: string[]
): Promise<{ code: number; operation: OperationDocument; stderr: string }> {
  const { code, stdout, stderr } = await capstan.capstan(['migrate', 'stock', '--fleet', fleet, '--json', ...more])
  return { code, operation: JSON.parse(stdout) as OperationDocument, stderr }
}

async function scalar<T>(sql: string): Promise<T> {
  const admin = await target.admin()
  try {
    const [row] = await admin.query(sql)
    return Object.values(row ?? {})[0] as T
  } finally {
    await admin.close()
  }
}

test('a safe migration is rehearsed, applied, verified and leaves only its snapshot behind', async () => {
  const fleet = target.fleet({ ...FIRST, 'V2__add_colour.sql': 'ALTER TABLE items ADD COLUMN colour text;' })
  const { code, operation } = await migrate(fleet)
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(code).toBe(0)
  const steps = Object.values(MIGRATE_STEPS).filter(({ id }) => id !== 'approve')
  expect(operation.steps.map(({ id, state }) => [id, state])).toEqual(steps.map(({ id }) => [id, 'done']))
  expect(await scalar('SELECT count(*) FROM items WHERE colour IS NULL')).toBe(ROWS)
  expect(await target.leftovers()).toEqual([])
  expect(await target.snapshots(operation.id)).toEqual([`cap-${operation.id}-snapshot`])
})
