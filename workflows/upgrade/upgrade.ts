/** A cloud puts a changed copy of an instance in its place. Until it is told to switch over everything is taken back by removing the copy; from then on there is only
 *  forward: either green has taken over, or the cloud has taken it back, and blue writes as before. */
import { sleep } from '@temporalio/workflow'
import type { InstanceAddress } from '../../contracts/migrate'
import type { Finding, OperationResult, StepName } from '../../contracts/operation'
import type { StepRef } from '../../contracts/step-ref'
import {
  type Green,
  type GreenProven,
  type PlacesNow,
  UPGRADE_STEPS as STEPS,
  type SwitchEnd,
  UPGRADE_DOUBTS,
  type UpgradeInput,
  type UpgradePlanSummary,
  type UpgradeProven,
} from '../../contracts/upgrade'
import { awaitApproval } from '../kit/approval'
import { type Outcome, runOperation } from '../kit/operation'
import type { Run } from '../kit/run'
import { upgradeActivities } from './activities'

interface Upgrading {
  readonly run: Run
  readonly input: UpgradeInput
  readonly act: ReturnType<typeof upgradeActivities>
  readonly ref: (step: StepName) => StepRef
  /** Of the lock; 0: none is held. */
  readonly locked: number
}

interface Planned extends UpgradePlanSummary {
  readonly blue: InstanceAddress
}

interface Ready extends Planned {
  readonly green: Green
}

export async function upgrade(input: UpgradeInput): Promise<OperationResult> {
  const act = upgradeActivities(input)
  const ref = ({ id: step }: StepName): StepRef => ({ operation: input.operation, step, bundle: input.bundle })
  const lockScope = input.mode === 'plan' ? null : input.lockScope
  return runOperation({ ...input, lockScope }, (run, { epoch: locked }) => underLock({ run, input, act, ref, locked }))
}

async function underLock(upgrading: Upgrading): Promise<Outcome> {
  const { run, input, act, ref } = upgrading
  const planned = await run.step(STEPS.plan, {
    do: () => plan(upgrading),
    detail: ({ summary, blocks, digest }) => ({ summary, findings: blocks, planDigest: digest }),
  })
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }
  await run.record.setStatus('running', { planDigest: planned.digest })
  if (planned.blocks.length > 0) return { status: 'failed', verdict: 'fail', findings: planned.blocks }
  const green = await run.step(STEPS.green, {
    do: () => makeGreen(upgrading, planned),
    undo: () => act.undoing.removeDeployment({ ...ref(STEPS.green), withGreen: true }),
    detail: ({ summary, address }) => ({ summary, green: address.instance }),
  })
  const ready = { ...planned, green }
  const proven = await run.step(STEPS.proveGreen, {
    do: () => prove(upgrading, ready, STEPS.proveGreen),
    detail: ({ summary, findings, digest }) => ({ summary, findings, planDigest: digest }),
  })
  if (proven.findings.length > 0) return giveUp(upgrading, { status: 'failed', verdict: 'fail', findings: proven.findings })
  if (input.approval !== 'none') {
    const approved = await approvedProof(upgrading, ready, proven)
    if (approved === null) return giveUp(upgrading, { status: 'rejected', verdict: null, findings: [] })
    // an approval mends nothing
    if (approved.findings.length > 0) return giveUp(upgrading, { status: 'failed', verdict: 'fail', findings: approved.findings })
  }
  await run.step(STEPS.mark, {
    do: () => act.holding.markBlue({ ...both(upgrading, ready, STEPS.mark), epoch: planned.epoch }),
    detail: ({ summary }) => ({ summary }),
  })
  await run.pointOfNoReturn(
    STEPS.switch,
    'the cloud switches over, and cannot be told to stop; nothing leads back to blue but what you do yourself',
  )
  return goForward(upgrading, ready)
}

async function plan({ act, ref, input, locked }: Upgrading): Promise<Planned> {
  const on = ref(STEPS.plan)
  const seen = await act.asking.lookAtBlue(on)
  const lock = input.mode === 'plan' ? null : { scope: input.lockScope, epoch: locked }
  return { ...(await act.askingData.planUpgrade({ ...on, ...seen, lock })), blue: seen.blue }
}

async function makeGreen({ act, ref }: Upgrading, { blue }: Planned): Promise<Green> {
  await act.making.startGreen({ ...ref(STEPS.green), blue })
  return act.awaitingGreen.awaitGreen(ref(STEPS.green))
}

function both({ ref }: Upgrading, { blue, green }: Ready, step: StepName) {
  return { ...ref(step), blue, green: green.address }
}

function prove(upgrading: Upgrading, ready: Ready, step: StepName): Promise<GreenProven> {
  return upgrading.act.holding.proveGreen({ ...both(upgrading, ready, step), plan: ready.digest })
}

/** Null: it was rejected. */
async function approvedProof(upgrading: Upgrading, ready: Ready, proven: GreenProven): Promise<GreenProven | null> {
  const approval = await awaitApproval(upgrading.run, {
    step: STEPS.approve,
    planned: proven,
    digestOf: ({ digest }) => digest,
    planAgain: () => prove(upgrading, ready, STEPS.approve),
    drifted: 'green, or what it is held against, has changed',
  })
  return approval.rejected ? null : approval.planned
}

