/** What copies cost, and what a night's may, as the fleet file says. Amounts are read by their digits: none drifts. */
import type { CopyPrices, DatabaseEntry, FleetVerification } from '../../contracts/fleet'
import type { FleetFile } from '../../contracts/fleet.schema'
import { type Micros, parseMicros } from '../../contracts/money'
import type { FieldPath } from './source'
import { parseDurationMs } from './units'

/** Where what the schema cannot say is reported. */
export interface PriceReader {
  /** `rule`: what it must be. */
  wrong(path: FieldPath, rule: string): void
  unique(values: readonly string[], pathOf: (index: number) => FieldPath): void
}

export type PricesOf = (place: Pick<DatabaseEntry, 'cloud' | 'region'>) => CopyPrices | undefined

type FilePrices = NonNullable<FleetFile['prices']>
type FileRegion = FilePrices['regions'][number]

const HOUR_MS = 3_600_000
/** Half a day: of what ran in the night before, a run at about the same hour counts nothing. */
export const NIGHT_MS_DEFAULT = 12 * HOUR_MS
const NIGHT = { min: 1, max: 24, rule: 'whole hours, from 1h to 24h, and shorter than the time between two nights' }

/** More would be no price but a mistake: an hour of any class there is costs less. */
const PRICE_MICROS_MAX = 10_000 * 1_000_000
const PRICE = 'an amount of at most 10000 with six decimals at most, such as 0.193'
const LIMIT = 'an amount above 0 with six decimals at most, such as 20.00'

export function toPrices(file: FilePrices | undefined, reader: PriceReader): PricesOf {
  if (file === undefined) return () => undefined
  const { currency, regions } = file
  const key = ({ cloud, region }: Pick<DatabaseEntry, 'cloud' | 'region'>): string => `${cloud} ${region}`
  reader.unique(regions.map(key), (index) => ['prices', 'regions', index, 'region'])
  const prices = new Map(
    regions.map((region, index) => [key(region), toRegion(region, currency, ['prices', 'regions', index], reader)]),
  )
  return (place) => prices.get(key(place))
}

function toRegion(file: FileRegion, currency: string, path: FieldPath, reader: PriceReader): CopyPrices {
  const { classes, storage, billedAtLeast, billedIn } = file
  const price = (value: number, at: FieldPath, least: Micros, rule: string): Micros => {
    const micros = parseMicros(String(value))
    if (micros !== null && micros >= least && micros <= PRICE_MICROS_MAX) return micros
    reader.wrong(at, rule)
    return least
  }
  // Storage may be in the class's price. A class that costs nothing would make every budget last for ever.
  const ofClass = ([name, value]: [string, number]): [string, Micros] => [
    name,
    price(value, [...path, 'classes', name], 1, `${PRICE}, and above 0`),
  ]
  return {
    currency,
    classMicrosPerHour: Object.fromEntries(Object.entries(classes).map(ofClass)),
    storageMicrosPerGibMonth: price(storage, [...path, 'storage'], 0, PRICE),
    billedSecondsMin: seconds(billedAtLeast, [...path, 'billedAtLeast'], reader),
    billedSecondsStep: seconds(billedIn, [...path, 'billedIn'], reader),
  }
}

function seconds(text: string, path: FieldPath, reader: PriceReader): number {
  const value = (parseDurationMs(text) ?? Number.NaN) / 1_000
  if (Number.isInteger(value) && value >= 1 && value <= 86_400) return value
  reader.wrong(path, 'whole seconds, from 1s to 24h')
  return 1
}

/** Of a limit; null: nothing of it can be kept, and the reader knows. */
export function toLimit(value: number, path: FieldPath, reader: PriceReader, unpriced: string | null): Micros | null {
  const micros = parseMicros(String(value))
  const rule = unpriced ?? (micros === null || micros === 0 ? LIMIT : null)
  if (rule === null) return micros
  reader.wrong(path, rule)
  return null
}

export function toFleetVerification(
  { verification, prices }: Pick<FleetFile, 'verification' | 'prices'>,
  reader: PriceReader,
): FleetVerification | undefined {
  if (verification === undefined) return undefined
  const { moneyPerNight, night, ...budget } = verification
  if (moneyPerNight === undefined) {
    if (night !== undefined) reader.wrong(['verification', 'night'], 'left out where there is no moneyPerNight')
    return budget
  }
  const unpriced = prices === undefined ? 'left out where the file has no prices: nobody could keep it' : null
  const microsPerNight = toLimit(moneyPerNight, ['verification', 'moneyPerNight'], reader, unpriced)
  const nightMs = night === undefined ? NIGHT_MS_DEFAULT : nightOf(night, reader)
  if (microsPerNight === null || prices === undefined) return budget
  return { ...budget, money: { microsPerNight, currency: prices.currency, nightMs } }
}

function nightOf(text: string, reader: PriceReader): number {
  const hours = (parseDurationMs(text) ?? Number.NaN) / HOUR_MS
  if (Number.isInteger(hours) && hours >= NIGHT.min && hours <= NIGHT.max) return hours * HOUR_MS
  reader.wrong(['verification', 'night'], NIGHT.rule)
  return NIGHT_MS_DEFAULT
}
