/** Before anything of production is touched: the copy, set up and verified, and what taking its place would lose. All of it goes with the copy. */
import { ApplicationFailure } from '@temporalio/workflow'
import type { ConfigurationPart } from '../../contracts/instance-configuration'
import type { InstanceAddress } from '../../contracts/migrate'
import type { Finding, IsoInstant } from '../../contracts/operation'
import { REPLACE_STEPS as STEPS } from '../../contracts/replace'
import type { Rung } from '../../contracts/verify-backup'
import { makeInertCopy } from '../restore/make-copy'
import type { Planned } from './plan'
import type { Pair, Replacing } from './replacing'

/** As long as it is inert nobody else is let in, and what is protected could not be removed. */
const QUIET_PARTS = ['parameters', 'capacity', 'availability', 'backups', 'maintenance', 'monitoring', 'tags'] as const

export async function makeReplacement({ run, input, act, ref }: Replacing, planned: Planned): Promise<InstanceAddress> {
  return run.step(STEPS.copy, {
    // Nobody removes by the clock what may take an instance's place.
    do: () =>
      makeInertCopy({
        act: { ...act, asking: act.dormancy },
        input,
        point: input.point,
        ref: ref(STEPS.copy),
        planned,
        keepHours: null,
        expiresAt: () => null,
      }),
    undo: async () => {
      await act.undoing.startCanaryRemoval(ref(STEPS.copy))
      await act.undoWaiting.awaitCanaryRemoval(ref(STEPS.copy))
    },
    detail: ({ instance, host, port }) => ({ summary: `${instance} at ${host}:${port}`, instance, host, port }),
  })
}

export async function setUp({ run, act, ref }: Replacing, copy: InstanceAddress): Promise<InstanceAddress> {
  const of = { ...ref(STEPS.setUp), copy }
  const { address } = await run.step(STEPS.setUp, {
    do: async () => {
      const { notCarried } = await appliedUntilDone(act.setUp, of, QUIET_PARTS)
      await act.setUp.proveSetUp({ ...of, parts: QUIET_PARTS, inert: true })
      const standing = await act.instance.awaitInstance({ ...ref(STEPS.setUp), instance: copy.instance })
      await act.schema.proveInert({ ...ref(STEPS.setUp), canary: standing })
      return { address: standing, notCarried }
    },
    detail: ({ notCarried }) => ({
      summary: notCarried.length === 0 ? 'as it was, but inert' : `as it was, but inert, and without ${notCarried.join('; ')}`,
      notCarried,
    }),
  })
  return address
}

type SetUp = Pick<Replacing['act']['setUp'], 'applySetUp' | 'letAct' | 'restartReplacement'>
type Of = Parameters<SetUp['restartReplacement']>[0]

/** What a restart brought may ask for another one; what asks for more than these never has enough. */
const RESTARTS_MAX = 10

async function restartedUntilDone<T extends { readonly restartNeeded: boolean }>(
  act: SetUp,
  of: Of,
  ask: () => Promise<T>,
): Promise<T> {
  for (let restarts = 0; ; restarts += 1) {
    const asked = await ask()
    if (!asked.restartNeeded) return asked
    if (restarts === RESTARTS_MAX) {
      const message = `Instance ${of.copy.instance} was restarted ${restarts} times, and still waits for a restart.`
      throw ApplicationFailure.nonRetryable(message, 'RESOURCE_FAILED')
    }
    await act.restartReplacement(of)
  }
}

export function appliedUntilDone(act: SetUp, of: Of, parts: readonly ConfigurationPart[]) {
  return restartedUntilDone(act, of, () => act.applySetUp({ ...of, parts }))
}

export function releasedUntilDone(act: SetUp, of: Of) {
  return restartedUntilDone(act, of, () => act.letAct(of))
}

/** What the copy is held against before anybody is asked whether it may take over. */
export async function verify({ run, act, ref }: Replacing, planned: Planned, copy: InstanceAddress): Promise<readonly Finding[]> {
  const of = { ...ref(STEPS.verify), copy }
  const { point, engineVersion, instanceId, takenBy } = planned
  const { findings } = await run.step(STEPS.verify, {
    do: async () => {
      const answers = await act.proof.checkAnswers({ ...of, engineVersion })
      const ladder: Rung[] = [answers]
      if (answers.outcome === 'fail') return { findings: answers.findings, summary: answers.summary }
      if (point.kind === 'moment') ladder.push(await act.proof.checkReached({ ...of, at: point.at, instanceId }))
      ladder.push(await act.proof.checkIntact(of))
      if (takenBy !== null) {
        const around = { before: takenBy, after: takenBy, at: null }
        ladder.push(await act.proof.checkContent({ ...of, around }))
      }
      const checks = await act.checks.checkCopy(of)
      await act.data.removeProof(of)
      const findings = [
        ...ladder.filter(({ outcome }) => outcome === 'fail').flatMap((rung) => rung.findings),
        ...checks.findings,
      ]
      const shown = ladder.map(({ id, outcome, summary }) =>
        outcome === 'not-proven' ? `${id} not proven: ${summary}` : summary,
      )
      return { findings, summary: [...shown, checks.summary].join('; ') }
    },
    detail: (found) => found,
  })
  return findings
}

export async function report({ run, input, act, ref }: Replacing, planned: Planned, { old: live, copy }: Pair) {
  const { digest: plan, point } = planned
  return run.step(STEPS.report, {
    do: () => act.data.reportDelta({ ...ref(STEPS.report), copy, live, from: momentOf(point), compareMs: input.compareMs, plan }),
    detail: ({ summary, lostRows, exact, digest, question }) => ({ summary, lostRows, exact, deltaDigest: digest, question }),
  })
}

export function momentOf(point: Planned['point']): IsoInstant | null {
  return point.kind === 'snapshot' ? point.createdAt : point.at
}
