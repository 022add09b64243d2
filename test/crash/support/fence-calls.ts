/** An instance fenced through its cloud by the worker, as a failover does it, while one of the calls goes wrong that this takes: the fence is proven all the same,
 *  nobody comes in, and what is lifted afterwards is as it was. Which calls there are is read from a fence that nothing disturbs. */
import { createRds } from '../../../clouds/aws/rds'
import type { Cloud } from '../../../contracts/fleet'
import type { CloudFenceOutcome, FenceInstanceInput } from '../../../contracts/instance-fence'
import { TASK_QUEUES } from '../../../contracts/messages'
import { type CapstanStack, startCapstan } from '../../support/capstan-stack'
import { until } from '../../support/eventually'
import { type Fenceable, fencedAt } from '../../support/fencing'
import { type CloudCall, labDoor } from '../../support/lab'
import { createOtherTarget, MASTER_PASSWORD } from '../../support/other-clouds'
import { createTarget, FIRST, type Target } from '../../support/target'
import { cloudCallsOf } from './boundaries'
import type { CloudCallKind } from './golden'

interface Wrong {
  readonly how: string
  readonly order: Readonly<Record<string, unknown>> & { readonly kind: string }
}

/** An SDK tries three times by itself: more often than that, so that the failure comes through to our own retries. */
const PAST_THE_SDK = 4

export const WRONGS: readonly Wrong[] = [
  { how: 'answer dropped after it acted, so that it is made twice', order: { kind: 'drop-response', times: 1 } },
  { how: 'throttled', order: { kind: 'throttle', times: PAST_THE_SDK } },
  { how: 'failing', order: { kind: 'fail', times: PAST_THE_SDK } },
]

interface Standing extends Fenceable {
  readonly target: Target
}

export class FenceCalls {
  readonly #standing = new Map<Cloud, Promise<Standing>>()

  private constructor(readonly capstan: CapstanStack) {}

  static async start(): Promise<FenceCalls> {
    return new FenceCalls(await startCapstan({ env: { CAPSTAN_LAB_PROFILE: 'instant', SHOP_MASTER_PASSWORD: MASTER_PASSWORD } }))
  }

  close(): Promise<void> {
    return this.capstan.close()
  }

  #on(cloud: Cloud): Promise<Standing> {
    const known = this.#standing.get(cloud) ?? this.#made(cloud)
    this.#standing.set(cloud, known)
    return known
  }

  async #made(cloud: Cloud): Promise<Standing> {
    const { stack } = this.capstan
    if (cloud !== 'aws') {
      const target = await createOtherTarget(cloud, this.capstan)
      await target.reset()
      return { target, adapter: target.adapter, password: MASTER_PASSWORD, fleet: target.fleet(FIRST) }
    }
    const target = await createTarget(this.capstan, '17')
    await target.reset()
    const { labApi: endpoint } = stack.endpoints
    const adapter = createRds({ region: 'us-east-1', endpoint, credentials: stack.lab.aws, maxAttempts: 3 })
    return { target, adapter, password: stack.secrets.shopAdmin, fleet: target.fleet(FIRST) }
  }

  /** Those that a fence takes which nothing disturbs. */
  async undisturbed(cloud: Cloud): Promise<readonly CloudCallKind[]> {
    return cloudCallsOf(await this.#fencedAndBack(cloud, null), 'no-operation')
  }

  async disturbed(cloud: Cloud, { operation, resource }: CloudCallKind, { order }: Wrong): Promise<void> {
    const calls = await this.#fencedAndBack(cloud, { ...order, cloud, operation, resource })
    const struck = calls.filter(({ faults }) => faults.some(({ kind }) => kind === order.kind))
    expect({ operation, kind: order.kind, struck: struck.length > 0 }).toEqual({ operation, kind: order.kind, struck: true })
  }

  /** Each call of the fence, and of its being lifted, arrives twice. */
  async allTwice(cloud: Cloud, heard: 'first' | 'second'): Promise<void> {
    await this.#on(cloud)
    const lab = labDoor(this.capstan)
    const fault = await lab.order({ kind: 'deliver-twice', cloud, heard, times: 100_000 })
    const since = await lab.mark()
    await this.#fencedAndBack(cloud, null)
    await lab.withdraw(fault)
    const changed = (await lab.calls(since)).filter(({ effect }) => effect)
    expect(changed.length).toBeGreaterThan(2)
    expect(changed.filter(({ faults }) => faults.length === 0)).toEqual([])
  }

  /** Resolves to the calls of the fence itself. */
  async #fencedAndBack(cloud: Cloud, order: Wrong['order'] | null): Promise<readonly CloudCall[]> {
    const { target, ...fenceable } = await this.#on(cloud)
    const lab = labDoor(this.capstan)
    const fenced = await fencedAt(this.capstan, fenceable)
    const before = await fenced.access()
    const since = await lab.mark()
    const fault = order === null ? null : await lab.order(order)
    const outcome = await this.#byWorker(cloud, fenced, target)
    const calls = (await lab.calls(since)).filter((call) => call.cloud === cloud)
    // one that has struck as often as it was to is gone already
    if (fault !== null) await lab.withdraw(fault).catch(() => undefined)
    expect(outcome).toMatchObject({ outcome: 'proven', untaken: [], proof: { proven: true, means: ['networks', 'stop'] } })
    const session = await target.app().catch(() => null)
    await session?.close()
    expect(session).toBeNull()
    expect(await fenced.row()).toMatchObject({ state: 'fenced', before: { running: true, rules: before?.rules } })
    await fenced.lift()
    const after = await fenced.access()
    expect([after?.rules, after?.ruleNames, after?.instance.state]).toEqual([before?.rules, before?.ruleNames, 'ready'])
    await until('applications to come in', async () => {
      const again = await target.app().catch(() => null)
      await again?.close()
      return again !== null
    })
    return calls
  }

  #byWorker(
    cloud: Cloud,
    { operation, bundle, target }: Awaited<ReturnType<typeof fencedAt>>,
    { host, port }: Target,
  ): Promise<CloudFenceOutcome> {
    const input: FenceInstanceInput = {
      ...{ operation, step: 'fence', bundle, cloud, target: { ...target, host, port, engineVersion: '17' } },
      ...{ requestedBy: 'ada', reason: 'dead', withinMs: 180_000, keepEveryMs: 3_600_000, heartbeatTimeoutMs: 3_000 },
    }
    return this.capstan.temporal.workflow.execute<(input: FenceInstanceInput) => Promise<CloudFenceOutcome>>('fenceInstance', {
      ...{ workflowId: operation, taskQueue: TASK_QUEUES.control, args: [input], workflowTaskTimeout: '3 seconds' },
    })
  }
}
