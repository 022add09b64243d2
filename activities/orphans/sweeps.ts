/** What runs by the clock came to: the next one hears what this one found, and people see what stays. */
import type { OrphanRemoval, Sweep, SweptInstance, TemporaryInstance } from '../../contracts/orphans'
import type { ActivityDeps } from '../deps'
import type { SweepActivities } from './contract'

export function createSweepActivities({ ledger }: Pick<ActivityDeps, 'ledger'>): SweepActivities {
  return {
    async recallSweep({ place }) {
      const held = await ledger.getSweep(place)
      const orphans = (held?.instances ?? []).filter(({ standing }) => standing === 'orphan')
      return { orphans: orphans.map(({ instanceId }) => instanceId) }
    },
    async recordSweep({ place, run, at, outcome }) {
      const held = await ledger.getSweep(place)
      const known = held?.instances ?? []
      const about = { version: 1, place, run, at, finishedAt: new Date().toISOString() } as const
      if ('failure' in outcome) {
        const { listedAt = null, removals = [] } = held ?? {}
        await ledger.putSweep({ ...about, failure: outcome.failure, listedAt, instances: known, removals })
        return
      }
      const { instances, removals } = outcome
      const left = stillThere(instances, removals).map((one) => ({ ...one, since: sinceWhen(one, known, at) }))
      await ledger.putSweep({ ...about, failure: null, listedAt: at, instances: left, removals })
    },
  }
}

/** A removal that was refused because the standing had changed tells the newer one. */
function stillThere(instances: readonly TemporaryInstance[], removals: readonly OrphanRemoval[]): TemporaryInstance[] {
  const asked = new Map(removals.map((one) => [one.name, one]))
  return instances.flatMap((one) => {
    const removal = asked.get(one.name)
    if (removal === undefined) return [one]
    return removal.removed ? [] : [{ ...one, standing: removal.standing }]
  })
}

function sinceWhen({ instanceId, standing }: TemporaryInstance, known: Sweep['instances'], at: string): SweptInstance['since'] {
  return known.find((one) => one.instanceId === instanceId && one.standing === standing)?.since ?? at
}
