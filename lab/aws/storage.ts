/** Kinds of storage and what each allows: numbers only, since the lab's disk is one. Source: RDS user guide, "Amazon RDS DB instance
 *  storage", PostgreSQL. */
import { invalidCombination, invalidValue } from './errors'
import type { Query } from './protocol/query'

export interface StorageType {
  readonly minGib: number
  readonly maxGib: number
  /** Null: it takes none. */
  readonly iops: { readonly min: number; readonly max: number; readonly otherwise?: number } | null
  readonly throughput: { readonly min: number; readonly max: number; readonly otherwise: number } | null
}

export const STORAGE_TYPES = {
  gp3: {
    minGib: 20,
    maxGib: 65_536,
    iops: { min: 3_000, max: 64_000, otherwise: 3_000 },
    throughput: { min: 125, max: 4_000, otherwise: 125 },
  },
  gp2: { minGib: 20, maxGib: 65_536, iops: null, throughput: null },
  io1: { minGib: 100, maxGib: 65_536, iops: { min: 1_000, max: 256_000 }, throughput: null },
  io2: { minGib: 100, maxGib: 65_536, iops: { min: 1_000, max: 256_000 }, throughput: null },
  standard: { minGib: 5, maxGib: 3_072, iops: null, throughput: null },
} as const satisfies Record<string, StorageType>

export interface Storage {
  storageGib: number
  storageType: string
  iops: number | null
  throughput: number | null
}

/** From this size on gp3 lets its speed be chosen. */
const GP3_CHOICE_GIB = 400

/** The storage of the request; what it does not say is as `before`, as far as that fits the type.
 *  @throws AwsError InvalidParameterValue, InvalidParameterCombination. */
export function parseStorage(query: Query, before: Partial<Storage> = {}): Storage {
  const name = query.text('StorageType') ?? before.storageType ?? (query.integer('Iops') === undefined ? 'gp3' : 'io1')
  if (!Object.hasOwn(STORAGE_TYPES, name)) throw invalidValue(`Invalid storage type: ${name}`)
  const type: StorageType = STORAGE_TYPES[name as keyof typeof STORAGE_TYPES]
  const storageGib = query.integer('AllocatedStorage') ?? before.storageGib
  if (storageGib === undefined || storageGib < type.minGib || storageGib > type.maxGib) {
    throw invalidValue(`Invalid storage size for engine name postgres and storage type ${name}: ${storageGib ?? 'null'}`)
  }
  const kept = before.storageType === name ? before : {}
  const iops = query.integer('Iops') ?? kept.iops ?? type.iops?.otherwise ?? null
  const throughput = query.integer('StorageThroughput') ?? kept.throughput ?? type.throughput?.otherwise ?? null
  checkSpeed(query, name, type, { storageGib, iops, throughput })
  return { storageGib, storageType: name, iops, throughput }
}

function checkSpeed(
  query: Query,
  name: string,
  type: StorageType,
  { storageGib, iops, throughput }: Omit<Storage, 'storageType'>,
): void {
  const chosen = query.integer('Iops') !== undefined || query.integer('StorageThroughput') !== undefined
  if (name === 'gp3' && chosen && storageGib < GP3_CHOICE_GIB) {
    const same = iops === type.iops?.otherwise && throughput === type.throughput?.otherwise
    if (!same) {
      throw invalidCombination(
        `You can't specify IOPS or storage throughput for engine postgres and a storage size less than ${GP3_CHOICE_GIB}.`,
      )
    }
  }
  if (type.iops !== null && iops === null) throw invalidCombination(`You must specify Iops when using storage type ${name}.`)
  const values = [
    ['IOPS', iops, type.iops],
    ['storage throughput', throughput, type.throughput],
  ] as const
  for (const [what, value, range] of values) {
    if (value === null) continue
    if (range === null) throw invalidCombination(`You can't specify ${what} for storage type ${name}.`)
    if (value < range.min || value > range.max) throw invalidValue(`Invalid ${what} for storage type ${name}: ${value}`)
  }
}
