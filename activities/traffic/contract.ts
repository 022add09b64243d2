import type {
  EndpointState,
  HostPort,
  MovedEndpoint,
  PausedEndpoint,
  PauseFacts,
  ResumedEndpoint,
} from '../../contracts/endpoint'
import type { StepRef } from '../../contracts/step-ref'
import type { Switching } from '../../contracts/switchover'

/** On the queue that `endpointQueue` names: of those that serve databases, whose network leads out, or of the cloud that keeps the zone of a name. The fleet
 *  file's `endpoint` of the bundle's database. */
export interface TrafficActivities {
  /** Where the endpoint leads now. Changes nothing. `next`: where it is to lead later. `onlyLook`: whether it could be moved is not asked, which of a name in a DNS is a change
   *  that its zone has to refuse. Else fails with ENDPOINT_UNREACHABLE, and with ENDPOINT_REFUSED where
   *  it is known by now that it could not be moved, or not there. */
  whereTo(input: StepRef & { next?: HostPort; onlyLook?: true }): Promise<EndpointState>
  /** Moves it from the one to the other. Safe to repeat: one that leads to `to` already is left alone. Fails with ENDPOINT_DRIFTED, without a
   *  change, when it leads to neither; `stands`: of a switchover, with FENCED_OFF where this attempt comes late and somebody has begun since; with ENDPOINT_UNREACHABLE when some of its parts do not answer, after it has moved whoever does. Without an endpoint in the fleet file it resolves to `by-hand` and what a person has to do. */
  moveEndpoint(input: StepRef & { from: HostPort; to: HostPort; stands?: Switching }): Promise<MovedEndpoint>
  /** The undo of a `moveEndpoint` with the same addresses: back from `to` to `from`. Safe to repeat, and where it never moved. */
  moveBack(input: StepRef & { from: HostPort; to: HostPort }): Promise<MovedEndpoint>
  /** What stands against a pause, and who is paused now. Changes nothing. Of a kind that can be paused, fails as `whereTo` does where a move would be refused. Asked once more before a move that relies on a pause: a pooler that was started
   *  anew comes up without one, and a late undo of an attempt before may have lifted it. */
  pauseFacts(input: StepRef): Promise<PauseFacts>
  /** Lets clients wait from here on, once the transactions have ended that are under way; `resumeEndpoint` is its undo, to be registered before.
   *  Safe to repeat. All or nothing, when it is aborted or overtaken too: fails with ENDPOINT_REFUSED, and nothing paused, when they do not end within `withinMs`. An endpoint that
   *  cannot be paused resolves to `nothing-to-pause`. */
  pauseEndpoint(input: StepRef & { withinMs: number }): Promise<PausedEndpoint>
  /** Clients go on. Safe to repeat, and where nothing was paused. Fails with ENDPOINT_UNREACHABLE when it does not reach all, after it has let go on whom
   *  it reached. `leadingTo`: only those whose pooler leads there; the others wait on. */
  resumeEndpoint(input: StepRef & { leadingTo?: HostPort }): Promise<ResumedEndpoint>
}
