/** How full the standby's disk is, as far as its cloud and PostgreSQL tell: asked about once an hour, beside the looks. */
import { growsAsItFills } from '../../clouds/disk-sizes'
import type { Cloud } from '../../contracts/fleet'
import type { DiskOfInstance, StandbyWatch } from '../../contracts/replicate'
import type { StandbyDisk, StandbyState } from '../../contracts/standby'
import { diskUse } from '../../postgres/replicate/disk-used'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import { withSession } from '../schema/open-session'
import { bothOf } from './sides'

/** While an operation has it in hand no master of ours is in the way. */
const LEFT_ALONE: readonly StandbyState[] = ['building', 'switching', 'gone']

export async function lookAtDisk(deps: ActivityDeps, { disk, ...watch }: StandbyWatch & { disk: DiskOfInstance }): Promise<void> {
  const both = await bothOf(deps, watch.bundle)
  const record = await deps.ledger.getStandby(both.id)
  if (disk.sizeGib === null || record === null || LEFT_ALONE.includes(record.state)) return
  const at = new Date().toISOString()
  const { standby: entry } = both.entries
  const request = { operation: 'watch', step: 'disk', entry, role: 'admin', address: watch.sides.standby, canary: false } as const
  const use = await withSession(deps, request, diskUse)
  if (use === null) return
  assertMayAct()
  const noted = { at, sizeGib: disk.sizeGib, ...growthTold(entry.cloud, disk), bytesUsed: use.used }
  await deps.ledger.noteDisk({ ...both.id, disk: noted })
}

/** Only of a cloud that makes it larger as fast as it fills: of another one it may be full long before. */
export function growthTold(cloud: Cloud, { growsToGib = null }: DiskOfInstance): Pick<StandbyDisk, 'growsToGib'> {
  return growsToGib === null || !growsAsItFills(cloud) ? {} : { growsToGib }
}
