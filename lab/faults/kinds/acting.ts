/** What a kind of fault does, in words that every simulated cloud shares. A kind is one file beside this one and one entry of table.ts;
 *  each hook that it has is called at its own moment of a call's life. What a cloud says of it in its own words is its `Wording`. */
import type { Past } from '../../past'
import type { Part } from '../../postgres/damage'
import type { Fault } from '../fault'
import type { FaultKind } from '../kind'

export interface PlainKind extends FaultKind {
  /** The operation does not begin while the fault stands. */
  readonly holds?: true
  /** Before the operation acts: the error that is answered instead, or nothing, and it acts. */
  readonly before?: (fault: Fault) => Error | undefined
  /** Whether an instance that says it can take a change refuses one. */
  readonly keepsBusy?: (fault: Fault, instance: Rested, now: number) => boolean
  /** What the operation promises will not come to pass. */
  readonly failsPromise?: true
  /** It acts, but the answer does not get through. */
  readonly dropsAnswer?: true
  /** It acts, and then arrives once more. */
  readonly arrivesAgain?: true
  /** What is done to an instance. */
  readonly effect?: InstanceEffect
}

export interface ActingKind<State> extends PlainKind {
  /** The state that a question is answered from. */
  readonly sees?: (fault: Fault, now: { state: State; past: Past<State> }) => State
}

/** An instance that remembers when it last became able to take changes. */
export interface Rested {
  readonly availableAt?: string
}

export interface InstanceEffect {
  begin(patient: Patient, settings: Fault['settings']): Promise<void>
  /** Repeated as long as it lasts. */
  hold?(patient: Patient): Promise<void>
  /** Absent: over as soon as it has begun. */
  end?(patient: Patient): Promise<void>
}

/** For an archive to be brought up to now, before a part of it is lost. */
export const LOG_TIMEOUT_MS = 30_000

/** What was ordered cannot be done to the instance as it is. */
export class NothingDone extends Error {
  override readonly name = 'NothingDone'
}

/** What can be done to an instance; its cloud says how. */
export interface Patient {
  crash(): Promise<void>
  freeze(): void
  thaw(): void
  isFrozen(): boolean
  /** Network rules and settings as they should be now, with what faults make of them. */
  configure(): Promise<void>
  endSessions(): Promise<void>
  /** Its disk is full, as of now: what the cloud makes of that. */
  fillDisk(): Promise<void>
  /** There is room again. */
  freeDisk(): Promise<void>
  /** Something in its stored backups goes bad. @throws NothingDamaged. */
  damageBackups(part: Part): Promise<void>
  /** One that is stopped is started, as its cloud does for maintenance. @throws NothingDone. */
  startUnasked(): Promise<void>
  /** Its server goes if it is stopped, or is to be. */
  stopAtLast(): Promise<void>
  /** A part of its archived log is gone. @throws NothingDamaged. */
  loseLog(): Promise<void>
  /** Of its log; undefined when it keeps none. */
  archive(): string | undefined
}

/** What a cloud says in its own words. */
export interface Wording {
  /** `says`: one line for people. */
  readonly throttled: { readonly says: string; error(): Error }
  readonly errors: { readonly codes: readonly string[]; readonly otherwise: string; make(code: string, message: string): Error }
  /** Operations that an instance refuses in its busy tail. */
  readonly busy: { readonly says: string; readonly operations: readonly string[] }
  readonly questions: readonly string[]
  /** Operations whose end comes later than their answer. */
  readonly promises: readonly string[]
  /** What happens to an instance whose disk is full. */
  readonly full: string
}

/** Of a kind that strikes instances. */
export const INSTANCES = { strikes: 'instances', operations: null, times: 1, takesDelay: true, settings: {} } as const

/** Of a kind that strikes calls. */
export const CALLS = { strikes: 'calls', operations: null, times: 1, takesDelay: true, settings: {} } as const
