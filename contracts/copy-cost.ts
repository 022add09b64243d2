/** What a copy costs by the prices of the fleet file: reckoned, never billed. A price that is not declared is missing, and never nothing. Pure. */
import type { CopyPrices, DatabaseEntry } from './fleet'
import type { IsoInstant } from './instant'
import type { Micros } from './money'
import type { StorageSize } from './snapshot'

/** Of one copy. */
export interface CopyRate extends Omit<CopyPrices, 'classMicrosPerHour'> {
  readonly instanceClass: string
  readonly classMicrosPerHour: Micros
  readonly sizeGib: number
}

/** Why nobody can say what a copy costs: `the fleet file has no price for db.m6g.large in aws eu-central-1`. */
export interface NoRate {
  readonly lacking: string
}

type Priced = Pick<DatabaseEntry, 'cloud' | 'region' | 'prices' | 'verification'>

/** `sizeGib` null: a volume that grows by itself, as which the entry has to declare what it is reckoned. */
export function copyRate(
  { cloud, region, prices, verification }: Priced,
  { instanceClass, sizeGib }: { instanceClass: string; sizeGib: StorageSize },
): CopyRate | NoRate {
  if (prices === undefined) return { lacking: `the fleet file has no prices for ${cloud} ${region}` }
  const { classMicrosPerHour: classes, ...terms } = prices
  const classMicrosPerHour = Object.hasOwn(classes, instanceClass) ? classes[instanceClass] : undefined
  if (classMicrosPerHour === undefined) {
    return { lacking: `the fleet file has no price for ${instanceClass} in ${cloud} ${region}` }
  }
  const gib = sizeGib ?? verification?.volumeGib
  if (gib === undefined) return { lacking: 'its volume grows by itself, and the fleet file does not say verification.volumeGib' }
  return { ...terms, instanceClass, classMicrosPerHour, sizeGib: gib }
}

/** The shortest month there is: no month's bill is more than what is reckoned. */
const HOURS_OF_A_MONTH = 28n * 24n
const SECONDS_OF_AN_HOUR = 3_600n

/** Of a copy that is there for so long, as its cloud bills time: in whole steps, and at least the shortest. */
export function costOf(rate: CopyRate, ms: number): Micros {
  const { billedSecondsMin, billedSecondsStep, classMicrosPerHour, storageMicrosPerGibMonth, sizeGib } = rate
  const steps = Math.ceil(Math.max(0, ms) / 1_000 / billedSecondsStep)
  const seconds = BigInt(Math.max(billedSecondsMin, steps * billedSecondsStep))
  const perMonth = BigInt(classMicrosPerHour) * HOURS_OF_A_MONTH + BigInt(storageMicrosPerGibMonth) * BigInt(sizeGib)
  const divisor = HOURS_OF_A_MONTH * SECONDS_OF_AN_HOUR
  return Number((perMonth * seconds + divisor - 1n) / divisor)
}

/** The longest time up to `withinMs` that `micros` pays for, in whole seconds; null: not even the shortest that is billed. */
export function affordableMs(rate: CopyRate, micros: Micros, withinMs: number): number | null {
  if (costOf(rate, withinMs) <= micros) return withinMs
  if (costOf(rate, 1_000) > micros) return null
  let [paid, unpaid] = [1, Math.ceil(withinMs / 1_000)]
  while (unpaid - paid > 1) {
    const middle = Math.floor((paid + unpaid) / 2)
    if (costOf(rate, middle * 1_000) <= micros) paid = middle
    else unpaid = middle
  }
  return paid * 1_000
}

export interface CopyLife {
  readonly createdAt: IsoInstant
  /** Null: it is there still, as far as is known. */
  readonly removedAt: IsoInstant | null
}

/** Of copies of one operation, until `at` where one is there still. From when each was asked for: clouds begin to bill a little later. */
export function costOfCopies(rate: CopyRate, copies: readonly CopyLife[], at: number): Micros {
  const lived = ({ createdAt, removedAt }: CopyLife): number =>
    (removedAt === null ? at : Date.parse(removedAt)) - Date.parse(createdAt)
  return copies.reduce((sum, copy) => sum + costOf(rate, lived(copy)), 0)
}
