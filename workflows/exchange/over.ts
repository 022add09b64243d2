/** What the parts of an exchange hand to each other. */
import type { HostPort } from '../../contracts/endpoint'
import type { ExchangeInput, ExchangePlanSummary, ExchangeSides } from '../../contracts/exchange'
import type { StepName } from '../../contracts/operation'
import type { StepRef } from '../../contracts/step-ref'
import type { Run } from '../kit/run'
import type { exchangeActivities } from './activities'

export interface Exchanging {
  readonly run: Run
  readonly input: ExchangeInput
  readonly act: ReturnType<typeof exchangeActivities>
  readonly ref: (step: StepName) => StepRef
  /** Of the locks; 0: none is held. */
  readonly locked: { readonly source: number; readonly standby: number }
}

export interface Planned extends ExchangePlanSummary {
  readonly sides: ExchangeSides
  readonly endpointAt: HostPort | null
}

/** The new writer, once it is one. */
export function writesAt({ standby }: ExchangeSides): HostPort {
  const { host, port } = standby.afterwards ?? standby
  return { host, port }
}
