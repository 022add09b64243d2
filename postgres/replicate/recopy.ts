/** Some tables of a standby copied anew, while the others go on: PostgreSQL copies a table when it becomes known to a subscription, so it is made unknown,
 *  emptied, and made known again. What is written to it meanwhile is in the copy. */
import type { StandbyNames } from '../../contracts/standby'
import type { Session } from '../connect/session'
import type { Guarded } from './behind-fence'
import { ensurePublication } from './publication'
import { assertPrepared, emptyTables } from './seeding'
import { refreshSubscription } from './subscription'
import { resolveTables } from './tables'

export interface RecopyInput {
  /** The source's fleet name, as in the mark: `startReseeding` has to have said that these tables are prepared. */
  readonly from: string
  readonly names: StandbyNames
  /** To be copied anew, and all that are published; as `schema.table`, quoted. */
  readonly tables: readonly string[]
  readonly published: readonly string[]
  readonly viaPartitionRoot: boolean
  /** As the role that owns the tables there. */
  readonly source: Session
  /** As the subscription's owner, and as the role that owns the tables. The subscription is enabled. */
  readonly subscriber: Session
  readonly owner: Session
  readonly sourceGuard?: Guarded
  readonly standbyGuard?: Guarded
}

/** Resolves once the copying has begun (`copyProgress` tells how far it is). Safe to repeat: then it begins anew. Throws what its parts do. */
export async function recopyTables(input: RecopyInput): Promise<void> {
  const {
    from,
    names,
    tables,
    published,
    viaPartitionRoot,
    source,
    subscriber,
    owner,
    sourceGuard = {},
    standbyGuard = {},
  } = input
  await assertPrepared(owner, { ...standbyGuard, source: from, tables })
  const again = await resolveTables(source, tables)
  const all = await resolveTables(source, published)
  const others = all.filter(({ oid }) => !again.some((one) => one.oid === oid)).map(({ name }) => name)
  const publish = (list: readonly string[]) =>
    ensurePublication(source, { ...sourceGuard, name: names.publication, tables: list, viaPartitionRoot })
  await publish(others)
  await refreshSubscription(subscriber, { ...standbyGuard, name: names.subscription, copyData: true })
  await emptyTables(owner, { ...standbyGuard, source: from, tables })
  await publish(published)
  await refreshSubscription(subscriber, { ...standbyGuard, name: names.subscription, copyData: true })
}
