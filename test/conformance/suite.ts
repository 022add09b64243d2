/** What the suite's parts share: an open cloud with an instance in it, and what is asked of it again and again. */
import type { InstanceDescription, InstanceRef, NewInstance } from '../../clouds/port'
import type { CloudUnderTest, OpenCloud, Row } from './cloud-under-test'
import { owned } from './support'

export const PASSWORD = 'Correct-Horse-7-battery'

export interface Suite extends OpenCloud {
  readonly under: CloudUnderTest
  /** The instance `conf-shop`, which stays. */
  readonly shop: InstanceDescription
  newInstance(name: string, more?: Partial<NewInstance>): NewInstance
  /** Resolves with its description once it can be used. */
  ready(name: string): Promise<InstanceDescription>
  /** Whether a connection is let in now. */
  admits(name: string): Promise<boolean>
  /** Resolves once nothing of that name is listed. */
  gone(name: string): Promise<void>
  letIn(instance: InstanceRef, networkRules: readonly string[]): Promise<void>
  ref(name: string): Promise<InstanceRef>
  ask(name: string, sql: string, password?: string): Promise<Row[]>
  eventually<T>(look: () => Promise<T | undefined>): Promise<T>
  /** Repeats what passes by itself. */
  retried<T>(act: () => Promise<T>): Promise<T>
}

export const CREATOR = owned('conformance', 'make').owner

/** Where something can be made to go wrong: the tests, registered; on a real account nothing. */
export function withFaults(suite: Suite, register: (wire: NonNullable<CloudUnderTest['wire']>) => void): void {
  if (suite.under.wire !== null) register(suite.under.wire)
}