/** Green goes, as a step of its own: that nobody wanted it is no failure. */
async function giveUp({ run }: Upgrading, outcome: Outcome): Promise<Outcome> {
  run.conclude()
  await run.takeBack(STEPS.remove, STEPS.green)
  return outcome
}

async function goForward(upgrading: Upgrading, ready: Ready): Promise<Outcome> {
  const { run } = upgrading
  const end = await run.forward(STEPS.switch, {
    do: () => haveSwitched(upgrading, ready),
    detail: ({ summary, outcome }) => ({ summary, outcome }),
    needed: 'the cloud may be at it still. Say that it is done once you have seen it end, one way or the other',
  })
  for (;;) {
    const proven = await whoWrites(upgrading, ready)
    // nothing was concluded, and green is left alone
    if (proven === null) return { status: 'failed', verdict: 'inconclusive', findings: [left(STEPS.prove), left(STEPS.remove)] }
    if (proven.word.writer === 'green') return afterwards(upgrading, ready, proven)
    const removed = await remove(upgrading, true)
    if (removed === 'took-over') continue
    return { status: 'failed', verdict: 'fail', findings: [stayed(ready, end), ...notRemoved(removed)] }
  }
}

interface Writing {
  readonly places: PlacesNow
  readonly word: UpgradeProven
}

function whoWrites(upgrading: Upgrading, ready: Ready): Promise<Writing | null> {
  const { run, act } = upgrading
  const on = both(upgrading, ready, STEPS.prove)
  return run.forward(STEPS.prove, {
    do: async () => {
      // whatever it said before: which id has the name is told last
      const places = await act.awaiting.placesNow(on)
      return { places, word: await act.proving.proveUpgraded({ ...on, epoch: ready.epoch, places }) }
    },
    detail: ({ word: { evidence, writer, other } }) => ({ summary: evidence.join('; '), writer, other }),
    needed:
      'green may not be removed before it is known whether it is production. Have it tried again, which asks the cloud and both anew',
  })
}

async function afterwards(upgrading: Upgrading, ready: Ready, { places, word }: Writing): Promise<Outcome> {
  const { run, act, input } = upgrading
  const watched = await run.forward(STEPS.observe, {
    do: async () => {
      await sleep(Math.max(1, input.observeMs))
      return act.proving.watchWriter({ ...both(upgrading, ready, STEPS.observe), epoch: ready.epoch, places })
    },
    detail: ({ summary }) => ({ summary }),
  })
  const removed = await remove(upgrading, false)
  const findings = [...word.findings, ...doubts(word), ...(watched === null ? [left(STEPS.observe)] : []), ...notRemoved(removed)]
  return { status: 'succeeded', verdict: verdictOf(word, findings), findings }
}

function verdictOf({ findings: told }: UpgradeProven, all: readonly Finding[]): Outcome['verdict'] {
  if (told.some(({ rule }) => !(UPGRADE_DOUBTS as readonly string[]).includes(rule))) return 'fail'
  return all.length > 0 ? 'inconclusive' : 'pass'
}

async function haveSwitched(upgrading: Upgrading, ready: Ready): Promise<SwitchEnd> {
  const { act } = upgrading
  const on = both(upgrading, ready, STEPS.switch)
  const { refused } = await act.beginning.beginSwitch(on)
  if (refused !== null) return { outcome: 'stayed', summary: refused }
  return act.awaiting.awaitSwitch(on)
}

type Removed = 'gone' | 'took-over' | null

/** Of the deployment; with green where that came to nothing. Null: a person decided that it stays. */
async function remove({ run, act, ref }: Upgrading, withGreen: boolean): Promise<Removed> {
  return run.forward(STEPS.remove, {
    do: () => act.awaiting.removeDeployment({ ...ref(STEPS.remove), withGreen, afterCall: true }),
    detail: (removed) => ({ summary: removedWords(removed, withGreen) }),
  })
}

function removedWords(removed: Removed, withGreen: boolean): string {
  if (removed === 'took-over') return 'green has taken over after all, and was left alone: who writes is asked again'
  return withGreen ? 'the deployment is gone, and green with it' : 'the deployment is gone; the old instance stays'
}

const notRemoved = (removed: Removed): Finding[] => (removed === null ? [left(STEPS.remove)] : [])

function stayed({ blue, green }: Ready, end: SwitchEnd | null): Finding {
  const why = end === null ? '' : `: ${end.summary}`
  const message = `Nothing was switched over. ${blue.instance} takes writes as before, and ${green.address.instance} was not put in its place${why}`
  return { rule: 'upgrade:stayed', message }
}

function doubts({ other, evidence }: UpgradeProven): Finding[] {
  if (other === 'refuses') return []
  return [
    {
      rule: 'upgrade:old-silent',
      message: `The old instance was not seen to refuse a write: ${evidence.at(-1) ?? 'it did not say'}.`,
    },
  ]
}

function left({ id, title }: StepName): Finding {
  return { rule: `left:${id}`, message: `“${title}” was not done by the operation: a person decided so.` }
}
