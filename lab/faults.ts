/** Faults that a caller ordered: what goes wrong, for which action, how often. They belong to the lab, so that whatever a
 *  test shows can be shown again by hand. */

export const FAULT_KINDS = ['drop-response'] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

export interface Fault {
  cloud: string
  /** As the cloud's API names it, for instance 'CreateDBSnapshot'. */
  action: string
  /** `drop-response`: act, then close the connection without an answer. A call that is refused is not struck. */
  kind: FaultKind
  /** How many more calls it strikes. */
  times: number
}

/** Uses up one strike of a fault. True when the call is struck; the caller saves the state. */
export function takeFault(faults: Fault[], call: Pick<Fault, 'cloud' | 'action' | 'kind'>): boolean {
  const index = faults.findIndex(
    (fault) => fault.cloud === call.cloud && fault.action === call.action && fault.kind === call.kind && fault.times > 0,
  )
  const fault = faults[index]
  if (!fault) return false
  fault.times -= 1
  if (fault.times === 0) faults.splice(index, 1)
  return true
}
