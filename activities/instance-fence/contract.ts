import type { CloudFenceProof, FencedTarget, FenceLook, FenceState, OrderedFence } from '../../contracts/instance-fence'
import type { InstanceAddress } from '../../contracts/migrate'
import type { StepRef } from '../../contracts/step-ref'

/** The instance that the bundle's database names. */
export interface Fencing extends StepRef {
  readonly target: FencedTarget
}

/** On the queue of the instance's cloud. */
export interface InstanceFenceActivities {
  /** Lets nobody in by the instance's networks but whom a copy's let in, which is the control plane, and stops it where its cloud does; what was so before is
   *  in the ledger first. Polls once; NOT_READY_YET until each means was ordered, or is known not to be had, which is told: none of them is no failure. Safe to
   *  repeat. An instance that is gone has no means, and is no failure either. Fails with FENCE_LIFTED where somebody lifted it meanwhile. */
  startFence(input: Fencing & { requestedBy: string; reason: string }): Promise<OrderedFence>
  /** What the cloud says now. Changes nothing; never NOT_READY_YET. Gone is an answer. */
  fenceState(input: Fencing): Promise<FenceState>
  /** Closes and stops once more what is not any more as `startFence` left it, orders one thing at a time and never waits: the next look goes on. Nothing
   *  where the fence is lifted. `over`: nobody has to look any more. Fails with FENCE_LIFTED where the ledger knows of none: then nothing says that it may serve. */
  reassertFence(input: Fencing): Promise<{ readonly over: boolean; readonly look: FenceLook; readonly reasserted: boolean }>
  /** Puts back exactly what was taken; `runs`: and leaves it running, also where it did not before. Polls once; NOT_READY_YET until it runs and lets in whom it let in. Safe to repeat, and where it was never
   *  fenced. As an `undo` it is to be registered before `startFence`, and lifts nothing that another operation wants fenced too. Fails with RESOURCE_NOT_OURS
   *  where a failover has made another database the writer, unless `writer` names that one; with FENCE_LIFTED where another operation has fenced it anew. */
  liftFence(
    input: Fencing & { by: string; reason: string; undo?: boolean; writer?: string | undefined; runs?: boolean },
  ): Promise<{ readonly summary: string }>
  /** Starts it for the control plane alone: its networks stay closed, and are kept so. Polls once; NOT_READY_YET until it can be used. Safe to repeat.
   *  Fails with FENCE_LIFTED where it is not fenced, with FENCE_REFUSED where somebody else is let in, by its rules or by ways that have none. */
  letUsIn(input: Fencing & { by: string; reason: string }): Promise<InstanceAddress>
}

/** On the queue of those that serve databases, as the fleet file's `connections.admin`. */
export interface FenceProofActivities {
  /** Holds a connection of this worker's own, to see later whether those from before are dead. To be called before `startFence`. Safe to repeat. `held`:
   *  false: nothing answers in time. It is gone with the worker, and then nobody can say. */
  holdWitness(input: Fencing & { address: Pick<InstanceAddress, 'host' | 'port'> }): Promise<{ readonly held: boolean }>
  /** Tries to come in, asks the witness, and judges by `said`, which is to be asked right before. Changes nothing. */
  judgeFence(
    input: Fencing & { address: Pick<InstanceAddress, 'host' | 'port'>; said: FenceState; ordered: OrderedFence },
  ): Promise<CloudFenceProof>
  /** Safe to repeat, and where none is held. */
  releaseWitness(input: Fencing): Promise<void>
}

/** On the control plane's queue. */
export interface KeepFencedActivities {
  /** The row of the ledger, before any cloud is asked: its workers may be away with it. Safe to repeat. Fails with FENCE_LIFTED as `startFence` does. */
  openFence(input: Fencing & { requestedBy: string; reason: string }): Promise<void>
  /** Puts the schedule that looks every `everyMs` and closes once more what came open, until the instance is gone or the fence is lifted. Safe to repeat. */
  keepFenced(input: Fencing & { everyMs: number; heartbeatTimeoutMs: number }): Promise<void>
  /** Safe to repeat, and where there is none. */
  endKeeping(input: Fencing): Promise<void>
}
