/** What is done with a standby that there is. Whatever it is, the ledger has it in the order in which a crash in between is told rightly: what ceases it says
 *  before, what begins it says afterwards. */
import { type DiskGrowth, REPLICATE_STEPS, STANDBY_STEPS as STEPS, type StandbyAction } from '../../contracts/replicate'
import type { StandbyState } from '../../contracts/standby'
import { awaitApproval } from '../kit/approval'
import type { Outcome } from '../kit/operation'
import { followAgain } from './follow'
import { describeDisks, growStandby } from './grow'
import { describeSides, locksOf, perhaps, type Replicating, type Sides, watchOf } from './replicating'
import { takenBack } from './taken-back'

interface Looked extends Sides {
  readonly digest: string
  readonly state: StandbyState
  readonly grow?: DiskGrowth
}

const PASSED: Outcome = { status: 'succeeded', verdict: 'pass', findings: [] }

export function actOnStandby(replicating: Replicating, action: StandbyAction): Promise<Outcome> {
  switch (action) {
    case 'pause':
      return pause(replicating)
    case 'resume':
      return resume(replicating)
    case 'reseed':
      return reseed(replicating)
    case 'remove':
      return remove(replicating)
  }
}

/** The clouds are asked first, and the ledger then: what it says of the standby has to be of these very instances. */
async function look(replicating: Replicating): Promise<Looked> {
  const { run, act, ref, input } = replicating
  return run.step(STEPS.look, {
    do: async () => {
      const sides = await describeSides(replicating, STEPS.look)
      const disks = input.action === 'reseed' ? await describeDisks(replicating, STEPS.look) : undefined
      const asked = { ...ref(STEPS.look), sides, locks: locksOf(replicating), ...(disks !== undefined && { disks }) }
      return { sides, ...(await act.planning.examineStandby(asked)) }
    },
    detail: ({ state, digest, grow, warning }) => ({
      summary: [
        state,
        ...(grow === undefined ? [] : [`its disk is made larger, from ${grow.fromGib} GiB to ${grow.toGib} GiB`]),
        ...(warning === undefined ? [] : [warning]),
      ].join('; '),
      state,
      planDigest: digest,
    }),
  })
}

async function pause(replicating: Replicating): Promise<Outcome> {
  const { run, input, act, ref } = replicating
  const both = await look(replicating)
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }
  const on = { ...ref(STEPS.pause), ...both }
  await run.step(STEPS.pause, {
    do: () => act.replication.pauseStandby({ ...on, by: input.requestedBy }),
    undo: () => act.undoing.takeBackPause(on),
    detail: ({ summary }) => ({ summary }),
  })
  return PASSED
}

async function resume(replicating: Replicating): Promise<Outcome> {
  const { run, input, act, ref } = replicating
  const both = await look(replicating)
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }
  const on = { ...ref(STEPS.resume), ...both }
  await run.step(STEPS.resume, {
    do: async () => {
      await watch(replicating, both)
      return act.replication.resumeStandby(on)
    },
    detail: ({ summary }) => ({ summary }),
  })
  return PASSED
}

/** What it had is given up at the first step: whatever fails afterwards leaves it to be seeded anew, with no slot that holds anything back. Of one table the
 *  others go on, whatever fails. */
async function reseed(replicating: Replicating): Promise<Outcome> {
  const { run, input, act, ref } = replicating
  const both = await look(replicating)
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }
  if (!(await approved(replicating, both))) return { status: 'rejected', verdict: null, findings: [] }
  if (both.grow !== undefined) await growStandby(replicating, both, both.grow)
  const on = { ...ref(STEPS.stop), sides: both.sides, epochs: both.epochs }
  await run.step(STEPS.stop, {
    do: () => act.replication.stopFollowing(on),
    undo: () => act.undoing.leaveToBeSeeded(on),
    detail: ({ summary }) => ({ summary }),
  })
  const { unlike, findings } = await followAgain(replicating, both)
  if (unlike) return takenBack(run, findings)
  for (const step of [STEPS.stop, REPLICATE_STEPS.publish, REPLICATE_STEPS.subscribe]) run.keep(step)
  return { status: 'succeeded', verdict: findings.length > 0 ? 'inconclusive' : 'pass', findings }
}

/** What it binds to is what it would be done to: the standby's names and instances, not how it stands, which changes by itself. */
async function approved({ run, input }: Replicating, planned: Pick<Looked, 'digest'>): Promise<boolean> {
  if (input.approval === 'none') return true
  const approval = await awaitApproval(run, {
    step: REPLICATE_STEPS.approve,
    planned,
    digestOf: ({ digest }) => digest,
    planAgain: () => Promise.resolve(planned),
    drifted: '',
  })
  return !approval.rejected
}

/** With either side out of reach as well: what stays there is told. */
async function remove(replicating: Replicating): Promise<Outcome> {
  const { run, input, act, ref } = replicating
  const both = await run.step(STEPS.look, {
    do: async () => {
      const source = await perhaps(act.asking.describeTarget(ref(STEPS.look)))
      const sides = { source, standby: await perhaps(act.askingStandby.describeStandby(ref(STEPS.look))) }
      return { sides, ...(await act.planning.examineStandby({ ...ref(STEPS.look), sides, locks: locksOf(replicating) })) }
    },
    detail: ({ state, digest }) => ({ summary: state, state, planDigest: digest }),
  })
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }
  if (!(await approved(replicating, both))) return { status: 'rejected', verdict: null, findings: [] }
  const { findings } = await run.step(STEPS.remove, {
    do: () => act.replication.removeStandby({ ...ref(STEPS.remove), sides: both.sides, epochs: both.epochs }),
    detail: ({ summary, findings: told }) => ({ summary, findings: told }),
  })
  return { status: 'succeeded', verdict: findings.length > 0 ? 'inconclusive' : 'pass', findings }
}

/** One that lost its entity has one again. */
function watch({ input, act, ref }: Replicating, { sides }: Sides): Promise<void> {
  return act.replication.startWatch({ ...ref(STEPS.resume), watch: watchOf({ input }, sides) })
}
