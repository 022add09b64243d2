/** An old writer that a failover gave up is back: what it has alone is told, and brought over by key where that is asked for. It stays fenced: it is started for the
 *  control plane alone, and applications come in by no network of it. Only rows that the new writer lacks go over, approved before the first is written. */
import type { InstanceAddress } from '../../contracts/migrate'
import type { Finding, OperationResult, StepName } from '../../contracts/operation'
import { type SalvageInput, type SalvageSummary, SALVAGE_STEPS as STEPS } from '../../contracts/salvage'
import type { StepRef } from '../../contracts/step-ref'
import { type Outcome, runOperation } from '../kit/operation'
import type { Run } from '../kit/run'
import { type BringBackInput, bringBack, wantedOf } from '../recover-rows/bring-back'
import { salvageActivities } from './activities'

interface Salvaging {
  readonly run: Run
  readonly input: SalvageInput
  readonly act: ReturnType<typeof salvageActivities>
  readonly ref: (step: StepName) => StepRef
  readonly lockEpoch: number
}

export async function salvage(input: SalvageInput): Promise<OperationResult> {
  const act = salvageActivities(input)
  const ref = ({ id: step }: StepName): StepRef => ({ operation: input.operation, step, bundle: input.bundle })
  const lockScope = input.mode === 'plan' ? null : input.lockScope
  return runOperation({ ...input, lockScope }, (run, { epoch }) => underLock({ run, input, act, ref, lockEpoch: epoch }))
}

async function underLock(salvaging: Salvaging): Promise<Outcome> {
  const { run, input, act, ref, lockEpoch } = salvaging
  const { target, fenceBundle } = await plan(salvaging)
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }
  const old = await run.step(STEPS.letIn, {
    // in the bundle of its fence it is the database itself
    do: () =>
      act.lettingIn.letUsIn({ ...ref(STEPS.letIn), bundle: fenceBundle, target, by: input.requestedBy, reason: 'salvage' }),
    detail: ({ host, port }) => ({ summary: `it runs for the control plane alone, at ${host}:${port}` }),
  })
  const { writer, findings, left = [] } = await report(salvaging, old)
  if (input.merge.length === 0) return { status: 'succeeded', verdict: findings.length > 0 ? 'fail' : 'pass', findings }
  const brought = await bringBack({ run, act, ref, lockEpoch, input: rowsOf(input) }, { source: writer, copy: old })
  if (left.length === 0 || brought.verdict === null) return brought
  return { ...brought, verdict: 'fail', findings: [...brought.findings, ...left] }
}

const rowsOf = ({ lockScope, merge, fireTriggers, published, approval }: SalvageInput): BringBackInput => ({
  ...{ lockScope, tables: merge, schemas: [], where: null, fireTriggers, published, approval },
})

async function plan({ run, input, act, ref }: Salvaging) {
  const on = ref(STEPS.plan)
  return run.step(STEPS.plan, {
    do: async () => {
      const planned = await act.asking.planSalvage(on)
      if (input.merge.length === 0) return planned
      const source = await act.instance.describeTarget(on)
      const { summary } = await act.examining.examineTables({ ...on, source, wanted: wantedOf(rowsOf(input)) })
      return { ...planned, summary: `${planned.summary}; rows go over to ${summary}` }
    },
    detail: ({ summary }) => ({ summary }),
  })
}

async function report(
  { run, act, ref }: Salvaging,
  old: InstanceAddress,
): Promise<SalvageSummary & { readonly writer: InstanceAddress; readonly findings: readonly Finding[] }> {
  const on = ref(STEPS.report)
  return run.step(STEPS.report, {
    do: async () => {
      const writer = await act.instance.describeTarget(on)
      return { ...(await act.reporting.reportRows({ ...on, old, writer })), writer }
    },
    detail: ({ summary, findings }) => ({ summary, findings }),
  })
}
