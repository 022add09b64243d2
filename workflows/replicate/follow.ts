/** From the publication to the comparison: what setting a standby up and seeding it anew have in common. */
import { isCancellation, patched, sleep } from '@temporalio/workflow'
import type { Finding } from '../../contracts/operation'
import { REPLICATE_STEPS as STEPS } from '../../contracts/replicate'
import { failureRecord, isDefect } from '../kit/failures'
import { SILENT } from '../kit/proxies'
import { type Replicating, type Sides, watchOf } from './replicating'

export interface Following {
  /** Rows differ: it is no standby. */
  readonly unlike: boolean
  /** Also what could not be compared. */
  readonly findings: readonly Finding[]
}

/** Its last step hands the standby over to the watch, unless rows differ. */
export async function followAgain(replicating: Replicating, both: Sides): Promise<Following> {
  await subscribe(replicating, both)
  await copy(replicating, both)
  const compared = await compare(replicating, both)
  if (!compared.unlike) await watch(replicating, both)
  return compared
}

/** Undone in the other order, subscription before slot before publication: a slot outlives whoever reads it, and holds production's log back. */
async function subscribe(replicating: Replicating, both: Sides): Promise<void> {
  const { run, act, ref } = replicating
  const publishing = { ...ref(STEPS.publish), ...both }
  await run.step(STEPS.publish, {
    do: async () => {
      await act.replication.startWatch({ ...ref(STEPS.publish), watch: watchOf(replicating, both.sides) })
      return act.replication.publish(publishing)
    },
    undo: () => act.undoing.unpublish(publishing),
    detail: ({ summary }) => ({ summary }),
  })
  const subscribing = { ...ref(STEPS.subscribe), ...both }
  await run.step(STEPS.subscribe, {
    do: () => act.replication.subscribe(subscribing),
    undo: () => act.undoing.unsubscribe(subscribing),
    detail: ({ summary }) => ({ summary }),
  })
}

async function copy(replicating: Replicating, both: Sides): Promise<void> {
  const { run, act, ref } = replicating
  await run.step(STEPS.copy, {
    do: () => awaitCopy(replicating, both),
    detail: ({ summary }) => ({ summary }),
  })
  await run.step(STEPS.indexes, {
    do: () => act.replication.buildIndexes({ ...ref(STEPS.indexes), ...both }),
    detail: ({ summary }) => ({ summary }),
  })
}

const FIRST_PAUSE_MS = 2_000
/** A disk is made larger by a person, or by a cloud, within minutes. */
const LONGEST_PAUSE_MS = 60_000

/** A side that does not answer is waited for: PostgreSQL goes on by itself once it does, and the watch sees to it that the source does not run full. What is lacking
 *  meanwhile is asked of the standby's cloud, and told. */
async function awaitCopy({ run, act, ref }: Replicating, both: Sides): Promise<{ readonly summary: string }> {
  const asked = { ...ref(STEPS.copy), ...both }
  if (!patched('copy-says-why-it-waits')) return act.replication.awaitCopy(asked)
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    try {
      return await act.copying.awaitCopy(asked)
    } catch (error) {
      const { code, message } = failureRecord(error)
      if (isDefect(error) || isCancellation(error) || !SILENT.some((silent) => silent === code)) throw error
      const told = [
        act.toldByCloud.standbyState(ref(STEPS.copy)).catch(untold),
        act.heldUp.copyHeldUp(asked).catch(unlessRefused),
      ]
      const why = (await Promise.all(told)).map(({ summary }) => summary)
      await run.record.update(STEPS.copy.id, 'running', { summary: [`waits: ${message}`, ...why].join('; ') })
    }
    await sleep(pauseMs)
  }
}

function untold(error: unknown): { readonly summary: string } {
  if (isDefect(error) || isCancellation(error)) throw error
  return { summary: `its cloud does not say why (${failureRecord(error).message})` }
}

/** Where the source itself says that nothing can come any more, waiting is of no use. */
function unlessRefused(error: unknown): { readonly summary: string } {
  if (isDefect(error) || isCancellation(error) || failureRecord(error).code === 'DATABASE_REFUSED') throw error
  return { summary: 'nobody knows how much log the source holds back meanwhile' }
}

async function compare({ run, act, ref }: Replicating, both: Sides): Promise<Following> {
  const { verdict, findings } = await run.step(STEPS.compare, {
    do: () => act.replication.compareBoth({ ...ref(STEPS.compare), ...both }),
    detail: ({ summary, verdict: found, findings: told }) => ({ summary, verdict: found, findings: told }),
  })
  return { unlike: verdict === 'different', findings }
}

async function watch({ run, act, ref }: Replicating, both: Sides): Promise<void> {
  await run.step(STEPS.watch, {
    do: () => act.replication.settleStandby({ ...ref(STEPS.watch), ...both }),
    detail: ({ summary }) => ({ summary }),
  })
}
