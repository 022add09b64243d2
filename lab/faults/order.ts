/** An order for a fault → the fault, or one sentence that names the field and says what would be right. Nothing is guessed: an
 *  unknown field is refused as a misspelt one would be. */
import { parseDuration } from '../duration'
import type { Fault, SettingValue } from './fault'
import type { FaultKind } from './kind'
import { type FaultOffer, kindMeant, offersMeant } from './offer'
import { choice, FaultRefusal, identifierOf, number, type Order, wrong } from './order-fields'

const EXPIRES_AFTER_MS = 3_600_000
const LASTS_MS = 10_000
const COMMON = [
  'id',
  'kind',
  'cloud',
  'operation',
  'instance',
  'resource',
  'account',
  'region',
  'times',
  'probability',
  'for',
  'until',
  'delay',
  'seed',
] as const

/** @throws FaultRefusal. */
export function parseOrder(body: unknown, offers: readonly FaultOffer[], context: { now: number; id: string }): Fault {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new FaultRefusal(
      'kind',
      'A fault is a JSON object, for instance {"kind": "throttle", "operation": "CreateDBSnapshot"}.',
    )
  }
  const order = body as Order
  const meant = offersMeant(order, offers)
  const name = kindMeant(order, meant)
  const parsed = parseForAny(order, name, meant, context)
  const [fault, ...others] = parsed
  if (!fault) throw new Error('There is no cloud to order a fault in.')
  if (others.length === 0) return fault
  // one fault cannot mean another thing in each cloud
  if (others.some((other) => JSON.stringify({ ...other, cloud: fault.cloud }) !== JSON.stringify(fault))) {
    throw wrong('cloud', undefined, `one of: ${meant.map(({ cloud }) => cloud).join(', ')}`)
  }
  return { ...fault, cloud: null }
}

/** In the clouds that can be told so: an error that only one of them has means that one. @throws FaultRefusal when none can. */
function parseForAny(order: Order, name: string, meant: readonly FaultOffer[], context: { now: number; id: string }): Fault[] {
  const faults: Fault[] = []
  let refusal: unknown
  for (const offer of meant) {
    try {
      faults.push(parseFor(order, name, offer, context))
    } catch (error) {
      if (!(error instanceof FaultRefusal)) throw error
      refusal ??= error
    }
  }
  if (faults.length === 0) throw refusal
  return faults
}

function parseFor(order: Order, name: string, offer: FaultOffer, context: { now: number; id: string }): Fault {
  const kind = offer.kinds[name]
  if (!kind) throw new FaultRefusal('kind', `kind is "${name}", which ${offer.cloud} does not have.`)
  refuseUnknown(order, name, kind)
  const times = timesOf(order, kind)
  const probability = number(order, 'probability', 1, 'a number above 0 and up to 1', (value) => value > 0 && value <= 1)
  const delayMs = delayOf(order, name, kind)
  const expiresMs = expiry(order, context.now)
  return {
    id: identifierOf(order, 'id') ?? context.id,
    kind: name,
    cloud: offer.cloud,
    operation: operationOf(order, name, kind, offer),
    instance: instanceOf(order, name, kind),
    resource: identifierOf(order, 'resource')?.toLowerCase() ?? null,
    account: choice(order, 'account', [offer.account]) ?? null,
    region: regionOf(order),
    times: times ?? (probability < 1 || order.probability === 1 ? null : kind.times),
    probability,
    delayMs,
    seed: number(
      order,
      'seed',
      1,
      'a whole number from 0 to 4294967295',
      (value) => Number.isInteger(value) && value >>> 0 === value,
    ),
    orderedAt: new Date(context.now).toISOString(),
    expiresAt: new Date(expiresMs).toISOString(),
    settings: { ...settingsOf(order, kind), ...lastsOf(order, kind, expiresMs - context.now) },
    seen: 0,
    struck: 0,
    effects: [],
  }
}

/** What a fault of the network between clouds may be told beside its own. */
const OF_LINKS: readonly string[] = ['id', 'kind', 'for', 'until']
const OF_PROMOTIONS: readonly string[] = [...OF_LINKS, 'instance', 'cloud', 'times', 'probability', 'seed', 'delay']

function refuseUnknown(order: Order, name: string, kind: FaultKind): void {
  if (kind.strikes === 'links' && process.platform !== 'linux') {
    throw new FaultRefusal('kind', `kind is "${name}", which needs Linux: elsewhere the lab cannot see who is connected to whom.`)
  }
  const common = kind.strikes === 'links' ? OF_LINKS : kind.strikes === 'promotions' ? OF_PROMOTIONS : COMMON
  const known = [...common, ...(kind.lasts ? ['lasts'] : []), ...Object.keys(kind.settings)]
  const unknown = Object.keys(order).find((field) => !known.includes(field))
  if (unknown === undefined) return
  throw new FaultRefusal(unknown, `${unknown} is no field of a ${name} fault; there are: ${known.join(', ')}.`)
}

