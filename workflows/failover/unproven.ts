/** A fence that nobody can prove, of a source by which nobody is answered: where nobody has answered for that beforehand a person is asked, with all that was tried and met.
 *  Nothing is opened before that word, and a no takes all back. */
import { proxyActivities } from '@temporalio/workflow'
import type { InstanceFenceActivities } from '../../activities/instance-fence/contract'
import type { FailoverFence } from '../../contracts/failover'
import { TASK_QUEUES } from '../../contracts/messages'
import type { Sha256, StepDetail, StepName } from '../../contracts/operation'
import type { StandbySides } from '../../contracts/replicate'
import { isAnswered, judgedFromAll, toldKnock } from '../keep-fenced/elsewhere'
import { awaitApproval } from '../kit/approval'
import { lookTwice, quickAct } from '../kit/proxies'
import type { Run } from '../kit/run'
import { metEverywhere } from './places'
import { type Guarding, isAnsweredFor, isAskedOfUnproven, refused, unlessSilent } from './still'

/** Whoever waits for a writer waits for a cloud that hangs no longer than for one that says no. */
const LOOK_MS = 20_000

export function fenceDetail({ outcome, by, evidence, acknowledged }: FailoverFence): StepDetail {
  return {
    summary: `${outcome}: ${evidence.join('; ')}`,
    fence: outcome,
    fencedBy: by,
    ...(acknowledged !== null && { acknowledgedBy: acknowledged.by, acknowledgedWhy: acknowledged.reason }),
  }
}

export interface Tried {
  readonly fenced: FailoverFence
  /** It is not proven, and somebody may answer for that now. */
  readonly isAsked: boolean
}

interface Trying {
  readonly sides: StandbySides
  readonly fenced: FailoverFence
  /** Somebody was answered there: it serves again once all is taken back. Or somebody has lifted the fence, who wants that. */
  readonly isOver: boolean | undefined
}

/** What every place meets there is told besides, whatever its cloud says: whoever is answered is no silence. */
export async function triedInVain(over: Guarding, { sides, fenced, isOver }: Trying, step: StepName): Promise<Tried> {
  if (isAnsweredFor(fenced) || isOver || !isAskedOfUnproven()) return { fenced, isAsked: false }
  const probes = await metEverywhere(over, sides, over.ref(step))
  const evidence = [...new Set([...fenced.evidence, ...probes.map(toldKnock)])]
  return { fenced: { ...fenced, evidence }, isAsked: !probes.some(isAnswered) }
}

interface Digested {
  readonly digest: Sha256
}

export interface Answering extends Guarding {
  readonly run: Run
  readonly sides: StandbySides
  readonly steps: Readonly<Record<'fence' | 'approve', StepName>>
  /** Puts into the ledger what is asked. */
  readonly state: (fenced: FailoverFence) => Promise<Digested>
  readonly record: (fenced: FailoverFence) => Promise<unknown>
  /** Waits for what came while somebody read. */
  readonly settle: () => Promise<unknown>
}

/** Resolves to a fence that is proven by now, or that somebody answers for by name. Null: it was rejected. */
export async function answeredFor(answering: Answering, fenced: FailoverFence): Promise<FailoverFence | null> {
  const { run, steps, state, record, settle } = answering
  let found = fenced
  let stated = await state(found)
  const { rejected, by } = await awaitApproval(run, {
    step: steps.approve,
    planned: stated,
    digestOf: ({ digest }) => digest,
    planAgain: async () => {
      await settle()
      const now = await lookAgain(answering, found)
      // one that is proven by now is nothing to ask for once more
      if (now.outcome !== 'proven' && now !== found) stated = await state(now)
      found = now
      return stated
    },
    drifted: 'its cloud says that the source runs',
  })
  if (rejected) return null
  const reason = `approved behind the fence, by the plan ${stated.digest.slice(0, 12)}`
  const answered = found.outcome === 'proven' ? found : { ...found, acknowledged: { by, reason } }
  await record(answered)
  await run.record.update(steps.fence.id, 'done', fenceDetail(answered))
  return answered
}

/** Whoever was asked for hours is told nothing of a source that came back meanwhile: then all is taken back. One of which its cloud says by now that it runs is asked about
 *  anew; the same one where nothing is known that was not shown. */
async function lookAgain(answering: Answering, found: FailoverFence): Promise<FailoverFence> {
  const { act, ref, input, sides, steps, left } = answering
  const { source } = sides
  const at = { ...ref(steps.approve), target: { instance: source.instance, instanceId: source.instanceId } }
  const asking = proxyActivities<InstanceFenceActivities>({
    ...lookTwice(quickAct(TASK_QUEUES[input.cloud], input.heartbeatTimeoutMs)),
    scheduleToCloseTimeout: LOOK_MS,
  })
  const elsewhere = () => metEverywhere(answering, sides, ref(steps.approve))
  const said = await unlessSilent(asking.fenceState(at))
  if ('unasked' in said) {
    const probes = await elsewhere()
    if (probes.some(isAnswered)) throw cameBack(probes.map(toldKnock))
    return found
  }
  const ordered = { means: [], untaken: [], at: said.at }
  const own = act.proving.judgeFence({ ...at, address: source, said, ordered })
  const { lives, proven, runs, gone, evidence } = await judgedFromAll(own, elsewhere, (done) => void left.push(done))
  if (lives) throw cameBack(evidence)
  if (proven) {
    const staysShut = gone || said.lettingIn.length === 0
    return { ...found, outcome: 'proven', by: 'cloud', evidence, staysShut, at: said.at, acknowledged: null }
  }
  return runs && !found.runs ? { ...found, outcome: 'not-proven', evidence, runs } : found
}

function cameBack(evidence: readonly string[]): Error {
  return refused('FENCE_NOT_PROVEN', `The source came back while somebody was asked: ${evidence.join(' ')}`)
}
