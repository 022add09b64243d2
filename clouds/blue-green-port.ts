/** A cloud that makes a changed copy of an instance, has it follow, and puts it in the instance's place, under its name and address. Calls only start things, as in
 *  `port.ts`; nothing of it is a client's token, so that a deployment is found by its name and its tags. */
import type { GreenWanted } from '../contracts/upgrade'
import type { CallOptions, ChangeOptions, InstanceRef, Owner } from './call'

/** `ready`: it can be switched over; `stayed`: a switchover came to nothing; `broken`: it will never be one. */
export type DeploymentState = 'making' | 'ready' | 'switching' | 'switched' | 'stayed' | 'broken' | 'removing'

export interface Deployment {
  readonly id: string
  readonly state: DeploymentState
  /** The cloud's own word for the state, and what it says of it. */
  readonly cloudState: string
  /** Of making it, as `1 of 3: CREATING_READ_REPLICA_OF_SOURCE`; empty where the cloud names no steps. */
  readonly progress: string
  /** By what they are called now; null: not known yet, or gone. */
  readonly blue: string | null
  readonly green: string | null
  /** All copies that there are by now, those of read replicas too, by name. Once it has switched over: what bears blue's names. */
  readonly greens: readonly string[]
}

/** A deployment by its name, and whose it has to be. */
export interface OwnDeployment {
  readonly name: string
  readonly owner: Owner
}

export interface BlueGreen {
  /** The vendor's name of it. */
  readonly called: string
  /** What stands in the way, each a sentence with what to do; and how a person has it done, as command lines. Fails with INSTANCE_NOT_FOUND, TARGET_MISMATCH. */
  obstacles(
    input: { readonly source: InstanceRef; readonly wanted: GreenWanted },
    options: CallOptions,
  ): Promise<{ readonly obstacles: readonly string[]; readonly byHand: readonly string[] }>
  /** Null: there is none of that name. Fails with RESOURCE_NOT_OURS. */
  describe(input: OwnDeployment, options: CallOptions): Promise<Deployment | null>
  /** What a copy has not of what was asked for, by the cloud's own description of it, each a sentence. NOT_READY_YET while that is still being applied. Fails with
   *  INSTANCE_NOT_FOUND, TARGET_MISMATCH. */
  lacking(
    input: { readonly green: InstanceRef; readonly wanted: Omit<GreenWanted, 'engineVersion'> },
    options: CallOptions,
  ): Promise<readonly string[]>
  /** Safe to repeat: adopts the deployment already named so by the same operation and step. */
  start(
    input: OwnDeployment & { readonly source: InstanceRef; readonly wanted: GreenWanted },
    options: ChangeOptions,
  ): Promise<void>
  /** Safe to repeat: adopts a switchover that goes on, and one that took place. One that came to nothing is begun anew. The cloud takes it back by itself where it is
   *  not done in time. CLOUD_REFUSED where the deployment is broken, or gone. */
  startSwitchover(input: OwnDeployment & { readonly secondsMax: number }, options: ChangeOptions): Promise<void>
  /** Safe to repeat: none of that name is a success. `withGreen`: the copies go with it, protected or not; refused once they have taken over. NOT_READY_YET between the calls that it takes, and
   *  while it is being switched over. */
  startRemoval(input: OwnDeployment & { readonly withGreen: boolean }, options: ChangeOptions): Promise<void>
}
