/** A switchover whose workflow is ended by force once applications write on the new writer, before the old one follows: nothing that is done with standbys takes
 *  the writer for one, and "standby resume", the other way round, does the rest. One stack for all: each test goes on from where the one before left both. */
import type { StandbyState } from '../../contracts/standby'
import { controlAddress } from '../../embedded/worker-program'
import { connect } from '../../postgres/connect/session'
import { eventually, until } from '../support/eventually'
import { remains } from '../support/replicating'
import { Switching } from '../support/switching'

let it: Switching

beforeAll(async () => {
  it = await Switching.start('gcp')
  await it.isFollowing('stock', it.pair.name)
})
afterAll(() => it?.close())

const stateOf = async (source: string, target: string): Promise<StandbyState | undefined> =>
  (await it.capstan.ledger.getStandby({ source, target }))?.state

test('what would empty, pause, remove or make anew the standby is refused of the writer, and nothing that was written is lost', async () => {
  it.capstan.arm('letOldFollow#1:before')
  const deaths = it.capstan.deaths()
  const over = it.ended('ended', 'switchover', 'stock').catch(() => undefined)
  await until('applications to be let in', async () => it.capstan.deaths() > deaths)
  await it.capstan.temporal.workflow.getHandle('ended').terminate('by a person')
  await over
  await it.writesGoOn()
  const { name } = it.pair
  expect([await stateOf('stock', name), await stateOf(name, 'stock')]).toEqual(['gone', 'switching'])

  for (const deed of ['reseed', 'pause', 'remove']) {
    const { code, stdout, stderr } = await it.pair.run('standby', deed, 'stock', '--operation', `${deed}-writer`)
    expect([deed, code, `${stdout}${stderr}`]).toEqual([deed, 2, expect.stringContaining(`stock follows ${name}`)])
  }
  expect((await it.pair.run('replicate', 'stock', '--operation', 'anew')).code).not.toBe(0)
  const acknowledged = it.bank.acknowledged.size
  const [{ rows } = { rows: 0 }] = await it.pair.onStandby<{ rows: number }>('SELECT count(*)::int AS rows FROM public.transfers')
  expect(rows).toBeGreaterThanOrEqual(acknowledged)
  await it.writesGoOn()
})

test('resumed the other way round the old writer follows, kept from applications, and what made the way there is gone', async () => {
  const { name } = it.pair
  expect(await it.ended('resumed', 'standby', 'resume', name, '--to', 'stock')).toMatchObject({ status: 'succeeded' })
  await it.isFollowing(name, 'stock')
  await it.isWholeOnBothSides()
  expect((await remains(it.pair)).map((one) => one.split(' ').slice(0, 2).join(' ')).sort()).toEqual(TURNED)
  expect(it.writers()).toEqual(['source', 'standby'])
})

/** The way back, and no way there. */
const TURNED = ['source subscription', 'standby publication', 'standby sender', 'standby slot']

test('what the new writer gets from elsewhere arrives at the old one too', async () => {
  const { source } = it.pair
  const { shopAdmin } = it.capstan.stack.secrets
  await it.pair.onSource('CREATE DATABASE elsewhere')
  const login = {
    host: source.host,
    port: source.port,
    database: 'elsewhere',
    user: 'stock_admin',
    password: shopAdmin,
    applicationName: 'elsewhere',
  }
  const elsewhere = await connect({ ...login, sourceAddress: controlAddress(it.capstan.stack.block) })
  try {
    await elsewhere.execute(
      `CREATE TABLE public.accounts (id bigint PRIMARY KEY, balance bigint NOT NULL, holder text NOT NULL);
       CREATE PUBLICATION elsewhere FOR TABLE public.accounts`,
    )
    await elsewhere.query(`SELECT pg_create_logical_replication_slot('elsewhere', 'pgoutput')`)
    const from = `host=${source.host} port=${source.port} dbname=elsewhere user=stock_admin password=${shopAdmin}`
    await it.pair.onStandby(
      `CREATE SUBSCRIPTION elsewhere CONNECTION '${from}' PUBLICATION elsewhere WITH (create_slot = false, slot_name = 'elsewhere', copy_data = false)`,
    )
    await elsewhere.execute(`INSERT INTO public.accounts VALUES (100000, 0, 'from elsewhere')`)
    const seen = () => it.pair.onSource('SELECT FROM public.accounts WHERE id = 100000')
    await until('the row from elsewhere', async () => (await seen()).length === 1)
  } finally {
    await elsewhere.close()
  }
})

test('removed, the old writer stays shut to applications, and who opens it is told how', async () => {
  const { name } = it.pair
  const operation = await it.ended('removed', 'standby', 'remove', name, '--to', 'stock')
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'inconclusive' })
  const { detail } = operation.steps.find(({ id }) => id === 'remove') ?? {}
  expect(JSON.stringify(detail)).toContain('GRANT CONNECT ON DATABASE')
  await it.writesGoOn()
  await eventually('the record to say so', async () => ((await stateOf(name, 'stock')) === 'gone' ? true : undefined))
  expect(it.writers()).toEqual(['source', 'standby'])
})
