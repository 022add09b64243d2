/** What applications connect to, and where it leads. How it is moved: activities/traffic/. */

export interface HostPort {
  readonly host: string
  readonly port: number
}

/** Names are the same however they are written: case, and the dot of the root. */
export function samePlace(one: HostPort, other: HostPort): boolean {
  return nameOf(one.host) === nameOf(other.host) && one.port === other.port
}

function nameOf(host: string): string {
  return host.toLowerCase().replace(/\.$/, '')
}

/** Of a database of the fleet file. `none`: nobody but a person can move it. `command`: the worker runs a program of its own folder, named by
 *  its file name. `lab-router`: a name of the lab's router. */
export type Endpoint =
  | { readonly kind: 'none' }
  | { readonly kind: 'command'; readonly move: readonly string[]; readonly check: readonly string[]; readonly timeoutMs: number }
  | { readonly kind: 'lab-router'; readonly name: string }

/** Where it leads now. `at` null: nobody can be asked. */
export interface EndpointState {
  readonly kind: Endpoint['kind']
  readonly at: HostPort | null
  /** One line for people. */
  readonly summary: string
}

/** `by-hand`: nothing was moved; `summary` says what a person has to do. */
export interface MovedEndpoint {
  readonly moved: 'moved' | 'already-there' | 'by-hand'
  readonly summary: string
}
