/** A lab with one instance, and the adapter on it. */
import { createRds } from '../../clouds/aws/rds'
import type { ManagedPostgres } from '../../clouds/port'
import { faultsOf } from '../conformance/lab-faults'
import { options, owned, retried } from '../conformance/support'
import { createInstance, openLab, snapshotAvailable, type TestLab } from '../lab/fixture'

export interface RdsLab {
  readonly lab: TestLab
  readonly cloud: ManagedPostgres
  /** The id of the instance `shop`. */
  readonly shop: string
  adapter(more?: Partial<Parameters<typeof createRds>[0]>): ManagedPostgres
  fault(order: object): Promise<void>
  /** Calls of that name which changed something, for a resource. */
  effects(operation: string, resource: string): Promise<number>
  /** Taken of `shop`, and there. */
  snapshotBy(operation: string): Promise<string>
}

/** Registers the file's set-up and tear-down. */
export function rdsLab(): RdsLab {
  let lab: TestLab
  let cloud: ManagedPostgres
  let shop = ''
  beforeAll(async () => {
    lab = await openLab()
    cloud = tools.adapter()
    await createInstance(lab, 'shop')
    shop = (await cloud.describeInstance({ name: 'shop' }, options))?.instanceId ?? ''
  })
  afterAll(() => lab?.remove())
  afterEach(async () => {
    await lab.call('DELETE', '/_lab/faults')
  })
  const tools: RdsLab = {
    get lab() {
      return lab
    },
    get cloud() {
      return cloud
    },
    get shop() {
      return shop
    },
    adapter(more = {}) {
      const { api, credentials } = lab.lab
      return createRds({ region: 'us-east-1', endpoint: api, credentials: { ...credentials.aws }, maxAttempts: 3, ...more })
    },
    fault: (order) => faultsOf(lab).order(order),
    effects: (operation, resource) => faultsOf(lab).effects(operation, resource),
    async snapshotBy(operation) {
      const { name, owner } = owned(operation, 'take')
      await retried(() => cloud.startSnapshot({ instance: 'shop', snapshot: name, owner }, options))
      await snapshotAvailable(lab, name)
      return name
    },
  }
  return tools
}
