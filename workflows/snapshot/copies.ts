/** Copies of the snapshot in other regions, all at once: each has a name, a verification and a retirement of its own, and what happens to one is nothing
 *  to the others. A region that is out of reach is a finding and no failure: the snapshot itself is taken, and stays. */
import { isCancellation, patched } from '@temporalio/workflow'
import { type Finding, type StepDetail, temporaryName } from '../../contracts/operation'
import { copyStepOf, type ExpiryRecord, SNAPSHOT_STEPS, type SnapshotCopyRecord } from '../../contracts/snapshot'
import { failureRecord, isDefect } from '../kit/failures'
import { arrangeRetirement } from '../retire-snapshot/arrange'
import { patienceWith, whileReached } from './reached'
import { takeCopiesBack } from './take-copies-back'
import type { Taken, Taking } from './taking'

/** Those that turned out well are kept from here on; so are the others, which do not count as good ones, until their retention is over. */
export async function copyToRegions(taking: Taking, taken: Taken): Promise<readonly SnapshotCopyRecord[]> {
  const { run, input, act, ref } = taking
  const regions = input.copies ?? []
  /** As operations do it that were at it before copies were taken back with patience. */
  const takeBack = async (region: string): Promise<void> => {
    const step = copyStepOf(region)
    const snapshot = temporaryName(input.operation, step)
    await act.undoWaiting.awaitSnapshotRemoval({ ...ref(step), region, snapshot, instanceId: taken.instanceId })
  }
  const copies = await run.step(SNAPSHOT_STEPS.copy, {
    do: () => all(regions, (region) => copyTo(taking, taken, region)),
    undo: () => (patched('copies-taken-back') ? takeCopiesBack(taking, taken, regions) : all(regions, takeBack)),
    detail: copiesDetail,
  })
  run.keep(SNAPSHOT_STEPS.copy)
  return copies
}

async function copyTo({ input, act, ref }: Taking, taken: Taken, region: string): Promise<SnapshotCopyRecord> {
  const { operation, retentionHours } = input
  const step = copyStepOf(region)
  const snapshot = temporaryName(operation, step)
  const { instanceId, startedAt } = taken
  try {
    // As of the snapshot itself: no crash in between can leave a copy that nobody will ever remove.
    await arrangeRetirement({ ...input, snapshot, region })
    const place = { ...ref(step), region, snapshot }
    const patience = patienceWith(act.copying, place)
    const wanted = { ...ref(step), region, of: taken.snapshot, instanceId, retentionHours, startedAt }
    await whileReached(() => act.copied.startSnapshotCopy(wanted), patience)
    await whileReached(() => act.copied.awaitSnapshotCopy(place), patience)
    const verified = await act.copying.verifySnapshotCopy(place)
    return { region, snapshot, ...verified }
  } catch (error) {
    if (isDefect(error) || isCancellation(error)) throw error
    const finding = { rule: 'snapshot:copy', message: `There is no good copy in ${region}: ${failureRecord(error).message}` }
    return { region, snapshot, findings: [finding], createdAt: null, summary: finding.message }
  }
}

/** In the regions that have a good one now. What is out of reach, and what stays in other regions, is removed by its retirement. */
export async function expireCopies(
  { act, ref }: Taking,
  copies: readonly SnapshotCopyRecord[],
  { instanceId }: Pick<Taken, 'instanceId'>,
): Promise<readonly RegionExpiry[]> {
  const good = copies.filter(({ findings }) => findings.length === 0)
  return all(
    good.map(({ region }) => region),
    async (region) => {
      try {
        const asked = { ...ref('expire'), region, instanceId, now: new Date().toISOString() }
        return { region, ...(await act.copying.expireSnapshots(asked)), why: null }
      } catch (error) {
        if (isDefect(error) || isCancellation(error)) throw error
        return { region, due: [], removed: [], kept: [], why: failureRecord(error).message }
      }
    },
  )
}

/** `why`: it could not be done now. */
export type RegionExpiry = Pick<ExpiryRecord, 'due' | 'removed' | 'kept'> & {
  readonly region: string
  readonly why: string | null
}

export function findingsOf(copies: readonly SnapshotCopyRecord[]): Finding[] {
  return copies.flatMap(({ findings }) => findings)
}

function copiesDetail(copies: readonly SnapshotCopyRecord[]): StepDetail {
  const findings = findingsOf(copies)
  const good = copies.filter((copy) => copy.findings.length === 0)
  const summary =
    findings.length === 0
      ? copies.map(({ region, snapshot }) => `${snapshot} in ${region}`).join(', ')
      : `${good.length} of ${copies.length} regions have a good copy`
  return { summary, copies, findings }
}

/** Waits for all of them, whatever becomes of one: no undo may begin while another act still goes on. */
async function all<Of, T>(of: readonly Of[], act: (one: Of) => Promise<T>): Promise<T[]> {
  const settled = await Promise.allSettled(of.map(act))
  return settled.map((one) => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
}
