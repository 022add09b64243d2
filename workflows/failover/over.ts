/** What the parts of a failover hand to each other. */
import type { HostPort } from '../../contracts/endpoint'
import type { FailoverEndpoint, FailoverFence, FailoverInput, FailoverPlanSummary, Probed } from '../../contracts/failover'
import type { StepName } from '../../contracts/operation'
import type { StandbySides } from '../../contracts/replicate'
import type { StepRef } from '../../contracts/step-ref'
import type { Run } from '../kit/run'
import type { failoverActivities } from './activities'

export interface FailingOver {
  readonly run: Run
  readonly input: FailoverInput
  readonly act: ReturnType<typeof failoverActivities>
  readonly ref: (step: StepName) => StepRef
  /** Of the locks; 0: none is held. */
  readonly locked: { readonly source: number; readonly standby: number }
  /** What was begun and holds up nobody: waited for at the end. None of it rejects. */
  readonly left: Promise<unknown>[]
}

interface Found {
  readonly sides: StandbySides
  readonly probed: Probed
}

export interface Asked extends Found {
  /** Asked while the source was probed, and perhaps on its way still. */
  readonly endpoint: Promise<PromiseSettledResult<FailoverEndpoint>>
}

/** Of a standby that has all that comes. `stated`: what may be lost by now, where nobody but an allowance has agreed to it; null: somebody has, or nothing is lost. */
export interface Drained {
  readonly summary: string
  readonly fenced: FailoverFence
  readonly stated: FailoverPlanSummary | null
}

export interface Planned extends FailoverPlanSummary, Found {
  readonly endpointAt: HostPort | null
}
