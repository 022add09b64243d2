/** What keeps a fence through a cloud, and who is let in behind it: on flexible servers of the lab's, one that is public and one in a virtual network, of which no rule
 *  closes the way in. */
import { readFileSync } from 'node:fs'
import { Client, Connection } from '@temporalio/client'
import { runAct } from '../../activities/act'
import { createInstanceFenceActivities } from '../../activities/instance-fence/instance-fence'
import { createFlexibleServer } from '../../clouds/azure/flexible-server'
import type { ManagedPostgres } from '../../clouds/port'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { FencedInstance, FencePlace } from '../../contracts/instance-fence'
import { fleetEntry } from '../client/fleet-entry'
import { withLedger } from '../client/with-ledger'
import { options, retried, until } from '../conformance/support'
import { type AzureLab, createServer, GROUP, openAzure } from '../lab/azure/fixture'

const it = withLedger()
const SERVERS = ['shop', 'shop-vnet'] as const
type Name = (typeof SERVERS)[number]
const SUBNET = '/subscriptions/s/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/v/subnets/db'
const CHANGES = /^(Servers_St|FirewallRules_(C|D))/

let azure: AzureLab
let cloud: ManagedPostgres
beforeAll(async () => {
  azure = await openAzure()
  await azure.call('PUT', '/_lab/profile', { profile: 'instant' })
  const { tlsApi: endpoint, certificateFile, credentials, dataPort: port } = azure.lab
  const { subscriptionId: subscription, token } = credentials.azure
  const client = { endpoint, tlsOptions: { ca: readFileSync(certificateFile, 'utf8') } }
  cloud = createFlexibleServer({ ...{ subscription, location: 'eastus', token, port, client }, resourceGroup: GROUP })
  await Promise.all(
    SERVERS.map((name) => createServer(azure, name, name === 'shop' ? {} : { network: { delegatedSubnetResourceId: SUBNET } })),
  )
})
afterAll(() => azure?.remove())

const access = async (name: Name) => {
  const found = await cloud.accessOf({ name }, options)
  if (found === null) throw new Error(`${name} is gone`)
  return found
}

/** It runs, and lets in these. */
async function opened(name: Name, rules: readonly string[]): Promise<string> {
  const { instanceId } = (await access(name)).instance
  const instance = { name, instanceId }
  const state = await until(async () => {
    const now = (await access(name)).instance.state
    return now === 'changing' ? undefined : now
  })
  if (state === 'stopped') await retried(() => cloud.startStart({ instance }, options))
  await until(async () => ((await access(name)).instance.state === 'ready' ? true : undefined))
  if (name === 'shop')
    await until(async () => {
      const { done } = await retried(() => cloud.setNetworkRules({ instance, networkRules: rules }, options))
      return done ? true : undefined
    })
  return instanceId
}

let fences = 0

interface Fence extends Partial<Pick<FencedInstance, 'state' | 'since' | 'keep'>> {
  readonly of: Name
  readonly rules?: readonly string[]
}

/** That instance runs, whoever started it, and the ledger holds a fence of it. */
async function fenced({ of: name, rules = [], state = 'fenced', since = '2026-11-30T09:00:00.000Z', keep = 'stopped' }: Fence) {
  const instanceId = await opened(name, rules)
  fences += 1
  const operation = `dead-${fences}`
  const { subscriptionId: account } = azure.lab.credentials.azure
  const database: DatabaseEntry = {
    ...fleetEntry(name, { region: 'eastus', instance: name }),
    ...{ cloud: 'azure', account, resourceGroup: GROUP, canary: { networks: [], instanceClass: null } },
  }
  const bundle = await it.ledger.putBundle({ version: 1, database, migrations: [] })
  const place: FencePlace = { cloud: 'azure', account, region: 'eastus', instance: name }
  const held = await it.ledger.getFence(place)
  if (held !== null) await it.ledger.changeFence({ place, instanceId, from: [held.state], to: 'lifted' })
  await it.ledger.openFence({
    ...{ ...place, instanceId, operation, bundle, database: name, since, requestedBy: 'ada', reason: 'it is dead', leftIn: [] },
  })
  await it.ledger.changeFence({ place, instanceId, from: ['fencing'], to: state, keep })
  const acts = createInstanceFenceActivities({ ledger: it.ledger, cloudOf: () => cloud })
  const act = <T>(work: () => Promise<T>, attempt = 1): Promise<T> =>
    runAct(
      {
        ...{ attempt, scheduledAtMs: Date.now(), signal: options.signal, stale: () => false },
        ...{ client: new Client({ connection: Connection.lazy() }), isCurrent: async () => true },
      },
      work,
    )
  const ref = { operation, step: 'fence', bundle, target: { instance: name, instanceId } }
  const { last } = (await azure.call('GET', '/_lab/calls')).body as { last: number }
  return {
    row: () => it.ledger.getFence(place),
    letUsIn: () => act(() => acts.letUsIn({ ...ref, by: 'ada', reason: 'salvage' })),
    look: () => act(() => acts.reassertFence(ref)),
    lift: (attempt: number) => act(() => acts.liftFence({ ...ref, by: 'ada', reason: 'it answers' }), attempt),
    /** What its cloud was told since, in words of its own. */
    async told(): Promise<readonly string[]> {
      const { calls } = (await azure.call('GET', `/_lab/calls?since=${last}`)).body as { calls: { operation: string }[] }
      return calls.map(({ operation: call }) => call).filter((call) => CHANGES.test(call))
    },
  }
}

