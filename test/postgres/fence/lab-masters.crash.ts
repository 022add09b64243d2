/** The fence as each cloud's master raises it, with what else is on an instance of that cloud. */
import type { ConnectOptions } from '../../../postgres/connect/connect-options'
import { connect } from '../../../postgres/connect/session'
import { describeFence } from '../../../postgres/fence/describe'
import { drivenClouds } from '../../lab/driven/clouds'
import { openLab, type TestLab } from '../../lab/fixture'
import { fenceUnderTest } from './support'

let lab: TestLab
beforeAll(async () => {
  lab = await openLab()
})
afterAll(async () => {
  await lab?.remove()
})

test.each(['aws', 'azure', 'gcp'] as const)('on %s an instance is closed and opened as a whole', async (name) => {
  const cloud = drivenClouds({ block: lab.block, stateDir: lab.stateDir, ready: { ready: true, ...lab.lab } })[name]
  await cloud.create('shop')
  expect(await cloud.rested('shop')).toBe('ready')
  await cloud.letIn('shop')
  await cloud.rested('shop')
  const { host, port, user, password, ssl } = await cloud.login('shop')
  const options: ConnectOptions = {
    ...{ host: String(host), port: Number(port), user: String(user), password: String(password) },
    ...{ database: 'postgres', applicationName: 'test', sourceAddress: lab.client },
    tls: ssl === undefined || ssl === false ? 'disable' : 'require',
  }
  const master = await connect(options)
  await master.execute('CREATE ROLE owner_of_orders')
  await master.execute('GRANT owner_of_orders TO CURRENT_USER')
  await master.execute('CREATE DATABASE orders OWNER owner_of_orders')
  await master.execute('REVOKE owner_of_orders FROM CURRENT_USER')
  await master.execute(`CREATE ROLE app LOGIN PASSWORD 'Correct-Horse-8'`)
  const open = 'SELECT datname::text AS name FROM pg_database WHERE datallowconn ORDER BY 1'
  const before = (await master.query<{ name: string }>(open)).map((row) => row.name)
  await master.close()

  const fence = fenceUnderTest(options)
  const planned = await describeFence({ connectTo: fence.connectTo, scope: 'instance', from: ['postgres'] })
  expect(planned.obstacles).toEqual([])
  await fence.raise('instance', 1)
  const writer = { database: 'orders', user: 'app', password: 'Correct-Horse-8' }
  const proof = await fence.prove('instance', 2, writer)
  expect(proof.closed).toEqual(before.filter((one) => !['template1', 'rdsadmin', 'azuresu', 'cloudsqladmin'].includes(one)))
  expect(proof.empty).toEqual(['template1'])
  await fence.lower(3)
  const after = await connect(options)
  expect((await after.query<{ name: string }>(open)).map((row) => row.name)).toEqual([...before, 'capstan_fence'].sort())
  await after.close()
})
