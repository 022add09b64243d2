/** Takes one durable snapshot of a database's instance, between two looks at what it must hold, makes sure of it, copies it to other regions where
 *  the policy has some, and then removes what has outlived its retention. Nothing is removed before the new one is known to be good. It never
 *  waits for an approval: see docs/decisions/0004. */
import { isCancellation, patched } from '@temporalio/workflow'
import type { InstanceAddress } from '../../contracts/migrate'
import { type OperationResult, type StepDetail, temporaryName } from '../../contracts/operation'
import {
  type ExpiryRecord,
  type ManifestSummary,
  type SnapshotInput,
  SNAPSHOT_STEPS as STEPS,
  shownSize,
} from '../../contracts/snapshot'
import type { StepRef } from '../../contracts/step-ref'
import { failureRecord, isDefect } from '../kit/failures'
import { type Outcome, runOperation } from '../kit/operation'
import { arrangeRetirement } from '../retire-snapshot/arrange'
import { snapshotActivities } from './activities'
import { copyToRegions, expireCopies, findingsOf, type RegionExpiry } from './copies'
import type { Taken, Taking } from './taking'

export async function snapshot(input: SnapshotInput): Promise<OperationResult> {
  const act = snapshotActivities(input)
  const ref = (step: string): StepRef => ({ operation: input.operation, step, bundle: input.bundle })
  const lockScope = input.mode === 'plan' ? null : input.lockScope
  return runOperation({ ...input, lockScope }, (run) => takeUnderLock({ run, input, act, ref }))
}

async function takeUnderLock(taking: Taking): Promise<Outcome> {
  const { run, input, act, ref } = taking
  const target = await plan(taking)
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }

  const bracketed = patched('manifests')
  if (bracketed) await readManifest(taking, target, 'before')
  const taken = await take(taking, target)
  if (bracketed) await readManifest(taking, target, 'after')
  const { findings } = await run.step(STEPS.verify, {
    do: () => act.snapshot.verifySnapshot({ ...ref('verify'), snapshot: taken.snapshot }),
    detail: (verified) => ({ summary: verified.summary, findings: verified.findings, createdAt: verified.createdAt }),
  })
  // From here on it may be the last good one: an abort of the expiry must not take it back.
  run.keep(STEPS.take)
  if (findings.length > 0) return { status: 'failed', verdict: 'fail', findings }

  const copies = input.copies === undefined ? [] : await copyToRegions(taking, taken)
  await run.step(STEPS.expire, {
    do: async () => {
      const { instanceId } = target
      const here = await act.snapshot.expireSnapshots({ ...ref('expire'), instanceId, now: new Date().toISOString() })
      return { here, elsewhere: await expireCopies(taking, copies, target) }
    },
    detail: ({ here, elsewhere }) => expiryDetail(here, elsewhere),
    survey: async () => expiryDetail(await act.planning.surveyExpiry(ref('expire')), []),
  })
  const missing = findingsOf(copies)
  if (missing.length > 0) return { status: 'failed', verdict: 'fail', findings: missing }
  return { status: 'succeeded', verdict: 'pass', findings: [] }
}

async function plan({ run, input, act, ref }: Taking): Promise<InstanceAddress> {
  const { target, digest } = await run.step(STEPS.plan, {
    do: async () => {
      const address = await act.asking.describeTarget(ref('plan'))
      const { retentionHours } = input
      const planned = await act.planning.planSnapshot({
        ...ref('plan'),
        target: address,
        snapshotStep: STEPS.take.id,
        retentionHours,
      })
      return { target: address, ...planned }
    },
    detail: (planned) => ({
      summary: `${planned.target.instance}, ${shownSize(planned.sizeGib)}, kept ${planned.kept ?? `${input.retentionHours} h`}; ${planned.expiringCount} to remove`,
      planDigest: planned.digest,
    }),
  })
  await run.record.setStatus('running', { planDigest: digest })
  return target
}

/** The snapshot counts more than what is known of it: without a manifest it is taken all the same. */
async function readManifest({ run, act, ref }: Taking, target: InstanceAddress, which: 'before' | 'after'): Promise<void> {
  const step = which === 'before' ? STEPS.manifestBefore : STEPS.manifestAfter
  await run.step(step, {
    do: async (): Promise<ManifestSummary> => {
      try {
        return await act.manifest.takeManifest({ ...ref(step.id), target, snapshotStep: STEPS.take.id, which })
      } catch (error) {
        if (isDefect(error) || isCancellation(error)) throw error
        return { digest: null, summary: `no manifest: ${failureRecord(error).message}` }
      }
    },
    detail: ({ summary, digest }) => ({ summary, digest }),
  })
}

async function take({ run, input, act, ref }: Taking, { instanceId }: InstanceAddress): Promise<Taken> {
  const { retentionHours } = input
  const snapshot = temporaryName(input.operation, STEPS.take.id)
  return run.step(STEPS.take, {
    do: async () => {
      // Its retirement is arranged before it exists: no crash in between can leave a snapshot that nobody will ever remove.
      await arrangeRetirement({ ...input, snapshot })
      const startedAt = new Date().toISOString()
      const started = await act.snapshot.startSnapshot({ ...ref('take'), retentionHours, startedAt })
      await act.snapshot.awaitSnapshot({ ...ref('take'), ...started })
      return { snapshot, instanceId, startedAt }
    },
    undo: () => act.undoWaiting.awaitSnapshotRemoval({ ...ref('take'), snapshot, instanceId }),
    detail: () => ({ summary: snapshot, snapshot, retentionHours }),
  })
}

function expiryDetail(here: ExpiryRecord, elsewhere: readonly RegionExpiry[]): StepDetail {
  const there = elsewhere.map(({ why, ...one }) => ` In ${one.region}: ${why === null ? shownExpiry(one) : `not now, ${why}`}.`)
  const regions = elsewhere.map(({ region, removed }) => ({ region, removed }))
  const detail = { summary: `${shownExpiry(here)}${there.length > 0 ? '.' : ''}${there.join('')}`, removed: here.removed }
  return regions.length === 0 ? detail : { ...detail, elsewhere: regions }
}

function shownExpiry({ due, removed, kept }: Pick<ExpiryRecord, 'due' | 'removed' | 'kept'>): string {
  const left = kept.map(({ name, why }) => `, left ${name}: ${why}`).join('')
  const none = due.length === 0 ? 'nothing has expired' : `removed ${removed.length} of ${due.length}`
  return `${none}${left}`
}
