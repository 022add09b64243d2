/** From the publication to the comparison: what setting a standby up and seeding it anew have in common. */
import type { Finding } from '../../contracts/operation'
import { REPLICATE_STEPS as STEPS } from '../../contracts/replicate'
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

async function copy({ run, act, ref }: Replicating, both: Sides): Promise<void> {
  await run.step(STEPS.copy, {
    do: () => act.replication.awaitCopy({ ...ref(STEPS.copy), ...both }),
    detail: ({ summary }) => ({ summary }),
  })
  await run.step(STEPS.indexes, {
    do: () => act.replication.buildIndexes({ ...ref(STEPS.indexes), ...both }),
    detail: ({ summary }) => ({ summary }),
  })
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
