/** One suite for every adapter: what `clouds/port.ts` promises, held against a cloud. `aws.test.ts`, `aurora.test.ts`, `azure.test.ts` and `gcp.test.ts`
 *  run it over the lab.
 *
 *  Against a real account: set `CAPSTAN_CONFORMANCE_AWS`, `_AURORA`, `_AZURE` or `_GCP` to one JSON object (its fields are at the top of each of those
 *  files) and `CAPSTAN_CONFORMANCE_COSTS=accepted`, with credentials in the vendor's own default chain, and run that one file. What it makes and
 *  costs, and what an interrupted run leaves, is in docs/real-clouds.md. Nothing is made to go wrong there: those tests are not registered. */
import type { InstanceDescription, InstanceRef, NewInstance } from '../../clouds/port'
import type { CloudUnderTest, OpenCloud } from './cloud-under-test'
import { testConfiguration } from './configuration'
import { testCopies } from './copies'
import { testInstances } from './instances'
import { onceOpen } from './once-open'
import { testOverwriting } from './overwriting'
import { testReplicas } from './replicas'
import { testSnapshotCopies } from './snapshot-copies'
import { testSnapshots } from './snapshots'
import { CREATOR, PASSWORD, type Suite } from './suite'
import { options, retried, until } from './support'

export function testManagedPostgres(under: CloudUnderTest): void {
  const real = under.wire === null
  if (real) jest.setTimeout(3_600_000)
  let open: OpenCloud
  let shop: InstanceDescription
  const seen = onceOpen(() => ({ ...open, shop }))
  const suite: Suite = Object.assign(seen, {
    under,
    newInstance: (instance: string, more: Partial<NewInstance> = {}): NewInstance => ({
      instance,
      engineVersion: '17',
      instanceClass: open.classes[0],
      storageGib: open.storageGib,
      master: { name: open.masterName, password: PASSWORD },
      deletionProtected: false,
      owner: CREATOR,
      ...more,
    }),
    eventually: <T>(look: () => Promise<T | undefined>) => until(look, open.lookEveryMs),
    retried: <T>(act: () => Promise<T>) => retried(act, open.lookEveryMs),
    ready: (name: string) =>
      suite.eventually(async () => {
        const found = await open.adapter.describeInstance({ name }, options)
        if (found?.state === 'failed') throw new Error(`${name} is ${found.cloudState}`)
        return found?.state === 'ready' ? found : undefined
      }),
    async admits(name: string) {
      const { endpoint } = await suite.ready(name)
      return open.query(endpoint!, PASSWORD, 'SELECT 1').then(
        () => true,
        (error) => unlessShut(error) ?? false,
      )
    },
    async gone(name: string) {
      await suite.eventually(async () => ((await open.adapter.describeInstance({ name }, options)) === null ? true : undefined))
    },
    async letIn(instance: InstanceRef, networkRules: readonly string[]) {
      await suite.eventually(async () => {
        const { done } = await suite.retried(() => open.adapter.setNetworkRules({ instance, networkRules }, options))
        return done || undefined
      })
    },
    async ref(name: string): Promise<InstanceRef> {
      const found = await open.adapter.describeInstance({ name }, options)
      if (found === null) throw new Error(`there is no ${name}`)
      return { name, instanceId: found.instanceId }
    },
    async ask(name: string, sql: string, password = PASSWORD) {
      const { endpoint } = await suite.ready(name)
      // A rule that lets somebody in may hold a little later than the cloud says.
      return suite.eventually(() => open.query(endpoint!, password, sql).catch(unlessShut))
    },
  })

  beforeAll(async () => {
    open = await under.open()
    const { deletionProtection } = under.capabilities
    const wanted = suite.newInstance('conf-shop', { deletionProtected: deletionProtection })
    await suite.retried(() => open.adapter.startCreate(wanted, options))
    shop = await suite.ready('conf-shop')
    await suite.letIn(shop, open.admitted)
  }, 1_800_000)
  afterEach(() => open?.faults?.clear())
  afterAll(async () => {
    if (open === undefined) return
    if (real) await removeShop(suite)
    await open.close()
  }, 1_800_000)

  testInstances(suite)
  testConfiguration(suite)
  testSnapshots(suite)
  testSnapshotCopies(suite)
  testCopies(suite)
  testReplicas(suite)
  testOverwriting(suite)
}

/** Refused for where it comes from, or not reached: by a firewall, by PostgreSQL for want of a rule, or since it starts just now. */
function unlessShut(error: Error & { code?: string }): undefined {
  if (/^(28000|57P03|ECONN\w+|ETIMEDOUT|EHOSTUNREACH)$/.test(error.code ?? '')) return undefined
  throw error
}

async function removeShop(suite: Suite): Promise<void> {
  await suite.unprotect('conf-shop')
  const instance = await suite.ref('conf-shop')
  await suite.retried(() => suite.adapter.startRemoval({ instance, owner: CREATOR }, options))
  await suite.gone('conf-shop')
}
