/** From the order to overwrite on: nothing is taken back, and what fails waits for a person. */
import { ApplicationFailure } from '@temporalio/workflow'
import { CONFIGURATION_PARTS, type ConfigurationPart } from '../../contracts/instance-configuration'
import type { InstanceAddress } from '../../contracts/migrate'
import type { Finding, StepDetail, StepName } from '../../contracts/operation'
import { type FreshBackup, keptFrom, OVERWRITE_STEPS as STEPS, wayBack } from '../../contracts/overwrite'
import type { Rung } from '../../contracts/verify-backup'
import { appliedUntilDone } from '../replace/prepare'
import type { Overwriting, Planned } from './overwriting'

interface GoingForward extends Overwriting {
  /** Steps that a person had left out, or did by hand. */
  readonly left: Finding[]
}

interface Act<T> {
  readonly do: () => Promise<T>
  readonly detail: (result: T) => StepDetail
}

/** Null: a person decided that the operation does not do it. */
async function onward<T>({ run, left }: GoingForward, step: StepName, act: Act<T>): Promise<T | null> {
  const done = await run.forward(step, act)
  if (done === null)
    left.push({ rule: `left:${step.id}`, message: `“${step.title}” was not done by the operation: a person decided so.` })
  return done
}

export async function goForward(going: GoingForward, planned: Planned, backup: FreshBackup): Promise<void> {
  await going.run.pointOfNoReturn(STEPS.overwrite, `the cloud is told to overwrite ${planned.source.instance}`)
  const overwritten = await overwriteInstance(going, backup)
  const address = overwritten ?? planned.source
  await settle(going, planned, address)
  // Of what a person put there, or left there, nothing is known: it is opened as it is.
  if (overwritten !== null) {
    await setUp(going, address)
    await verify(going, planned, address)
  }
  await admit(going)
}

async function overwriteInstance(
  going: GoingForward,
  { snapshot: fresh, takenAt: since }: FreshBackup,
): Promise<InstanceAddress | null> {
  const { act, ref, input } = going
  const step = ref(STEPS.overwrite)
  const back = wayBack(input.operation, input.database)
  // One that failed is begun once more only when a person says so.
  let failedBefore = 0
  return onward(going, STEPS.overwrite, {
    do: async () => {
      const { failure } = await act.forward.overwriteInstance({ ...step, snapshot: input.snapshot, since, failedBefore })
      if (failure === null) return act.instance.describeTarget(step)
      failedBefore += 1
      const message = `The cloud could not overwrite the instance: ${failure}. It may hold what it held, or nothing. A retry overwrites it once more; ${fresh} has what it held.`
      throw ApplicationFailure.nonRetryable(message, 'RESOURCE_FAILED')
    },
    detail: ({ host, port }) => ({ summary: `it holds ${input.snapshot}; the way back: ${back}`, host, port, wayBack: back }),
  })
}

/** What of it an earlier operation had closed is opened; by an authorized network applications still do not come in. */
async function settle(going: GoingForward, { fenceEpoch: epoch }: Planned, target: InstanceAddress): Promise<void> {
  const { act, ref } = going
  await onward(going, STEPS.settle, {
    do: () => act.settling.settleContent({ ...ref(STEPS.settle), target, epoch }),
    detail: ({ opened }) => ({
      summary:
        opened.length === 0
          ? 'nothing in it was closed'
          : `${opened.join(', ')} had been closed when it was backed up, and open now`,
    }),
  })
}

/** The networks come last: see `admit`. */
const PARTS: readonly ConfigurationPart[] = CONFIGURATION_PARTS.filter((part) => part !== 'network')

/** A restore in place leaves settings alone, by the vendor's word: this proves it, and gives back what was lost all the same. */
async function setUp(going: GoingForward, copy: InstanceAddress): Promise<void> {
  const { act, ref } = going
  const of = { ...ref(STEPS.setUp), copy }
  await onward(going, STEPS.setUp, {
    do: async () => {
      await appliedUntilDone(act.setUp, of, PARTS)
      await act.setUp.proveSetUp({ ...of, parts: PARTS, inert: false })
    },
    detail: () => ({ summary: 'as it was, but for its networks' }),
  })
}

interface Looked {
  readonly ladder: readonly Rung[]
  readonly checks: Awaited<ReturnType<Overwriting['act']['checks']['checkCopy']>>
}

async function verify(going: GoingForward, planned: Planned, copy: InstanceAddress): Promise<void> {
  const { input } = going
  await onward(going, STEPS.verify, {
    do: async () => {
      const { ladder, checks } = await looked(going, planned, copy)
      const findings = [
        ...ladder.filter(({ outcome }) => outcome === 'fail').flatMap((rung) => rung.findings),
        ...checks.findings,
      ]
      if (findings.length > 0) throw wanting(findings, wayBack(input.operation, input.database))
      const shown = ladder.map(({ id, outcome, summary }) =>
        outcome === 'not-proven' ? `${id} not proven: ${summary}` : summary,
      )
      return { summary: [...shown, checks.summary].join('; '), checkCount: checks.checkCount }
    },
    detail: (found) => found,
  })
}

/** Whatever becomes of it, nothing of the looking stays in the instance. */
async function looked(going: GoingForward, { source, takenBy }: Planned, copy: InstanceAddress): Promise<Looked> {
  const { act, ref } = going
  const of = { ...ref(STEPS.verify), copy, inPlace: true } as const
  const ladder: Rung[] = [await act.proof.checkAnswers({ ...of, engineVersion: source.engineVersion })]
  const look = async (): Promise<Looked> => {
    ladder.push(await act.proof.checkIntact(of))
    if (takenBy !== null) {
      const around = { before: takenBy, after: takenBy, at: null }
      ladder.push(await act.proof.checkContent({ ...of, around }))
    }
    return { ladder, checks: await act.checks.checkCopy(of) }
  }
  const found = await look().catch(async (error: unknown) => {
    // What failed is what a person is told, and no other failure that it may bring about here.
    await act.data.removeProof(of).catch(() => undefined)
    throw error
  })
  await act.data.removeProof(of)
  return found
}

/** The networks stay closed as long as it waits, which keeps off nobody who comes by a private address or a connector. */
function wanting(findings: readonly Finding[], back: string): ApplicationFailure {
  const said = findings.map(({ message }) => message).join(' ')
  const message = `What the instance holds is not what it has to be: ${said} Leave it out to let the applications in all the same; to go back, which takes whatever anybody committed meanwhile, leave it out and then: ${back}`
  return ApplicationFailure.nonRetryable(message, 'RESOURCE_FAILED')
}

async function admit(going: GoingForward): Promise<void> {
  const { act, ref, input } = going
  await onward(going, STEPS.admit, {
    do: () => act.forward.openNetworks(ref(STEPS.admit)),
    detail: () => ({
      summary: `whoever was let in before; the way back, until ${keptFrom(new Date().toISOString(), input.keepHours)} at least: ${wayBack(input.operation, input.database)}`,
    }),
  })
}
