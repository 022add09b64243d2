/** What is done with a standby that there is. Whatever it is, the ledger has it in the order in which a crash in between is told rightly: what ceases it says
 *  before, what begins it says afterwards. */
import type { StandbyAction } from '../../contracts/replicate'
import { REPLICATE_STEPS, STANDBY_STEPS as STEPS } from '../../contracts/replicate'
import type { Outcome } from '../kit/operation'
import { followAgain } from './follow'
import { describeSides, locksOf, perhaps, type Replicating, type Sides, watchOf } from './replicating'

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
async function look(replicating: Replicating): Promise<Sides> {
  const { run, act, ref } = replicating
  return run.step(STEPS.look, {
    do: async () => {
      const sides = await describeSides(replicating, STEPS.look)
      const { epochs, state } = await act.planning.examineStandby({ ...ref(STEPS.look), sides, locks: locksOf(replicating) })
      return { sides, epochs, state }
    },
    detail: ({ state }) => ({ summary: state, state }),
  })
}

async function pause(replicating: Replicating): Promise<Outcome> {
  const { run, input, act, ref } = replicating
  const both = await look(replicating)
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }
  const on = { ...ref(STEPS.pause), ...both }
  await run.step(STEPS.pause, {
    do: () => act.replication.pauseStandby({ ...on, by: input.requestedBy }),
    undo: () => act.undoing.resumeStandby(on),
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
    do: () => act.replication.resumeStandby(on),
    undo: () => act.undoing.pauseStandby({ ...on, by: input.requestedBy }),
    detail: ({ summary }) => ({ summary }),
  })
  await watch(replicating, both)
  return PASSED
}

/** What it had is given up at the first step: whatever fails afterwards leaves it to be seeded anew, with no slot that holds anything back. */
async function reseed(replicating: Replicating): Promise<Outcome> {
  const { run, input, act, ref } = replicating
  const both = await look(replicating)
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }
  await run.step(STEPS.stop, {
    do: () => act.replication.stopFollowing({ ...ref(STEPS.stop), ...both }),
    detail: ({ summary }) => ({ summary }),
  })
  const { unlike, findings } = await followAgain(replicating, both)
  // that they differ after a fresh copy is for a person to look at: it stays, and is told
  if (unlike) await watch(replicating, both)
  for (const step of [REPLICATE_STEPS.publish, REPLICATE_STEPS.subscribe]) run.keep(step)
  if (unlike) return { status: 'failed', verdict: 'fail', findings }
  return { status: 'succeeded', verdict: findings.length > 0 ? 'inconclusive' : 'pass', findings }
}

/** With either side out of reach as well: what stays there is told. */
async function remove(replicating: Replicating): Promise<Outcome> {
  const { run, input, act, ref } = replicating
  const both = await run.step(STEPS.look, {
    do: async () => {
      const source = await perhaps(act.asking.describeTarget(ref(STEPS.look)))
      const sides = { source, standby: await perhaps(act.askingStandby.describeStandby(ref(STEPS.look))) }
      const { epochs, state } = await act.planning.examineStandby({ ...ref(STEPS.look), sides, locks: locksOf(replicating) })
      return { sides, epochs, state }
    },
    detail: ({ state }) => ({ summary: state, state }),
  })
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }
  const { findings } = await run.step(STEPS.remove, {
    do: () => act.replication.removeStandby({ ...ref(STEPS.remove), sides: both.sides, epochs: both.epochs }),
    detail: ({ summary, findings: told }) => ({ summary, findings: told }),
  })
  return { status: 'succeeded', verdict: findings.length > 0 ? 'inconclusive' : 'pass', findings }
}

/** One that lost its entity has one again. */
async function watch(replicating: Replicating, both: Sides): Promise<void> {
  const { run, act, ref } = replicating
  const step = REPLICATE_STEPS.watch
  await run.step(step, {
    do: () => act.replication.beginWatch({ ...ref(step), ...both, watch: watchOf(replicating, both.sides) }),
    detail: ({ summary }) => ({ summary }),
  })
}