function operationOf(order: Order, name: string, kind: FaultKind, offer: FaultOffer): string | null {
  if (order.operation === undefined) return null
  const operation = choice(order, 'operation', offer.operations)
  if (operation === undefined) return null
  if (kind.operations === null || kind.operations.includes(operation)) return operation
  throw wrong('operation', operation, `one that ${name} can strike: ${kind.operations.join(', ')}`)
}

function instanceOf(order: Order, name: string, kind: FaultKind): string | null {
  const instance = identifierOf(order, 'instance')?.toLowerCase() ?? null
  const needed = kind.strikes === 'promotions' || (kind.strikes === 'instances' && order.operation === undefined)
  if (instance === null && needed) {
    const unless = kind.strikes === 'instances' ? ', unless an operation is named' : ''
    throw wrong('instance', undefined, `the identifier of the instance that ${name} strikes${unless}`)
  }
  return instance
}

function timesOf(order: Order, kind: FaultKind): number | undefined {
  if (kind.strikes === 'instances' && order.operation === undefined) return 1
  if (order.times === undefined) return undefined
  return number(order, 'times', 1, 'a whole number, 1 or more', (value) => Number.isSafeInteger(value) && value >= 1)
}

function delayOf(order: Order, name: string, kind: FaultKind): number {
  if (order.delay === undefined) return 0
  const delayMs = parseDuration(order.delay)
  if (delayMs === undefined) throw wrong('delay', order.delay, 'a time, such as 500ms or 5s')
  if (!kind.takesDelay) throw new FaultRefusal('delay', `delay is given, but a ${name} fault takes none.`)
  return delayMs
}

/** When it ends by itself: every fault does, so that a forgotten one does not puzzle anybody tomorrow. */
function expiry(order: Order, now: number): number {
  if (order.for !== undefined && order.until !== undefined) {
    throw new FaultRefusal('until', 'for and until are both given; leave one of them out.')
  }
  if (order.until !== undefined) {
    const at = typeof order.until === 'string' && /^\d{4}-\d\d-\d\dT/.test(order.until) ? Date.parse(order.until) : Number.NaN
    if (Number.isNaN(at)) throw wrong('until', order.until, 'a time with its date, such as 2027-01-31T12:00:00Z')
    if (at <= now) throw wrong('until', order.until, `later than now, which is ${new Date(now).toISOString()}`)
    return at
  }
  if (order.for === undefined) return now + EXPIRES_AFTER_MS
  const ms = parseDuration(order.for)
  if (!ms) throw wrong('for', order.for, 'a time above 0, such as 30s, 10m or 1h')
  return now + ms
}

/** How long what it does to an instance lasts: as told; else, when it begins at once, as long as the fault itself is to stand. */
function lastsOf(order: Order, kind: FaultKind, standsMs: number): { lasts?: number } {
  if (!kind.lasts) return {}
  const lasts = parseDuration(order.lasts)
  if (order.lasts !== undefined && !lasts) throw wrong('lasts', order.lasts, 'a time above 0, such as 500ms, 5s or 10m')
  const bounded = order.operation === undefined && (order.for !== undefined || order.until !== undefined)
  return { lasts: lasts ?? (bounded ? standsMs : LASTS_MS) }
}

function settingsOf(order: Order, kind: FaultKind): Record<string, SettingValue> {
  const settings: Record<string, SettingValue> = {}
  for (const [name, setting] of Object.entries(kind.settings)) {
    const value = order[name] === undefined ? setting.otherwise : setting.parse(order[name])
    if (value === undefined && (order[name] !== undefined || setting.required)) {
      throw wrong(name, order[name], setting.wanted, setting.names)
    }
    if (setting.differsFrom !== undefined && value === settings[setting.differsFrom]) {
      throw new FaultRefusal(name, `${name} is "${value}", and ${setting.differsFrom} is too; they must be two.`)
    }
    if (value !== undefined && setting.excludes !== undefined && order[setting.excludes] !== undefined) {
      throw new FaultRefusal(name, `${name} and ${setting.excludes} are both given; leave one of them out.`)
    }
    if (value !== undefined) settings[name] = value
  }
  return settings
}

function regionOf(order: Order): string | null {
  if (order.region === undefined) return null
  if (typeof order.region === 'string' && /^[a-z0-9-]{1,32}$/.test(order.region)) return order.region
  throw wrong('region', order.region, 'the name of a region, such as us-east-1')
}
