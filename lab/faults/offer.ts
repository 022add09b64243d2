/** What may be ordered of which simulated cloud, and whom an order means. A cloud that an order does not name is told by what it does name:
 *  an operation, an account or an instance that only one of them has. Otherwise it means all of them. */
import type { Fault } from './fault'
import type { FaultKind } from './kind'
import { choice, FaultRefusal, type Order, wrong } from './order-fields'

/** What may be ordered in one cloud. */
export interface FaultOffer {
  readonly cloud: string
  readonly account: string
  readonly kinds: Readonly<Record<string, FaultKind>>
  readonly operations: readonly string[]
  /** Those of now. */
  instances(): readonly StrikeableInstance[]
}

export interface StrikeableInstance {
  readonly id: string
  readonly region: string
  /** Its key in the cloud's state. */
  readonly target: string
}

/** The offers that an order can mean; never none. @throws FaultRefusal. */
export function offersMeant(order: Order, offers: readonly FaultOffer[]): readonly FaultOffer[] {
  const cloud = choice(
    order,
    'cloud',
    offers.map((offer) => offer.cloud),
  )
  if (cloud !== undefined) return offers.filter((offer) => offer.cloud === cloud)
  const known = { operation: (offer: FaultOffer) => offer.operations, account: (offer: FaultOffer) => [offer.account] }
  let meant = offers
  for (const [field, namesOf] of Object.entries(known)) {
    const name = choice(order, field, meant.flatMap(namesOf))
    if (name !== undefined) meant = meant.filter((offer) => namesOf(offer).includes(name))
  }
  const { instance } = order
  const having = meant.filter((offer) => typeof instance === 'string' && named(offer, instance).length > 0)
  return having.length > 0 ? having : meant
}

/** Whether it waits for no call. */
export function beginsAtOnce({ kind, operation }: Fault, { kinds }: FaultOffer): boolean {
  return kinds[kind]?.strikes === 'instances' && operation === null
}

/** The instance that an order for one means, and whose it is. @throws FaultRefusal. */
export function instanceStruck(fault: Fault, offers: readonly FaultOffer[]): StrikeableInstance & { cloud: string } {
  const { cloud, instance, region } = fault
  const asked = offers.filter((offer) => cloud === null || offer.cloud === cloud)
  const found = asked.flatMap((offer) =>
    named(offer, instance ?? '')
      .filter((one) => region === null || one.region === region)
      .map((one) => ({ ...one, cloud: offer.cloud })),
  )
  const [first, another] = found
  if (first && another) {
    const field = first.cloud === another.cloud ? 'region' : 'cloud'
    const places = found.map((one) => one[field]).join(', ')
    throw new FaultRefusal(field, `${field} is missing; ${instance} is the name of an instance in each of: ${places}.`)
  }
  if (first) return first
  const known = asked.flatMap((offer) => offer.instances()).map(({ id }) => id)
  const there = known.length === 0 ? 'there is none' : `there are: ${known.join(', ')}`
  throw new FaultRefusal('instance', `instance is "${instance}", which is not in this lab; ${there}.`)
}

/** @throws FaultRefusal unless some of the offers have it. */
export function kindMeant(order: Order, offers: readonly FaultOffer[]): string {
  const names = [...new Set(offers.flatMap(({ kinds }) => Object.keys(kinds)))]
  const name = choice(order, 'kind', names)
  if (name === undefined) throw wrong('kind', order.kind, `one of: ${names.join(', ')}`)
  return name
}

function named(offer: FaultOffer, instance: string): readonly StrikeableInstance[] {
  return offer.instances().filter(({ id }) => id === instance.toLowerCase())
}
