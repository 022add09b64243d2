/** Up to the point of no return, all of it is taken back: the networks are opened, the fence is lowered, so that the instance serves as it did, and the
 *  backup is removed, which takes its time. */
import { ApplicationFailure } from '@temporalio/workflow'
import { type FreshBackup, freshBackupOf, OVERWRITE_STEPS as STEPS, wayBack } from '../../contracts/overwrite'
import { arrangeRetirement } from '../retire-snapshot/arrange'
import type { Overwriting, Planned } from './overwriting'

/** Before the backup and not after it: what would be committed in between would be in neither. */
export async function fence({ run, input, act, ref }: Overwriting, { source, fenceEpoch }: Planned): Promise<void> {
  const step = STEPS.fence
  const of = { ...ref(step), target: source, scope: 'instance', copy: false, epoch: fenceEpoch } as const
  await run.step(step, {
    do: async () => {
      await act.askingSetUp.assertStillAsPlanned(ref(step))
      await act.asking.assertOverwritable({ ...ref(step), snapshot: input.snapshot })
      const { closed } = await act.fence.raiseFence(of)
      const { lsn, summary } = await act.fence.proveFenced(of)
      return { closed, lsn, summary }
    },
    undo: () => act.lowering.lowerFence(of),
    detail: ({ closed, lsn, summary }) => ({ summary: `${closed.join(', ')} closed; ${summary}`, closed, lsn }),
  })
}

export async function takeFreshBackup({ run, input, act, ref }: Overwriting, { source, fenceEpoch }: Planned): Promise<string> {
  const step = STEPS.backup
  const { keepHours } = input
  const startedAt = new Date().toISOString()
  const { snapshot } = await run.step(step, {
    do: async () => {
      // Its retirement is arranged before it exists: no crash in between can leave a backup that nobody will ever remove.
      await arrangeRetirement({ ...input, retentionHours: keepHours, snapshot: freshBackupOf(input.operation) })
      const started = await act.guarded.startFreshBackup({ ...ref(step), keepHours, startedAt })
      await act.snapshot.awaitSnapshot({ ...ref(step), ...started })
      return started
    },
    undo: async () => {
      // A removal takes its time: whoever waits is served before it.
      const fenced = { ...ref(STEPS.fence), target: source, scope: 'instance', copy: false, epoch: fenceEpoch } as const
      await act.lowering.lowerFence(fenced)
      const made = { snapshot: freshBackupOf(input.operation), instanceId: source.instanceId }
      await act.undoWaiting.awaitSnapshotRemoval({ ...ref(step), ...made })
    },
    detail: (taken) => ({ summary: taken.snapshot, snapshot: taken.snapshot, keepHours }),
  })
  return snapshot
}

/** As the snapshot operation does it. What is no way back is not gone on from. */
export async function verifyFreshBackup({ run, input, act, ref }: Overwriting, snapshot: string): Promise<FreshBackup> {
  const step = STEPS.verifyBackup
  const { takenAt } = await run.step(step, {
    do: async () => {
      const { findings, createdAt, summary } = await act.snapshot.verifySnapshot({ ...ref(step), snapshot })
      const said = findings.map(({ message }) => message)
      if (createdAt === null) said.push(`The cloud does not say of when ${snapshot} is.`)
      if (said.length > 0 || createdAt === null) {
        const message = `The fresh backup is no way back: ${said.join(' ')} The instance was not overwritten.`
        throw ApplicationFailure.nonRetryable(message, 'RESOURCE_FAILED')
      }
      return { takenAt: createdAt, summary }
    },
    detail: ({ summary, takenAt }) => ({ summary, takenAt, wayBack: wayBack(input.operation, input.database) }),
  })
  return { snapshot, takenAt }
}

/** A snapshot from before the fence is not fenced: as soon as it is restored it would let in whoever the networks do. */
export async function closeNetworks({ run, input, act, ref }: Overwriting, { source, fenceEpoch }: Planned): Promise<void> {
  const step = STEPS.close
  await run.step(step, {
    do: async () => {
      await act.guarded.closeNetworks(ref(step))
      // The last looks before there is no way back.
      await act.asking.assertOverwritable({ ...ref(step), snapshot: input.snapshot })
      const of = { ...ref(STEPS.fence), target: source, scope: 'instance', copy: false, epoch: fenceEpoch } as const
      await act.fence.proveFenced(of)
    },
    undo: () => act.reopening.openNetworks({ ...ref(step), undo: true }),
    detail: () => ({
      summary: 'open to whom a canary lets in, and to private addresses and connectors, until it was verified; still fenced',
    }),
  })
}
