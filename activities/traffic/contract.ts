import type { EndpointState, HostPort, MovedEndpoint } from '../../contracts/endpoint'
import type { StepRef } from '../../contracts/step-ref'

/** On the queue of those that serve databases, whose network leads out: the fleet file's `endpoint` of the bundle's database. */
export interface TrafficActivities {
  /** Where the endpoint leads now. Changes nothing. Fails with ENDPOINT_UNREACHABLE, ENDPOINT_REFUSED. */
  whereTo(input: StepRef): Promise<EndpointState>
  /** Moves it from the one to the other. Safe to repeat: one that leads to `to` already is left alone. Fails with ENDPOINT_DRIFTED, without a
   *  change, when it leads to neither. Without an endpoint in the fleet file it resolves to `by-hand` and what a person has to do. */
  moveEndpoint(input: StepRef & { from: HostPort; to: HostPort }): Promise<MovedEndpoint>
  /** The undo of a `moveEndpoint` with the same addresses: back from `to` to `from`. Safe to repeat, and where it never moved. */
  moveBack(input: StepRef & { from: HostPort; to: HostPort }): Promise<MovedEndpoint>
}
