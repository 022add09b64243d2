/** An old writer, which a failover or a switchover gave up, becomes a standby of the new one. It is behind its fence until it follows: its cloud's networks stay closed, and the database lets in
 *  its own roles alone, from before the first row of it is thrown away. Whatever fails in between leaves it closed. */
import type { Rebuilding } from '../../activities/replication/contract'
import { type GivenUpWriter, REBUILD_STEPS } from '../../contracts/rebuild'
import { REPLICATE_STEPS } from '../../contracts/replicate'
import { awaitApproval } from '../kit/approval'
import type { Outcome } from '../kit/operation'
import type { Replicating } from './replicating'
import { look, makeStandby } from './set-up'
import { takenBack } from './taken-back'

export async function rebuild(replicating: Replicating): Promise<Outcome> {
  const { run, input, act, ref } = replicating
  const found = await run.step(REBUILD_STEPS.find, {
    do: () => act.finding.findGivenUp(ref(REBUILD_STEPS.find)),
    detail: ({ summary, digest }) => ({ summary, planDigest: digest }),
  })
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }
  await run.record.setStatus('running', { planDigest: found.digest })
  const writer = input.approval === 'none' && found.asks === null ? found : await approved(replicating, found)
  if (writer === null) return { status: 'rejected', verdict: null, findings: [] }

  const old = await admitted(replicating, writer)
  const planned = await look(replicating)
  if (planned.blocks.length > 0) return takenBack(run, planned.blocks)
  const made = await makeStandby(replicating, planned, [REBUILD_STEPS.admit])
  if (made.status !== 'succeeded' || writer.fence === null) return made
  await liftFence(replicating, old, writer.fence)
  return made
}

/** Null: it was rejected. What it binds to is what is thrown away, and of which instance. */
async function approved({ run, act, ref }: Replicating, found: GivenUpWriter): Promise<GivenUpWriter | null> {
  const { rejected, planned } = await awaitApproval(run, {
    step: REPLICATE_STEPS.approve,
    planned: found,
    digestOf: ({ digest }) => digest,
    planAgain: () => act.finding.findGivenUp(ref(REPLICATE_STEPS.approve)),
    drifted: 'what is known of the old writer has changed',
  })
  return rejected ? null : planned
}

/** Its cloud lets in nobody but us still. */
async function admitted({ run, input, act, ref, locked }: Replicating, writer: GivenUpWriter): Promise<Rebuilding> {
  const { fence } = writer
  const step = REBUILD_STEPS.letIn
  if (fence !== null)
    await run.step(step, {
      do: () =>
        // in the bundle of its fence it is the database itself
        act.fencing.letUsIn({
          ...{ ...ref(step), bundle: fence.bundle, target: fence.target },
          ...{ by: input.requestedBy, reason: `rebuilt as a standby of ${input.database}` },
        }),
      detail: ({ host, port }) => ({ summary: `it runs for the control plane alone, at ${host}:${port}` }),
    })
  const old = await act.askingStandby.describeStandby(ref(REBUILD_STEPS.admit))
  const lock = { scope: input.standbyLockScope, epoch: locked.standby }
  const admitting = { ...ref(REBUILD_STEPS.admit), writer, old, lock }
  await run.step(REBUILD_STEPS.admit, {
    do: () => act.rebuilding.admitGivenUp(admitting),
    undo: () => act.shutting.shutGivenUp(admitting),
    detail: ({ summary }) => ({ summary }),
  })
  return admitting
}

/** It follows, and keeps applications out by itself. What fails here leaves its networks closed, and the watch of its fence at work. */
async function liftFence(
  { run, input, act }: Replicating,
  old: Rebuilding,
  fence: NonNullable<GivenUpWriter['fence']>,
): Promise<void> {
  const step = REBUILD_STEPS.lift
  const { operation, bundle, target } = fence
  const fencing = { operation, bundle, target, step: step.id }
  await run.step(step, {
    do: async () => {
      await act.rebuilding.proveShut({ ...old, step: step.id })
      const { summary } = await act.fencing.liftFence({
        ...{ ...fencing, by: input.requestedBy, reason: `${input.operation} has rebuilt it as a standby of ${input.database}` },
        ...{ writer: input.database, runs: true },
      })
      await act.keeping.endKeeping(fencing)
      return { summary }
    },
    detail: ({ summary }) => ({ summary }),
  })
}
