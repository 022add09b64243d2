/** From the look at both sides to a standby that is watched. */
import type { Finding, StepName } from '../../contracts/operation'
import { type DiskGrowth, REPLICATE_STEPS as STEPS } from '../../contracts/replicate'
import { awaitApproval } from '../kit/approval'
import type { Outcome } from '../kit/operation'
import { followAgain } from './follow'
import { describeDisks, growStandby } from './grow'
import { count, describeSides, locksOf, type Replicating, type Sides } from './replicating'
import { takenBack } from './taken-back'

export async function setUp(replicating: Replicating): Promise<Outcome> {
  const { input } = replicating
  const planned = await plan(replicating)
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }
  if (planned.blocks.length > 0) return { status: 'failed', verdict: 'fail', findings: planned.blocks }

  const approved = input.approval === 'none' ? planned : await approvedPlan(replicating, planned)
  if (approved === null) return { status: 'rejected', verdict: null, findings: [] }
  // an approval mends nothing
  if (approved.blocks.length > 0) return { status: 'failed', verdict: 'fail', findings: approved.blocks }

  return makeStandby(replicating, approved)
}

/** `kept`: what stands besides once it follows. */
export async function makeStandby(replicating: Replicating, approved: Planned, kept: readonly StepName[] = []): Promise<Outcome> {
  const { run } = replicating
  if (approved.grow !== undefined) await growStandby(replicating, approved, approved.grow)
  const differing = await buildSchema(replicating, approved)
  if (differing.length > 0) return takenBack(run, differing)
  const { unlike, findings } = await followAgain(replicating, approved)
  if (unlike) return takenBack(run, findings)
  // from here on it is a standby: what comes to be of it the watch tells
  for (const step of [...kept, STEPS.schema, STEPS.publish, STEPS.subscribe]) run.keep(step)
  return { status: 'succeeded', verdict: findings.length > 0 ? 'inconclusive' : 'pass', findings }
}

interface Planned extends Sides {
  readonly digest: string
  readonly blocks: readonly Finding[]
  readonly warnings: number
  readonly tables: readonly string[]
  readonly bytes: number
  readonly grow?: DiskGrowth
}

async function plan(replicating: Replicating): Promise<Planned> {
  const planned = await look(replicating)
  await replicating.run.record.setStatus('running', { planDigest: planned.digest })
  return planned
}

export async function look(replicating: Replicating): Promise<Planned> {
  return replicating.run.step(STEPS.plan, {
    do: () => planBoth(replicating, STEPS.plan),
    detail: ({ digest, blocks, warnings, tables, bytes }) => ({
      summary: `${count(tables.length, 'table')}, ${(bytes / 1e6).toFixed(1)} MB${blocks.length === 0 ? '' : `; ${count(blocks.length, 'finding')} to be mended first`}${warnings === 0 ? '' : `; ${count(warnings, 'warning')}`}`,
      planDigest: digest,
      findings: blocks,
    }),
  })
}

async function planBoth(replicating: Replicating, step: StepName): Promise<Planned> {
  const { act, ref } = replicating
  const sides = await describeSides(replicating, step)
  const disks = await describeDisks(replicating, step)
  const planned = await act.planning.planReplication({
    ...ref(step),
    sides,
    locks: locksOf(replicating),
    ...(disks !== undefined && { disks }),
  })
  const { digest, epochs, blocks, warnings, tables, bytes, grow: growth } = planned
  return { sides, digest, epochs, blocks, warnings, tables, bytes, ...(growth !== undefined && { grow: growth }) }
}

/** Null: it was rejected. */
async function approvedPlan(replicating: Replicating, planned: Planned): Promise<Planned | null> {
  const approval = await awaitApproval(replicating.run, {
    step: STEPS.approve,
    planned,
    digestOf: ({ digest }) => digest,
    planAgain: () => planBoth(replicating, STEPS.approve),
    drifted: 'one of both sides has changed',
  })
  return approval.rejected ? null : approval.planned
}

async function buildSchema({ run, act, ref }: Replicating, { sides, epochs }: Planned): Promise<readonly Finding[]> {
  const on = { ...ref(STEPS.schema), sides, epochs }
  const { findings } = await run.step(STEPS.schema, {
    do: async () => {
      await act.replication.openStandby(on)
      return act.replication.buildSchema(on)
    },
    undo: () => act.undoing.discardStandby(on),
    detail: ({ summary, findings: found }) => ({ summary, findings: found }),
  })
  return findings
}
