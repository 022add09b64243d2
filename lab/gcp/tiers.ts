/** Machine types by edition. A tier is a name here and changes no machine. Sources: "Cloud SQL editions overview", "Machine series
 *  overview"; the wording of the refusals from the API's answers. */
import { invalid } from './errors'

export type Edition = 'ENTERPRISE' | 'ENTERPRISE_PLUS'

export interface Tier {
  readonly tier: string
  readonly ramMib: number
  readonly diskQuotaGib: number
  readonly edition: Edition
}

const PERFORMANCE_CPUS = [2, 4, 8, 16, 32, 48, 64, 80, 96, 128]
const CUSTOM_CPUS_MAX = 96
const DISK_QUOTA_GIB = 65_536

/** Those that have a name of their own; custom ones are spelled out. */
export const TIERS: readonly Tier[] = [
  { tier: 'db-f1-micro', ramMib: 614, diskQuotaGib: 3_062, edition: 'ENTERPRISE' },
  { tier: 'db-g1-small', ramMib: 1_740, diskQuotaGib: 3_062, edition: 'ENTERPRISE' },
  ...PERFORMANCE_CPUS.map(
    (cpus): Tier => ({
      tier: `db-perf-optimized-N-${cpus}`,
      ramMib: Math.min(cpus * 8, 864) * 1_024,
      diskQuotaGib: DISK_QUOTA_GIB,
      edition: 'ENTERPRISE_PLUS',
    }),
  ),
]

/** From version 16 on, a request that names no edition gets Enterprise Plus, and then no shared-core or custom tier. */
export function defaultEdition(major: number): Edition {
  return major >= 16 ? 'ENTERPRISE_PLUS' : 'ENTERPRISE'
}

/** @throws GcpError invalid. */
export function checkTier(tier: string, edition: Edition): void {
  const known = TIERS.find((candidate) => candidate.tier === tier)
  if (known?.edition === edition) return
  if (edition === 'ENTERPRISE' && isCustom(tier)) return
  const instead = edition === 'ENTERPRISE_PLUS' ? 'db-perf-optimized-N-*' : 'db-custom-*-*'
  throw invalid(`Invalid Tier (${tier.slice(0, 100)}) for (${edition}) Edition. Use a predefined Tier like ${instead} instead`)
}

/** db-custom-CPUS-MIB: one processor or an even number of them, 0.9 to 6.5 GB for each, in steps of 256 MiB, 3.75 GB at least. */
function isCustom(tier: string): boolean {
  const found = /^db-custom-(\d{1,3})-(\d{1,7})$/.exec(tier)
  if (!found) return false
  const [cpus, mib] = [Number(found[1]), Number(found[2])]
  const cpusFit = cpus === 1 || (cpus % 2 === 0 && cpus >= 2 && cpus <= CUSTOM_CPUS_MAX)
  return cpusFit && mib % 256 === 0 && mib >= Math.max(3_840, cpus * 0.9 * 1_024) && mib <= cpus * 6.5 * 1_024
}
