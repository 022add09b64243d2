/** A simulated cloud driven through its vendor's SDK, in words that are the same for all three, for tests and benches that ask the
 *  same of each. The lab behind it may be killed and come back: nothing is remembered but what the cloud can be asked about. */
import type { ClientConfig } from 'pg'
import type { LabProcess } from '../process'

export type Rest = 'ready' | 'stopped' | 'failed'

/** Verbs resolve when the cloud has accepted them; what they began is waited for by `rested`. No call is repeated by itself, so that one
 *  whose connection broke is known to be one of which nobody knows. */
export interface DrivenCloud {
  readonly name: 'aws' | 'azure' | 'gcp'
  /** Keeps backups, can be restored to a moment, and lets in `<block>.2` alone. */
  create(id: string): Promise<void>
  /** Left out: the cloud has no instance without them. */
  createWithoutBackups?(id: string): Promise<void>
  changePassword(id: string, password: string): Promise<void>
  restart(id: string): Promise<void>
  stop(id: string): Promise<void>
  start(id: string): Promise<void>
  remove(id: string): Promise<void>
  backUp(id: string, backup: string): Promise<void>
  removeBackup(id: string, backup: string): Promise<void>
  hasBackup(id: string, backup: string): Promise<boolean>
  /** As it was when `backup` of `source` was taken. Google's goes over an instance that is there, and Azure's to the moment when it ended. */
  restore(id: string, source: string, backup: string): Promise<void>
  /** Resolves once it can be restored to a moment that has passed. */
  reaches(id: string, at: Date): Promise<void>
  restoreToTime(id: string, source: string, at: Date): Promise<void>
  replicate(id: string, source: string): Promise<void>
  promote(id: string): Promise<void>
  /** Left out: a promotion makes none there. */
  promoteWithoutBackups?(id: string): Promise<void>
  /** Once nothing is under way for it; undefined when there is no such instance (any more). */
  rested(id: string): Promise<Rest | undefined>
  /** Lets in the tests' address, where a new instance does not. */
  letIn(id: string): Promise<void>
  describe(id: string): Promise<unknown>
  list(): Promise<unknown>
  /** Where it is, and how its master logs in. */
  login(id: string, password?: string): Promise<ClientConfig>
}

/** What a driver is told of the lab of now. */
export interface LabOfNow {
  readonly block: string
  readonly stateDir: string
  readonly ready: LabProcess['ready']
}

export const PASSWORD = 'Correct-Horse-7'
