/** Read replicas of Cloud SQL instances: instances that name their primary. */
import { cannotAwaitSource, unlessPromoted } from '../owner'
import type { ChangeOptions, CopyRequest, ManagedPostgres, Started } from '../port'
import type { CloudSql } from './client'
import { newCopy } from './copies'
import { ADOPTED, assertOwn, findInstance, insertInstance, requireInstance, requireVery } from './instances'

export async function startReplica(sql: CloudSql, input: CopyRequest, options: ChangeOptions): Promise<Started> {
  const existing = await findInstance(sql, input.instance, options)
  if (existing !== null) {
    assertOwn(existing, input.owner)
    return ADOPTED
  }
  const source = await requireInstance(sql, input.source, options)
  const databaseFlags = (source.settings?.databaseFlags ?? []).map(({ name, value }) => ({
    name: name ?? '',
    value: value ?? '',
  }))
  const replica = { ...newCopy(source, input, databaseFlags), masterInstanceName: input.source }
  return insertInstance(sql, replica, options)
}

export async function startPromotion(
  sql: CloudSql,
  { instance, awaitSource }: Parameters<ManagedPostgres['startPromotion']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const { masterInstanceName } = await requireVery(sql, instance, options)
  if (!masterInstanceName) return ADOPTED
  if (awaitSource) throw cannotAwaitSource('Cloud SQL', instance)
  const promote = (): Promise<Started> =>
    sql.start('instances.promoteReplica', options, ({ instances }) =>
      instances.promoteReplica({ project: sql.config.project, instance: instance.name }),
    )
  return unlessPromoted(promote, async () => Boolean((await requireVery(sql, instance, options)).masterInstanceName))
}
