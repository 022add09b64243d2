/** Which sizes of a disk a cloud takes, in GiB. Pure. */
import type { Cloud } from '../contracts/fleet'

/** RDS refuses less at a time: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.ModifyingExisting.html */
const leastOfAws = (sizeGib: number): number => Math.ceil((sizeGib * 11) / 10)
/** Premium SSD, which has these alone: https://learn.microsoft.com/azure/postgresql/flexible-server/concepts-storage */
const SIZES_OF_AZURE = [32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_767]
/** RDS makes it larger by a tenth or what the last hours foretell, after five minutes with a tenth free, and then not again for six hours: rows are copied faster.
 *  https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html */
export const growsAsItFills = (cloud: Cloud): boolean => cloud !== 'aws'

/** So that a database that grows while a plan waits for its approval changes nothing of it. */
const STEP = 10

interface Growth {
  readonly sizeGib: number
  readonly wantedGib: number
  readonly maxGib: number
}

/** The smallest one that is enough, else the largest that may be had; null: none is larger than it is. */
export function grownSize(cloud: Cloud, { sizeGib, wantedGib, maxGib }: Growth): number | null {
  if (wantedGib <= sizeGib) return null
  const fitting =
    cloud === 'azure' ? (SIZES_OF_AZURE.find((size) => size >= wantedGib) ?? wantedGib) : stepped(cloud, sizeGib, wantedGib)
  if (fitting <= maxGib) return fitting
  const largest = cloud === 'azure' ? (SIZES_OF_AZURE.filter((size) => size <= maxGib).at(-1) ?? 0) : maxGib
  const least = cloud === 'aws' ? leastOfAws(sizeGib) : sizeGib + 1
  return largest >= least ? largest : null
}

function stepped(cloud: Cloud, sizeGib: number, wantedGib: number): number {
  const least = cloud === 'aws' ? leastOfAws(sizeGib) : sizeGib + 1
  return Math.ceil(Math.max(least, wantedGib) / STEP) * STEP
}
