/** Compute sizes and storage sizes that a server can have. Only names and numbers here: they make no machine. Source: the capabilities
 *  that Azure answers for a region, and "Limits in Azure Database for PostgreSQL". */
import { AzureError, invalidParameter } from './errors'
import type { Sku, Storage, Tier } from './state'

export const TIERS: readonly Tier[] = ['Burstable', 'GeneralPurpose', 'MemoryOptimized']

interface Family {
  readonly tier: Tier
  /** With # in the place of the number of cores. */
  readonly pattern: string
  readonly cores: readonly number[]
}

const FAMILIES: readonly Family[] = [
  { tier: 'Burstable', pattern: 'Standard_B1ms', cores: [1] },
  { tier: 'Burstable', pattern: 'Standard_B2s', cores: [2] },
  { tier: 'Burstable', pattern: 'Standard_B#ms', cores: [2, 4, 8, 12, 16, 20] },
  ...['Standard_D#s_v3', 'Standard_D#ds_v4'].map((pattern) => general(pattern, [2, 4, 8, 16, 32, 48, 64])),
  ...['Standard_D#ds_v5', 'Standard_D#ads_v5'].map((pattern) => general(pattern, [2, 4, 8, 16, 32, 48, 64, 96])),
  memory('Standard_E#s_v3', [2, 4, 8, 16, 32, 48, 64]),
  ...['Standard_E#ds_v4', 'Standard_E#ds_v5'].map((pattern) => memory(pattern, [2, 4, 8, 16, 20, 32, 48, 64])),
  memory('Standard_E#ads_v5', [2, 4, 8, 16, 20, 32, 48, 64, 96]),
]

export interface ComputeSize {
  readonly name: string
  readonly tier: Tier
  readonly cores: number
  readonly memoryPerCoreMb: number
}

export const COMPUTE_SIZES: readonly ComputeSize[] = FAMILIES.flatMap(({ tier, pattern, cores }) =>
  cores.map((count) => ({
    name: pattern.replace('#', String(count)),
    tier,
    cores: count,
    memoryPerCoreMb: tier === 'MemoryOptimized' ? 8192 : /B(1m|2)s$/.test(pattern) ? 2048 : 4096,
  })),
)

/** Premium SSD: size in GiB, performance tier, operations in a second. */
export const DISKS = [
  [32, 'P4', 120],
  [64, 'P6', 240],
  [128, 'P10', 500],
  [256, 'P15', 1100],
  [512, 'P20', 2300],
  [1024, 'P30', 5000],
  [2048, 'P40', 7500],
  [4095, 'P50', 7500],
  [4096, 'P50', 7500],
  [8192, 'P60', 16000],
  [16384, 'P70', 18000],
  [32767, 'P80', 20000],
] as const satisfies readonly (readonly [number, string, number])[]

export const DEFAULT_STORAGE_GB = { Burstable: 32, GeneralPurpose: 64, MemoryOptimized: 128 } as const satisfies Record<
  Tier,
  number
>
export const DEFAULT_SIZE = {
  Burstable: 'Standard_B1ms',
  GeneralPurpose: 'Standard_D4ds_v5',
  MemoryOptimized: 'Standard_E2ds_v4',
} as const satisfies Record<Tier, string>

/** @throws AzureError for a name that is none, or one of another tier. */
export function parseSku(name: string | undefined, tier: Tier | undefined): Sku {
  const found = COMPUTE_SIZES.find((size) => size.name.toLowerCase() === name?.toLowerCase())
  if (name === undefined) throw invalidParameter('sku.name')
  if (!found) {
    throw new AzureError('SkuNotAvailable', `The requested size '${name.slice(0, 64)}' is not available for this resource type.`)
  }
  if (tier !== undefined && found.tier !== tier) throw invalidParameter('sku.tier', `${found.name} is of the tier ${found.tier}.`)
  return { name: found.name, tier: found.tier }
}

export const STORAGE_TYPES = ['Premium_LRS', 'PremiumV2_LRS', 'UltraSSD_LRS'] as const

/** What a wanted size makes of the storage: its tier and speed follow from it. @throws AzureError. */
export function sized(storage: Pick<Storage, 'type' | 'autoGrow'>, sizeGb: number, tier?: string): Storage {
  if (storage.type === 'PremiumV2_LRS' || storage.type === 'UltraSSD_LRS') {
    if (sizeGb < 32 || sizeGb > 65_536) throw invalidParameter('storageSizeGB')
    return { ...storage, sizeGb, tier: null, iops: 3000, throughput: 125 }
  }
  const index = DISKS.findIndex(([size]) => size === sizeGb)
  const own = DISKS[index]
  if (!own) throw invalidParameter('storageSizeGB', `Allowed values: ${DISKS.map(([size]) => size).join(', ')}.`)
  // a faster tier may be had for a smaller disk, never a slower one
  const chosen = tier === undefined ? own : DISKS.slice(index).find(([, name]) => name.toLowerCase() === tier.toLowerCase())
  if (!chosen) throw invalidParameter('storage.tier')
  return { ...storage, sizeGb, tier: chosen[1], iops: chosen[2], throughput: null }
}

function general(pattern: string, cores: readonly number[]): Family {
  return { tier: 'GeneralPurpose', pattern, cores }
}

function memory(pattern: string, cores: readonly number[]): Family {
  return { tier: 'MemoryOptimized', pattern, cores }
}
