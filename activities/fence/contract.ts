import type {
  FencePlanSummary,
  FenceProofSummary,
  FenceTarget,
  LoweredFenceSummary,
  LowerFenceInput,
  RaisedFenceSummary,
} from '../../contracts/fence'

/** On the queue of those that serve databases; as the fleet file's `connections.admin`, and for the proof as its migrator too. */
export interface FenceActivities {
  /** What raising would close, end and be kept from. `lock`: the one that is held, or null. Changes nothing in the instance. */
  planFence(input: FenceTarget & { lock: { readonly scope: string; readonly epoch: number } | null }): Promise<FencePlanSummary>
  /** Closes the databases to new connections, and ends every session in them. What it changes is in the ledger before it changes. Safe to
   *  repeat. Fails with FENCE_REFUSED, naming what is in the way: then what was closed stays closed until `lowerFence`, which is to be
   *  registered as the undo before. FENCED_OFF for an attempt that was overtaken. */
  raiseFence(input: FenceTarget & { epoch: number }): Promise<RaisedFenceSummary>
  /** Proves that nobody is left inside and that nobody comes in, and how far the log goes. Fails with FENCE_NOT_PROVEN. Safe to repeat. */
  proveFenced(input: FenceTarget & { epoch: number }): Promise<FenceProofSummary>
  /** Opens exactly what raising closed. Safe to repeat, and where the fence was raised by half or never. FENCED_OFF for an attempt that was
   *  overtaken, PLAN_DRIFTED where the operation has begun to overwrite the instance. */
  lowerFence(input: LowerFenceInput): Promise<LoweredFenceSummary>
}