/** A cloud that closes it at that moment refuses the stop: the next look of the watch sees to it. */
const isStopped = (name: Name, { look }: { readonly look: () => Promise<unknown> }) =>
  until(async () => {
    await look()
    return (await access(name)).instance.state === 'stopped' ? true : undefined
  })

test.each<Fence>([{ of: 'shop-vnet' }, { of: 'shop', rules: ['10.0.0.0/8'] }])(
  'one that is not started for us, since others would come in too, is stopped again whoever starts it: %j',
  async (fence) => {
    const shop = await fenced(fence)
    await expect(shop.letUsIn()).rejects.toMatchObject({ code: 'FENCE_REFUSED' })
    expect(await shop.row()).toMatchObject({ keep: 'stopped' })
    await shop.look()
    expect(await shop.told()).toContain('Servers_Stop')
    await isStopped(fence.of, shop)
  },
)

test('one that runs for us is left running, and stopped once others come in by a way that no rule closes', async () => {
  const shop = await fenced({ of: 'shop' })
  await expect(shop.letUsIn()).resolves.toMatchObject({ instance: 'shop' })
  expect(await shop.row()).toMatchObject({ keep: 'closed' })
  expect((await shop.look()).look.found).toBeNull()
  expect(await shop.told()).toEqual([])
  const since = await fenced({ of: 'shop-vnet', keep: 'closed' })
  expect((await since.look()).look.found).toContain('stopped again')
  expect(await since.told()).toEqual(['Servers_Stop'])
})

const OPEN = { of: 'shop', rules: ['10.0.0.0/8'], state: 'fencing' } as const

test('while it is being fenced its networks are closed before it is stopped, and not for ever', async () => {
  const now = await fenced({ ...OPEN, since: new Date().toISOString() })
  expect((await now.look()).look.found).toContain('once it is closed')
  expect(await now.told()).toEqual(['FirewallRules_Delete'])
  const long = await fenced(OPEN)
  await long.look()
  expect(await long.told()).toEqual(['FirewallRules_Delete', 'Servers_Stop'])
  await isStopped('shop', long)
})

test('one whose cloud is busy with that very closing is not stopped ahead of it', async () => {
  const busy = () =>
    azure.call('POST', '/_lab/faults', {
      cloud: 'azure',
      kind: 'fail',
      operation: 'FirewallRules_Delete',
      code: 'ServerIsBusy',
      times: 100,
    })
  const now = await fenced({ ...OPEN, since: new Date().toISOString() })
  await busy()
  expect((await now.look()).look.found).toContain('once it is closed')
  expect(await now.told()).not.toContain('Servers_Stop')
  await azure.call('DELETE', '/_lab/faults')
  const long = await fenced(OPEN)
  await busy()
  await long.look()
  expect(await long.told()).toContain('Servers_Stop')
  expect((await access('shop')).rules).toEqual(['10.0.0.0/8'])
})

test('an order to close it that comes in while it is let in again is seen to, before the fence is called lifted', async () => {
  await azure.call('DELETE', '/_lab/faults')
  const rules = ['10.0.0.0/8']
  const shop = await fenced({ ...OPEN, rules, since: new Date().toISOString() })
  await shop.look()
  const isOpen = () => until(async () => ((await access('shop')).rules.length > 0 ? true : undefined))
  const opening = until(async () => {
    const lifted = await shop.lift(1).catch((error: unknown) => error)
    expect(lifted).toMatchObject({ code: 'NOT_READY_YET' })
    return `${lifted}`.includes('looked at once more') ? true : undefined
  })
  await Promise.all([isOpen(), opening])
  const { instanceId } = (await access('shop')).instance
  const late = { instance: { name: 'shop', instanceId }, networkRules: [] }
  await until(async () => ((await cloud.setNetworkRules(late, options)).done ? true : undefined))
  await until(async () => ((await shop.lift(20).catch(() => null)) === null ? undefined : true))
  expect(await shop.row()).toMatchObject({ state: 'lifted' })
  expect((await access('shop')).rules).toEqual(rules)
})
