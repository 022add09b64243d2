/** A lab with one instance, and the adapter on it. */
import { createRds } from '../../clouds/aws/rds'
import type { ManagedPostgres, Owner } from '../../clouds/port'
import { Failure, type FailureCode } from '../../contracts/failures'
import { createInstance, eventually, openLab, snapshotAvailable, type TestLab } from '../lab/fixture'

export interface RdsLab {
  readonly lab: TestLab
  readonly cloud: ManagedPostgres
  /** The id of the instance `shop`. */
  readonly shop: string
  adapter(more?: Partial<Parameters<typeof createRds>[0]>): ManagedPostgres
  fault(order: object): Promise<void>
  /** Calls of that name which changed something, for a resource. */
  effects(operation: string, resource: string): Promise<number>
  /** Calls of whatever name which changed something. */
  effectsInAll(): Promise<number>
  /** Taken of `shop`, and there. */
  snapshotBy(operation: string): Promise<string>
}

export const options = { signal: new AbortController().signal, mayChange: async () => {} }

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
  }, 120_000)
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
    async fault(order) {
      expect(await lab.call('POST', '/_lab/faults', order)).toMatchObject({ status: 200 })
    },
    async effects(operation, resource) {
      const { calls } = (await lab.call('GET', '/_lab/calls')).body as { calls: Call[] }
      const made = calls.filter((call) => call.operation === operation && call.effect)
      return made.filter(({ resources }) => JSON.stringify(resources).includes(`"${resource}"`)).length
    },
    async effectsInAll() {
      const { calls } = (await lab.call('GET', '/_lab/calls')).body as { calls: Call[] }
      return calls.filter(({ effect }) => effect).length
    },
    async snapshotBy(operation) {
      const { name, owner } = owned(operation, 'take')
      await retried(() => cloud.startSnapshot({ instance: 'shop', snapshot: name, owner }, options))
      await snapshotAvailable(lab, name)
      return name
    },
  }
  return tools
}

interface Call {
  readonly operation: string
  readonly effect: boolean
  readonly resources: object
}

/** As a runbook would: what passes by itself is tried again. */
export async function retried<T>(act: () => Promise<T>): Promise<T> {
  const done = await eventually(async () => {
    try {
      return { value: await act() }
    } catch (error) {
      if (error instanceof Failure && error.kind === 'transient') return undefined
      throw error
    }
  })
  return done.value
}

export function owned(operation: string, step: string): { name: string; owner: Owner } {
  return { name: `cap-${operation}-${step}`, owner: { operation, step, expiresAt: '2027-01-31T12:00:00.000Z' } }
}

export const refusal = (code: FailureCode, message = ''): object =>
  expect.objectContaining({ code, message: expect.stringContaining(message) })
