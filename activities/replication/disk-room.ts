/** What is free on the disks of both sides, reckoned, and how large the standby's is made for what is to be copied. Reads only. */
import { grownSize } from '../../clouds/disk-sizes'
import type { Cloud } from '../../contracts/fleet'
import type { DiskGrowth, DiskOfInstance } from '../../contracts/replicate'
import type { DeclaredStandby } from '../../contracts/standby'
import type { Session } from '../../postgres/connect/session'
import { type DiskUse, diskUse } from '../../postgres/replicate/disk-used'
import { estimatedFree, type RoomForData, roomForData, sizeForData } from '../../postgres/replicate/preflight/disk-room'
import type { Disks } from './contract'

export interface DiskQuestion {
  /** As the master, in both databases. */
  readonly source: Session
  readonly standby: Session
  readonly disks: Disks | undefined
  /** What the standby's database holds was left there by an unfinished set-up. */
  readonly prepared: boolean
  readonly cloud: Cloud
  readonly declared: DeclaredStandby
  /** What the plan before this one has, which somebody may have approved: it stays while it is enough. */
  readonly planned?: DiskGrowth | undefined
}

export interface DiskRoom {
  /** Null: not known. The standby's as it is once it has grown. */
  readonly free: Readonly<Record<'source' | 'standby', number | null>>
  readonly grow: DiskGrowth | null
  /** What the standby's has for the source's rows, once it has grown; null: not known. */
  readonly room: RoomForData | null
}

/** One that grows by itself has room for whatever comes. */
const ENDLESS = Number.MAX_SAFE_INTEGER

export async function diskRoom({ source, standby, disks, prepared, cloud, declared, planned }: DiskQuestion): Promise<DiskRoom> {
  if (disks === undefined) return { free: { source: null, standby: null }, grow: null, room: null }
  const [from, to] = [await diskUse(source), await diskUse(standby)]
  const grow =
    from === null || to === null ? null : growthOf({ from, to, size: disks.standby.sizeGib, prepared, cloud, declared, planned })
  const grown = grow === null ? disks.standby : { ...disks.standby, sizeGib: grow.toGib }
  const free = { source: freeOf(disks.source, from), standby: freeOf(grown, to) }
  const room =
    from === null || to === null || free.standby === null
      ? null
      : roomForData({ ...sizesOf(from, to, prepared), free: free.standby })
  return { free, grow, room }
}

function freeOf(disk: DiskOfInstance, use: DiskUse | null): number | null {
  const sizeGib = largestOf(disk)
  if (sizeGib === null) return ENDLESS
  return use === null ? null : estimatedFree({ sizeGib, used: use.used })
}

/** As large as its cloud makes it when it fills up, in GiB; null: without an end. */
function largestOf({ sizeGib, growsToGib = null }: DiskOfInstance): number | null {
  if (sizeGib === null || growsToGib === 0) return null
  return Math.max(sizeGib, growsToGib ?? 0)
}

/** What is to be copied, and what of it is there. */
function sizesOf(from: DiskUse, to: DiskUse, prepared: boolean) {
  return { data: from.database, held: prepared ? to.database : 0, log: to.log }
}

interface Growing extends Pick<DiskQuestion, 'prepared' | 'cloud' | 'declared' | 'planned'> {
  readonly from: DiskUse
  readonly to: DiskUse
  readonly size: number | null
}

function growthOf({ from, to, size, prepared, cloud, declared: { growToGib }, planned }: Growing): DiskGrowth | null {
  if (size === null || growToGib === undefined) return null
  const sizes = sizesOf(from, to, prepared)
  const isEnough = (sizeGib: number): boolean =>
    roomForData({ ...sizes, free: estimatedFree({ sizeGib, used: to.used }) }) === 'enough'
  if (planned?.fromGib === size && planned.toGib <= growToGib && isEnough(planned.toGib)) return planned
  if (isEnough(size)) return null
  const toGib = grownSize(cloud, { sizeGib: size, wantedGib: sizeForData({ ...sizes, used: to.used }), maxGib: growToGib })
  return toGib === null ? null : { fromGib: size, toGib }
}
