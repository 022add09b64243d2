/** An instance of the lab fenced as operations do it: the very activities, over the vendors' SDKs, with the stack's ledger and Temporal. */
import { type Act, runAct } from '../../activities/act'
import type { Fencing } from '../../activities/instance-fence/contract'
import { createInstanceFenceActivities } from '../../activities/instance-fence/instance-fence'
import { createKeepFencedActivities } from '../../activities/instance-fence/keep'
import { createFenceProofActivities } from '../../activities/instance-fence/proof'
import { readFleet } from '../../client/fleet/read-fleet'
import type { InstanceAccess, ManagedPostgres } from '../../clouds/port'
import { Failure } from '../../contracts/failures'
import type { CloudFenceProof, FencedInstance, OrderedFence } from '../../contracts/instance-fence'
import { controlAddress } from '../../embedded/worker-program'
import type { CapstanStack } from './capstan-stack'
import { eventually } from './eventually'
import { changing } from './other-clouds'

export interface Fenced {
  /** That fences it, and that alone lifts it. */
  readonly operation: string
  readonly target: Fencing['target']
  readonly bundle: string
  holdWitness(): Promise<{ held: boolean }>
  /** To its end. */
  fence(): Promise<OrderedFence>
  judge(ordered: OrderedFence): Promise<CloudFenceProof>
  keep(everyMs: number): Promise<void>
  lift(): Promise<{ summary: string }>
  letUsIn(): Promise<{ host: string; port: number }>
  release(): Promise<void>
  access(): Promise<InstanceAccess | null>
  row(): Promise<FencedInstance | undefined>
}

export interface Fenceable {
  readonly fleet: string
  readonly adapter: ManagedPostgres
  readonly password: string
}

let operations = 0

export async function fencedAt(capstan: CapstanStack, { fleet, adapter, password }: Fenceable): Promise<Fenced> {
  const { ledger, temporal, stack } = capstan
  const [database] = (await readFleet(fleet)).databases
  if (database === undefined) throw new Error('the fleet file has no database')
  const { name, instance, cloud } = database
  const found = await adapter.describeInstance({ name: instance }, changing)
  if (found?.endpoint == null) throw new Error(`${instance} has no address`)
  const operation = `failover-${cloud}-${++operations}`
  const bundle = await ledger.putBundle({ version: 1, database, migrations: [] })
  const target = { instance, instanceId: found.instanceId }
  const ref = { operation, step: 'fence', bundle, target }
  const at = { ...ref, address: found.endpoint }
  const deps = {
    ...{ ledger, cloudOf: () => adapter, resolveSecret: async () => password },
    ...{ secretKey: Buffer.alloc(32), sourceAddress: controlAddress(stack.block) },
  }
  const byCloud = createInstanceFenceActivities(deps)
  const proof = createFenceProofActivities(deps)
  const keeping = createKeepFencedActivities(deps)
  const act = <T>(work: () => Promise<T>, attempt = 1): Promise<T> => runAct(actOf(temporal, attempt), work)
  const toItsEnd = async <T>(work: () => Promise<T>): Promise<T> => {
    let attempt = 0
    const done = await eventually(
      `the fence of ${instance} (${cloud})`,
      () => act(async () => ({ value: await work() }), ++attempt).catch(unlessPassing),
      50,
    )
    return done.value
  }
  return {
    operation,
    target,
    bundle,
    holdWitness: () => act(() => proof.holdWitness(at)),
    fence: () => toItsEnd(() => byCloud.startFence({ ...ref, requestedBy: 'ada', reason: `${name} is dead` })),
    judge: (ordered) => act(async () => proof.judgeFence({ ...at, ordered, said: await byCloud.fenceState(ref) })),
    keep: (everyMs) => act(() => keeping.keepFenced({ ...ref, everyMs, heartbeatTimeoutMs: 5_000 })),
    lift: () => toItsEnd(() => byCloud.liftFence({ ...ref, by: 'ada', reason: 'taken back' })),
    letUsIn: () => toItsEnd(() => byCloud.letUsIn({ ...ref, by: 'ada', reason: 'to look' })),
    release: () => act(() => proof.releaseWitness(ref)),
    access: () => adapter.accessOf({ name: instance }, changing),
    row: async () => (await ledger.listFences()).find((one) => one.instanceId === target.instanceId),
  }
}

function actOf(client: CapstanStack['temporal'], attempt: number): Act {
  return {
    ...{ attempt, scheduledAtMs: Date.now(), signal: new AbortController().signal, stale: () => false },
    ...{ client, isCurrent: async () => true },
  }
}

function unlessPassing(error: unknown): undefined {
  if (error instanceof Failure && error.kind === 'transient') return undefined
  throw error
}
