/** What a zone of a DNS can do for us: say where a name leads, and lead it elsewhere as one conditional act. docs/decisions/0034. A record has one value,
 *  and answers everybody alike; what is kept otherwise (several values, aliases, weights, policies) is refused, since only its owner knows what moving it means. */
import type { CallOptions, ChangeOptions } from './port'

export interface Target {
  /** `A` for an address of four numbers, `CNAME` for a name. */
  readonly type: 'A' | 'CNAME'
  /** In lower case, without the root's dot. */
  readonly value: string
}

export interface NameRecord extends Target {
  readonly ttlSeconds: number
  /** Differs with every change, where the zone's service keeps such a thing; null: it compares the record itself. */
  readonly version: string | null
  /** Types of what else the name has: nothing can be beside a `CNAME`. */
  readonly beside: readonly string[]
}

export interface RecordChange {
  /** As `dnsName` gives it, like every name here. */
  readonly name: string
  readonly from: NameRecord
  readonly to: Target
  readonly ttlSeconds: number
}

/** `pending`: what to ask whether every server of the zone knows of it; null: the service does not say. Not changed, nothing was done: as a rule since the record
 *  was no longer `from`, and `why` has the service's own words. */
export type Changed =
  | { readonly changed: true; readonly pending: string | null }
  | { readonly changed: false; readonly why: string }

/** Failures are those of clouds; ENDPOINT_REFUSED for a name without a record that can be moved. */
export interface DnsZonePort {
  /** Whether an `A` can take the place of a `CNAME`, or the other way round, in one act. */
  readonly exchangesTypes: boolean
  /** As the zone's own API has it, which is not what resolvers remember. */
  lookUp(name: string, options: CallOptions): Promise<NameRecord>
  /** Leads it elsewhere if it still is `from`. A failure to hear the answer says nothing of what was done: look. */
  change(change: RecordChange, options: ChangeOptions): Promise<Changed>
  /** Whether all of the zone's servers answer by it. */
  isPublished(pending: string, options: CallOptions): Promise<boolean>
  /** That `change` would be allowed, as far as its service says so without one: it is asked for a change whose condition cannot hold. Fails as the change
   *  would. */
  proveChangeable(name: string, record: NameRecord, options: ChangeOptions): Promise<void>
}

/** Of the record's own type, since a right may be for one type alone, and what it is not: a name that nobody can register (RFC 2606), or an address of
 *  documentation (RFC 5737). */
export function nowhere({ type, value }: Target): Target {
  if (type === 'CNAME') return { type, value: 'capstan-asks-whether-it-may.invalid' }
  return { type, value: value === '192.0.2.1' ? '192.0.2.2' : '192.0.2.1' }
}
