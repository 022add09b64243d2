/** An old writer that is to serve nobody any more: what is known of it, and its closing for good. Nothing of what it holds is removed. */
import { failure } from '../../contracts/failures'
import { RETIRE_DOCUMENTS, type RetiredWriter, type RetirePlan } from '../../contracts/retire'
import type { StandbyState } from '../../contracts/standby'
import type { StepRef } from '../../contracts/step-ref'
import { sha256Of } from '../../ledger/digest'
import { recordMovedAway } from '../../postgres/fence/moved-away'
import { closeDatabases } from '../../postgres/fence/raise'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { commandsFor } from '../health/vendor-commands'
import { placeOf } from '../instance-fence/place'
import { epochAbove } from '../schema/epoch'
import type { OldWriterActivities } from './contract'
import { fenceOf, givenUpFor, instanceOf } from './given-up'
import { inKeyholeOf, standingInKeyhole } from './keyhole'
import { EMPTYING_MS, isShutBy } from './rebuild'
import { refuseOtherThan } from './record'
import { bothOf, replicateOf } from './sides'

/** Of a pair that no other operation has in hand. */
const SETTLED: readonly StandbyState[] = ['following', 'late', 'paused', 'broken', 'to-be-seeded']

export async function findRetired(deps: ActivityDeps, { operation, bundle }: StepRef): Promise<RetiredWriter> {
  const { ledger } = deps
  const { id, entries } = await bothOf(deps, bundle)
  const { stop = false } = replicateOf(await ledger.getBundle(bundle))
  const by = await givenUpFor(ledger, { old: id.target, writer: id.source })
  const record = await ledger.getStandby(id)
  const follows = record !== null && record.state !== 'gone'
  if (follows) refuseOtherThan(SETTLED, id, record.state)
  const instance = await instanceOf(ledger, by)
  const held = await ledger.getFence(placeOf(entries.standby, instance))
  const fence = fenceOf(held, { by: by.id, instance })
  const removal = commandsFor({ ...entries.standby, instance: instance.instance }).remove(true)
  const told = {
    old: id.target,
    writer: id.source,
    movedBy: by.id,
    instance,
    follows,
    fencedByCloud: fence !== null,
    stop,
    removal,
  }
  const body = { version: 1, ...told } as const
  const document: RetirePlan = { ...body, digest: sha256Of(body) }
  assertMayAct()
  await ledger.putDocument({ operation, name: RETIRE_DOCUMENTS.plan, document })
  const own = await ledger.putBundle({ version: 1, database: entries.standby, migrations: [] })
  return {
    ...{ digest: document.digest, movedBy: by.id, target: instance, follows, bundle: own },
    fence: fence === null ? null : { bundle: fence.bundle },
    retentionHours: entries.standby.policy.snapshotRetentionHours,
    summary: `${by.id} moved writing from ${id.target} to ${id.source}, ${follows ? `which ${id.target} follows` : 'and nothing follows any more'}${fence === null ? '' : '; its cloud keeps it closed'}`,
  }
}

/** In the name of the operation by which writing moved, so that whoever rebuilds it later finds it as that would have left it. */
export async function shutRetired(
  deps: ActivityDeps,
  input: Parameters<OldWriterActivities['shutRetired']>[0],
): Promise<{ summary: string }> {
  const { bundle, operation, old, lock, retired } = input
  const { id, entries } = await bothOf(deps, bundle)
  const { movedBy, target } = retired
  if (old.instanceId !== target.instanceId) {
    const message = `${old.instance} is another instance than the one from which ${movedBy} moved writing: it is not closed.`
    throw failure('TARGET_MISMATCH', message, { instance: old.instance, operation: movedBy })
  }
  const place = { ref: input, entry: entries.standby, address: old }
  const { database } = entries.standby
  const epoch = await epochAbove(deps, operation, lock, await standingInKeyhole(deps, place))
  return inKeyholeOf(deps, place, epoch, async ({ session, token, connectTo }) => {
    const { signal } = currentAct()
    if (!(await isShutBy(session, database, movedBy)))
      await closeDatabases(session, {
        ...{ connectTo, scope: { databases: [database] }, operation: movedBy, token, waitMs: EMPTYING_MS, signal },
        beforeChange: async () => void assertMayAct(),
      })
    await recordMovedAway(session, { operation: movedBy, writer: id.source, database, token })
    return { summary: `${database} lets nobody in, and bears the mark that writing has moved to ${id.source}` }
  })
}
