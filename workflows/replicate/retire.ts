/** An old writer that is to serve nobody any more. What it holds stays: in its last snapshot, which comes first, and in its instance, which nothing of ours removes. */
import type { Finding } from '../../contracts/operation'
import { REPLICATE_STEPS } from '../../contracts/replicate'
import { type RetiredWriter, RETIRE_STEPS as STEPS } from '../../contracts/retire'
import { fenceByCloud } from '../keep-fenced/fence-by-cloud'
import { awaitApproval } from '../kit/approval'
import type { Outcome } from '../kit/operation'
import { describeSides, locksOf, type Replicating } from './replicating'

/** How long its cloud may take to close and stop it. */
const STOP_MS = 10 * 60_000
const KEEP_EVERY_MS = 60_000

export async function retire(replicating: Replicating): Promise<Outcome> {
  const { run, input, act, ref } = replicating
  const found = await run.step(STEPS.find, {
    do: () => act.finding.findRetired(ref(STEPS.find)),
    detail: ({ summary, digest }) => ({ summary, planDigest: digest }),
  })
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }
  await run.record.setStatus('running', { planDigest: found.digest })
  const retired = input.approval === 'none' ? found : await approved(replicating, found)
  if (retired === null) return { status: 'rejected', verdict: null, findings: [] }

  const { fence } = retired
  if (fence !== null)
    await run.step(STEPS.letIn, {
      do: () =>
        act.fencing.letUsIn({
          ...{ ...ref(STEPS.letIn), bundle: fence.bundle, target: retired.target },
          ...{ by: input.requestedBy, reason: 'its last snapshot' },
        }),
      detail: ({ host, port }) => ({ summary: `it runs for the control plane alone, at ${host}:${port}` }),
    })
  await takeLast(replicating, retired)
  const findings = [...(retired.follows ? await unfollow(replicating) : []), ...(await close(replicating, retired))]
  return { status: 'succeeded', verdict: findings.length > 0 ? 'inconclusive' : 'pass', findings }
}

async function approved({ run, act, ref }: Replicating, found: RetiredWriter): Promise<RetiredWriter | null> {
  const { rejected, planned } = await awaitApproval(run, {
    step: REPLICATE_STEPS.approve,
    planned: found,
    digestOf: ({ digest }) => digest,
    planAgain: () => act.finding.findRetired(ref(REPLICATE_STEPS.approve)),
    drifted: 'what is known of the old writer has changed',
  })
  return rejected ? null : planned
}

/** It stays, whatever comes later: it may be all that is left of what the old writer held. */
async function takeLast({ run, act, ref }: Replicating, { bundle, retentionHours }: RetiredWriter): Promise<void> {
  const step = STEPS.snapshot
  const own = { ...ref(step), bundle }
  await run.step(step, {
    do: async () => {
      const started = await act.taking.startSnapshot({ ...own, retentionHours, startedAt: new Date().toISOString() })
      await act.taking.awaitSnapshot({ ...own, ...started })
      return started
    },
    detail: ({ snapshot }) => ({ summary: `${snapshot}, which nothing of ours removes`, snapshot }),
  })
}

async function unfollow(replicating: Replicating): Promise<readonly Finding[]> {
  const { run, act, ref } = replicating
  const step = STEPS.remove
  const { findings } = await run.step(step, {
    do: async () => {
      const sides = await describeSides(replicating, step)
      const { epochs } = await act.planning.examineStandby({ ...ref(step), sides, locks: locksOf(replicating) })
      return act.replication.removeStandby({ ...ref(step), sides, epochs })
    },
    detail: ({ summary, findings: told }) => ({ summary, findings: told }),
  })
  return findings
}

async function close(replicating: Replicating, retired: RetiredWriter): Promise<readonly Finding[]> {
  const { run, input, act, ref, locked } = replicating
  const old = await run.step(STEPS.shut, {
    do: async () => {
      const address = await act.askingStandby.describeStandby(ref(STEPS.shut))
      const lock = { scope: input.standbyLockScope, epoch: locked.standby }
      const { summary } = await act.rebuilding.shutRetired({ ...ref(STEPS.shut), retired, old: address, lock })
      return { summary, address }
    },
    detail: ({ summary }) => ({ summary }),
  })
  if (input.stop !== true && retired.fence === null) return []
  const { outcome, summary } = await run.step(STEPS.stop, {
    do: () =>
      fenceByCloud({
        ...{ ref: { ...ref(STEPS.stop), bundle: retired.bundle }, cloud: input.standbyCloud, target: old.address },
        ...{ requestedBy: input.requestedBy, reason: `${input.operation} has retired it` },
        ...{ withinMs: STOP_MS, keepEveryMs: KEEP_EVERY_MS, heartbeatTimeoutMs: input.heartbeatTimeoutMs },
      }),
    detail: (fenced) => ({ summary: `${fenced.outcome}: ${fenced.summary}`, fence: fenced.outcome }),
  })
  if (outcome === 'proven') return []
  return [{ rule: 'retire:stopped', message: `Its cloud was told to close and stop it, and that is not proven: ${summary}` }]
}
