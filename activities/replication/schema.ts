/** The standby's schema: built by the migrations that the source has applied, by the engine that applied them there, and then held against the source's,
 *  object by object. No dump is copied: what no migration describes is told instead of carried over. */
import type { Finding } from '../../contracts/operation'
import { describeSchema, diffFingerprints, type SchemaDescription } from '../../postgres/inspect/fingerprint'
import { applyMigrations } from '../../postgres/migrate/apply'
import type { ApplyEvent } from '../../postgres/migrate/events'
import { readHistory } from '../../postgres/migrate/history'
import { type ResolvedMigration, resolveMigrations } from '../../postgres/migrate/resolve'
import { letOwnWrites } from '../../postgres/replicate/guard'
import { beginSeeding } from '../../postgres/replicate/seeding'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { appliedMigrations } from './applied'
import type { Replicating, ReplicationActivities } from './contract'
import { madeBy } from './made'
import { notes } from './notes'
import { behindFence, bothOf, looking, opener, type Place, raisedOn, type SideName, whoFollow } from './sides'

/** What differs is told up to this; how many more is told too. */
const DIFFERENCES_MAX = 50

type Built = Awaited<ReturnType<ReplicationActivities['buildSchema']>>

export async function buildSchema(deps: ActivityDeps, input: Replicating): Promise<Built> {
  const { operation, sides, epochs } = input
  const { entries, id, request } = await bothOf(deps, input.bundle)
  const { migrations } = await deps.ledger.getBundle(input.bundle)
  const { takesOver = null } = await madeBy(deps, operation)
  const source: Place = { ref: input, entry: entries.source, address: sides.source }
  const standby: Place = { ref: input, entry: entries.standby, address: sides.standby }
  const applied = await looking(deps, source, 'migrator', async (session) => {
    const { rows } = await readHistory(session)
    return appliedMigrations(resolveMigrations(migrations), rows)
  })
  await behindFence(deps, standby, epochs.standby, ({ migrator, token }) =>
    beginSeeding(migrator, { source: id.source, operation, takesOver, token }),
  )
  await applyOn(deps, standby, epochs.standby, applied)
  const differing = await differences(deps, { source, standby, followers: whoFollow(request.declared) })
  const findings = differing.map((line): Finding => ({ rule: 'schema', message: `${line}.` }))
  const built = `${applied.length} migration${applied.length === 1 ? '' : 's'}`
  if (findings.length === 0) return { summary: `${built}, both schemas are equal`, findings }
  return { summary: `${built}; the source has what no migration describes, or lacks what one does`, findings }
}

/** Whole files, rows among them: for a database that nothing comes to yet, whatever guard an old writer has. Safe to repeat. */
export async function applyOn(
  deps: ActivityDeps,
  standby: Place,
  epoch: number,
  resolved: readonly ResolvedMigration[],
): Promise<void> {
  const token = await raisedOn(deps, standby, epoch)
  const connect = opener(deps, standby, 'migrator', token)
  const progress = notes(deps, standby.ref)
  const { lockTimeoutMs } = standby.entry.policy
  await applyMigrations({
    resolved,
    connect: async () => {
      const session = await connect()
      await letOwnWrites(session)
      return session
    },
    fence: token,
    limits: { lockTimeoutMs },
    signal: currentAct().signal,
    onEvent: (event: ApplyEvent) => {
      if (event.type === 'migration-applied') progress.tell(`${event.script} applied`)
    },
  })
  await progress.settle()
}

interface Compared extends Readonly<Record<SideName, Place>> {
  /** Each has to read the tables of one side, and may be nobody on the other. */
  readonly followers: readonly string[]
}

async function differences(deps: ActivityDeps, { source, standby, followers: withoutGrantee }: Compared): Promise<string[]> {
  const describe = (place: Place): Promise<SchemaDescription> =>
    looking(deps, place, 'migrator', (session) => describeSchema(session, { signal: currentAct().signal, withoutGrantee }))
  const [there, here] = [await describe(source), await describe(standby)]
  if (there.fingerprint === here.fingerprint) return []
  return diffFingerprints(there, here, { names: ['the source', 'the standby'], limit: DIFFERENCES_MAX })
}
