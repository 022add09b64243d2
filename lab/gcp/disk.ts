/** How storage grows by itself. Source: "Enable automatic storage increases": by a twelfth of the disk and 5 GB, at most 25 GB at a time. */
import type { Settings } from './settings'

const STEP_MAX_GB = 25n

/** The next size, or undefined for a disk that may not grow, or not any further. */
export function grownDisk({ storageAutoResize, storageAutoResizeLimit, dataDiskSizeGb }: Settings): string | undefined {
  if (!storageAutoResize) return undefined
  const size = BigInt(dataDiskSizeGb)
  const step = size / 12n + 5n
  const next = size + (step > STEP_MAX_GB ? STEP_MAX_GB : step)
  const limit = BigInt(storageAutoResizeLimit)
  return limit !== 0n && next > limit ? undefined : String(next)
}
