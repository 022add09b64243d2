/** What every kind of endpoint can do. */
import type { HostPort, PauseFacts } from '../../contracts/endpoint'
import { type Failure, failure } from '../../contracts/failures'
import type { OperationId } from '../../contracts/operation'

export interface EndpointMove {
  readonly from: HostPort
  readonly to: HostPort
  readonly operation: OperationId
  /** `back`: as an undo. */
  readonly direction: 'forward' | 'back'
}

/** Fails with ENDPOINT_UNREACHABLE where it may succeed later, ENDPOINT_REFUSED where it will not. */
export interface EndpointPort {
  whereTo(operation: OperationId): Promise<HostPort>
  /** Of a kind that knows beforehand: fails with ENDPOINT_REFUSED where a move would be refused. `next`: where it is to lead, if that is known yet.
   *  Changes nothing. */
  assertMovable?(next: HostPort | null): Promise<void>
  /** Safe to repeat. Moves nothing that does not lead to `from`, as far as the kind can tell in one act with the move. One with several parts goes as far
   *  as it can, and fails naming the rest. */
  move(move: EndpointMove): Promise<void>
  /** What a move will cost clients although nothing goes wrong, a sentence each. Changes nothing. */
  warnings?(): Promise<readonly string[]>
  /** Of a kind whose clients follow late, once this attempt or one of before has moved it: a clause that says how late. */
  remark?(): string | null
  /** What an attempt of before may still be about to do it does no more, once this has ended: asked before anybody looks where it leads. */
  settle?(): Promise<void>
  /** Of a kind with several parts: where each of them leads, what is written down and not in force yet among them, so that a move which ended
   *  half way is seen, and finished or taken back. `whereTo` fails with ENDPOINT_DRIFTED where they differ. */
  places?(operation: OperationId): Promise<Places>
  /** Of a kind that lets clients wait instead of failing. */
  readonly pausing?: Pausing
}

export interface Places {
  readonly at: readonly HostPort[]
  /** Of the parts that did not say: they keep nobody else where it is. */
  readonly silent: Failure | null
}

export interface Pausing {
  /** All or nothing, when its attempt was aborted or overtaken too: when it fails nothing is paused any more, or the failure names what still is. Safe to
   *  repeat. Fails with ENDPOINT_REFUSED when work that has begun does not end within `withinMs`, and names whose it is. */
  pause(withinMs: number): Promise<void>
  /** The undo of a pause. Safe to repeat, and where nothing is paused: resolves to whether anything was. `leadingTo`: of those alone that lead there. */
  resume(leadingTo?: HostPort): Promise<boolean>
  facts(): Promise<Omit<PauseFacts, 'kind'>>
}

/** Somebody else has moved it. */
export function drifted(at: HostPort, { from, to }: Pick<EndpointMove, 'from' | 'to'>): Failure {
  return failure(
    'ENDPOINT_DRIFTED',
    `The endpoint leads to ${shownPlace(at)}, neither to ${shownPlace(from)} nor to ${shownPlace(to)}: somebody else moved it. Find out who, then plan again.`,
    { at: shownPlace(at), from: shownPlace(from), to: shownPlace(to) },
  )
}

/** `10.0.0.1:5432`, `[fd00::1]:5432` */
export function shownPlace({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Null: the text is no host with its port. */
export function parsePlace(text: string): HostPort | null {
  const [, bracketed, plain, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([\p{L}\p{N}._-]+)):([0-9]{1,5})$/u.exec(text.trim()) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  return host === undefined || port < 1 || port > 65_535 ? null : { host, port }
}
