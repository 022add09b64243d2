/** An overwriting for people: what goes, when there is no way back any more, and what there is instead. */
import type { DatabaseEntry } from '../../../contracts/fleet'
import type { OverwritePlan } from '../../../contracts/overwrite'
import { shownSize } from '../../../contracts/snapshot'
import { instant } from '../../quantities'
import type { Paint } from '../io'
import { oneLine } from './quoted'
import { pointLines } from './restore'

export function overwritePlanLines(plan: OverwritePlan, entry: DatabaseEntry, paint: Paint): string[] {
  const [instance, engineVersion, backup] = [plan.instance, plan.engineVersion, plan.backup].map(oneLine)
  const { point, fence } = plan
  const snapshot = point.kind === 'snapshot' ? oneLine(point.snapshot) : ''
  const of =
    point.kind === 'snapshot' && point.createdAt !== null
      ? `from ${instant(point.createdAt)} to the fence`
      : 'since that snapshot'
  return [
    `${paint('bold', `plan for ${entry.name}`)}  ${instance} (PostgreSQL ${engineVersion}), ${shownSize(plan.storage.sizeGib)}, is overwritten in place`,
    ...pointLines(point),
    `  of that very one, ${oneLine(plan.snapshotId)}: another one under its name is refused`,
    `  ${paint('red', 'loses')} whatever was committed ${of}, in every database; and every moment that could be restored by its log so far`,
    `  which rows these are only a copy beside it tells: capstan restore ${entry.name} --snapshot ${snapshot}, or --as replacement, which reports them`,
    `  fences it: ${oneLine(fence.summary)}; from then on until it is overwritten nobody is served`,
    `  takes a fresh backup behind the fence, ${backup}, kept ${plan.keepHours} h at least from the end on: the way back, by the same command`,
    `  lets in ${plan.networksMeanwhile.map(oneLine).join(', ') || 'nobody'} by its networks until it was verified, then ${plan.networkRules.map(oneLine).join(', ') || 'nobody'} again; whoever comes by a private address or a connector (the Auth Proxy) is not kept out by that: stop those`,
    `  ${paint('yellow', '⚑ point of no return')}: the cloud is told to overwrite ${instance}; before it all is taken back, past it an abort is refused`,
    '  users and passwords, subscriptions and jobs are those of the snapshot; settings, networks and address stay the instance’s',
    `  needs cloudsql.instances.restoreBackup for ${instance} itself: whether it is there shows only once the instance is fenced and backed up`,
    '  subscriptions and jobs act as soon as it is overwritten, before it was verified; what publishers sent since that snapshot they do not send again',
    '  logical replication slots are gone, or as they were then: what reads from them has to begin anew',
    '  sequences go on from then: numbers that were given out since are given out once more',
    '  waits for an approval of this plan, whatever the environment',
    '',
    `  plan digest ${plan.digest}`,
  ]
}
