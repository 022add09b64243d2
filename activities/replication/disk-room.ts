/** What is free on the disks of both sides, reckoned, and how large the standby's is made for what is to be copied. Reads only. */
import { grownSize, growsAsItFills } from '../../clouds/disk-sizes'
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
  readonly clouds: Readonly<Record<'source' | 'standby', Cloud>>
  readonly declared: DeclaredStandby
  /** What the plan before this one has, which somebody may have approved: it stays while it is enough. */
  readonly planned?: DiskGrowth | undefined
}

export interface DiskRoom {
  /** Null: not known. The standby's as it is once it has grown. */
  readonly free: Readonly<Record<'source' | 'standby', number | null>>
  /** The standby's, once its cloud has made it as large as that goes by itself, which it does more slowly than rows are copied; null: it does not. */
  readonly freeLater: number | null
  readonly grow: DiskGrowth | null
  /** What the standby's has for the source's rows, once it has grown; null: not known. */
  readonly room: RoomForData | null
  /** Of the source's rows and the log of them, what the standby's cannot hold with nothing kept aside and its own rows gone, in bytes; null: not known. */
  readonly lacking: number | null
}

/** One that grows by itself as it fills has room for whatever comes. */
const ENDLESS = Number.MAX_SAFE_INTEGER

export async function diskRoom(question: DiskQuestion): Promise<DiskRoom> {
  const { source, standby, disks, prepared, clouds, declared, planned } = question
  const unknown = { freeLater: null, grow: null, room: null, lacking: null }
  if (disks === undefined) return { free: { source: null, standby: null }, ...unknown }
  const [from, to] = [await diskUse(source), await diskUse(standby)]
  const growing = { size: disks.standby.sizeGib, prepared, cloud: clouds.standby, declared, planned }
  const grow = from === null || to === null ? null : growthOf({ from, to, ...growing })
  const grown = grow === null ? disks.standby : { ...disks.standby, sizeGib: grow.toGib }
  const sizeGib = largestOf(grown, clouds.standby)
  const free = { source: freeOf(largestOf(disks.source, clouds.source), from), standby: freeOf(sizeGib, to) }
  if (from === null || to === null || free.standby === null) return { ...unknown, free, grow }
  const { growsToGib = null } = grown
  const later = sizeGib !== null && growsToGib !== null && growsToGib > sizeGib
  return {
    free,
    freeLater: later ? freeOf(growsToGib, to) : null,
    grow,
    room: roomForData({ ...sizesOf(from, to, prepared), free: free.standby }),
    lacking: sizeGib === null ? 0 : lackingOf(sizeGib, from, to),
  }
}

function lackingOf(sizeGib: number, from: DiskUse, to: DiskUse): number {
  const others = to.used - to.database - to.logNow
  return Math.max(0, others + from.database + Math.max(to.log, to.logNow) - sizeGib * 1024 ** 3)
}

/** `sizeGib` null: without an end. */
function freeOf(sizeGib: number | null, use: DiskUse | null): number | null {
  if (sizeGib === null) return ENDLESS
  return use === null ? null : estimatedFree({ sizeGib, used: use.used })
}

/** As large as it is by the time that it is needed, in GiB; null: without an end. */
function largestOf({ sizeGib, growsToGib = null }: DiskOfInstance, cloud: Cloud): number | null {
  if (sizeGib === null || !growsAsItFills(cloud)) return sizeGib
  return growsToGib === 0 ? null : Math.max(sizeGib, growsToGib ?? 0)
}

/** What is to be copied, and what of it is there. */
function sizesOf(from: DiskUse, to: DiskUse, prepared: boolean) {
  return { data: from.database, held: prepared ? to.database : 0, log: to.log }
}

interface Growing extends Pick<DiskQuestion, 'prepared' | 'declared' | 'planned'> {
  readonly cloud: Cloud
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
