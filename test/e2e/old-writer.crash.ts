/** Writing has moved for good, and somebody asks whether the old writer's instance may be removed: everything that speaks against it is told until nothing does, and only then the commands of its
 *  cloud are shown. One stack for all: each test goes on from where the one before left both. */
import { controlAddress } from '../../embedded/worker-program'
import { connect } from '../../postgres/connect/session'
import { until } from '../support/eventually'
import { Switching } from '../support/switching'

let it: Switching

beforeAll(async () => {
  it = await Switching.start('gcp')
  await it.isFollowing('stock', it.pair.name)
})
afterAll(() => it?.close())

/** As the old writer's master, in a database of its instance. */
async function onOld(database: string, ...statements: readonly string[]): Promise<void> {
  const { stack } = it.capstan
  const { host, port } = it.pair.source
  const login = { user: 'stock_admin', password: stack.secrets.shopAdmin, sourceAddress: controlAddress(stack.block) }
  const master = await connect({ host, port, database, ...login, tls: 'disable', applicationName: 'e2e' })
  for (const statement of statements) await master.execute(statement)
  await master.close()
}

interface Look {
  readonly code: number | null
  readonly against: readonly string[]
  readonly commands: readonly string[]
}

async function look(...options: string[]): Promise<Look> {
  const { code, stdout, stderr } = await it.pair.run('standby', 'old', 'stock', ...options)
  if (stdout === '') throw new Error(`nothing was said: ${stderr}`)
  return { code, ...(JSON.parse(stdout) as Omit<Look, 'code'>) }
}

test('of one that writing never moved away from nothing is said', async () => {
  expect(await look()).toMatchObject({ code: 3, error: { code: 'RESOURCE_NOT_OURS' } })
})

const PAIR = /is a standby of .* end the pair first/
const NEIGHBOUR = /^Database neighbour is in it as well, and takes connections/
const sentences = (...each: readonly RegExp[]) => expect.arrayContaining(each.map((one) => expect.stringMatching(one)))

test('while both are a pair and another database is in it, both are told and no command', async () => {
  await onOld('stock', 'CREATE DATABASE neighbour')
  await onOld('neighbour', 'CREATE TABLE public.kept (id int)')
  expect(await it.ended('there', 'switchover', 'stock')).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  await it.isFollowing(it.pair.name, 'stock')
  expect(await look()).toMatchObject({ code: 1, against: sentences(PAIR, NEIGHBOUR), commands: [] })
})

test('without the pair the other database still speaks against it, and so does whoever was let in again', async () => {
  expect(await it.ended('removed', 'standby', 'remove', it.pair.name, '--to', 'stock')).toMatchObject({ status: 'succeeded' })
  await onOld('postgres', 'CREATE ROLE clerk LOGIN', 'GRANT CONNECT ON DATABASE stock TO clerk')
  const found = await look()
  expect(found).toMatchObject({
    code: 1,
    against: sentences(NEIGHBOUR, /^It is not closed: clerk may connect to stock/),
    commands: [],
  })
  expect(found.against).not.toEqual(sentences(PAIR))
  await onOld('postgres', 'REVOKE CONNECT ON DATABASE stock FROM clerk', 'DROP ROLE clerk', 'DROP DATABASE neighbour')
})

test('an endpoint that leads there speaks against it', async () => {
  await it.leadTo('source')
  const found = await look().finally(() => it.leadTo('standby'))
  expect(found).toMatchObject({ code: 1, against: sentences(/^The endpoint leads to it/), commands: [] })
})

test('once nothing does the commands of its cloud are shown, a last snapshot among them, and nothing was changed', async () => {
  let found = await look()
  // who was turned away a moment ago may still be inside, and the newest moment that can be restored comes after the move by and by
  await until('nothing to speak against it', async () => {
    found = await look()
    return found.against.length === 0
  })
  expect(found).toMatchObject({ code: 0, against: [], standing: 'there', movedBy: 'there', writer: it.pair.name })
  expect(found.commands).toEqual([
    expect.stringMatching(/^aws rds delete-db-instance .*--final-db-snapshot-identifier stock-last/),
  ])
  const { stdout } = await it.pair.cli('standby', 'old', 'stock', '--fleet', it.pair.fleet)
  expect(stdout).toContain(found.commands[0])
  await it.writesGoOn()
  await it.isWholeOn(it.pair.onStandby)
  expect(it.writers()).toEqual(['source', 'standby'])
})
