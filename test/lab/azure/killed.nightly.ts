/** The lab is killed in the middle of a switchover, as a process of its own; the next one carries on. Other operations: ../killed.nightly.ts. */
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, eventually } from '../fixture'
import { killableLab } from '../killable'
import { done, GROUP, PASSWORD, sdk, trusted, unlessBusy, wanted } from './fixture'

const lab = killableLab()

const azure = () => sdk(lab.lab.api, lab.lab.credentials.azure)
const get = (name: string) => azure().servers.get(GROUP, name)

async function rows(name: string, sql: string, password = PASSWORD) {
  const host = (await get(name)).fullyQualifiedDomainName!
  const client = await connect(lab.client, {
    host,
    port: lab.lab.dataPort,
    database: 'postgres',
    password,
    ssl: trusted(lab),
  })
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

const openFirewall = (name: string) =>
  unlessBusy(() =>
    azure().firewallRules.beginCreateOrUpdate(GROUP, name, 'tests', { startIpAddress: lab.client, endIpAddress: lab.client }),
  )

beforeAll(() => lab.open())
afterAll(() => lab.remove())

test.each([50, 250, 500])(
  'a switchover whose lab is killed %s ms later is finished by the next one, with every commit',
  async (ms) => {
    const [first, second] = [`pair-${ms}-a`, `pair-${ms}-b`]
    await done(azure().servers.beginCreateOrUpdate(GROUP, first, wanted()))
    await openFirewall(first)
    const replica = { location: 'eastus', createMode: 'Replica', sourceServerResourceId: (await get(first)).id! }
    await unlessBusy(() => azure().servers.beginCreateOrUpdate(GROUP, second, replica))
    await openFirewall(second)
    const members = { endpointType: 'ReadWrite', members: [second] }
    await unlessBusy(() => azure().virtualEndpoints.beginCreate(GROUP, first, `ends-${ms}`, members))
    await rows(first, 'CREATE TABLE kept AS SELECT generate_series(1, 100) AS n')
    const swap = { replica: { promoteMode: 'Switchover', promoteOption: 'Planned' } }
    const state = (await azure().servers.beginUpdate(GROUP, second, swap)).toString()
    await sleep(ms)
    await lab.killAndRestart()
    expect(await done(azure().servers.beginUpdate(GROUP, second, swap, { resumeFrom: state }))).toMatchObject({
      replica: { role: 'Primary' },
    })
    const count = 'SELECT count(*)::int AS n FROM kept'
    await rows(second, 'INSERT INTO kept VALUES (101)')
    expect(await rows(second, count)).toEqual([{ n: 101 }])
    await eventually(async () => ((await rows(first, count))[0].n === 101 ? true : undefined))
    expect(await get(first)).toMatchObject({ replica: { role: 'AsyncReplica', replicationState: 'Active' } })
    for (const name of [first, second]) await unlessBusy(() => azure().servers.beginDelete(GROUP, name))
  },
)
