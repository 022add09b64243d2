/** The parameter group of an inert copy: the source's own settings, and on top what keeps the copy from acting on the outside.
 *  It is given to the restore itself, so it holds before the first start: a copy of a subscriber would otherwise wake up with
 *  its subscriptions enabled and attach to production's slots. */
import type { DBParameterGroup, Parameter, RDS } from '@aws-sdk/client-rds'
import { failure } from '../../contracts/failures'
import { assertMine } from '../owner'
import type { CallOptions, Owner } from '../port'
import { errorName } from './failures'
import { ownersTags, tagRecord } from './tags'

/** Libraries that start jobs of their own. */
const SCHEDULERS = new Set(['pg_cron', 'pg_timetable', 'pg_partman_bgw'])

/** `default.postgres15` groups cannot be copied with changes wanted here, and a new group of the family equals them. */
function isDefaultGroup(name: string): boolean {
  return name.startsWith('default.')
}

export async function findGroup(rds: RDS, name: string, options: CallOptions): Promise<DBParameterGroup | null> {
  try {
    const found = await rds.describeDBParameterGroups({ DBParameterGroupName: name }, { abortSignal: options.signal })
    return found.DBParameterGroups?.[0] ?? null
  } catch (error) {
    if (errorName(error).startsWith('DBParameterGroupNotFound')) return null
    throw error
  }
}

async function createGroup(
  rds: RDS,
  input: { name: string; source: DBParameterGroup; owner: Owner },
  options: CallOptions,
): Promise<void> {
  const Description = `Inert copy for ${input.owner.operation}`
  const Tags = ownersTags(input.owner)
  const sourceName = input.source.DBParameterGroupName ?? ''
  try {
    if (isDefaultGroup(sourceName)) {
      const DBParameterGroupFamily = input.source.DBParameterGroupFamily ?? ''
      await rds.createDBParameterGroup({ DBParameterGroupName: input.name, DBParameterGroupFamily, Description, Tags })
    } else {
      await rds.copyDBParameterGroup({
        SourceDBParameterGroupIdentifier: sourceName,
        TargetDBParameterGroupIdentifier: input.name,
        TargetDBParameterGroupDescription: Description,
        Tags,
      })
    }
  } catch (error) {
    if (!errorName(error).startsWith('DBParameterGroupAlreadyExists')) throw error
    const group = await findGroup(rds, input.name, options)
    const tags = group?.DBParameterGroupArn
      ? await rds.listTagsForResource({ ResourceName: group.DBParameterGroupArn }, { abortSignal: options.signal })
      : undefined
    assertMine(`Parameter group ${input.name}`, tagRecord(tags?.TagList), input.owner)
  }
}

async function preloadWithoutSchedulers(rds: RDS, group: string, options: CallOptions): Promise<Parameter[]> {
  let Marker: string | undefined
  do {
    const page = await rds.describeDBParameters(
      { DBParameterGroupName: group, Source: 'user', ...(Marker === undefined ? {} : { Marker }) },
      { abortSignal: options.signal },
    )
    const preload = page.Parameters?.find((parameter) => parameter.ParameterName === 'shared_preload_libraries')?.ParameterValue
    if (preload !== undefined) {
      const libraries = preload.split(',').map((library) => library.trim())
      const kept = libraries.filter((library) => !SCHEDULERS.has(library))
      if (kept.length === libraries.length) return []
      return [{ ParameterName: 'shared_preload_libraries', ParameterValue: kept.join(','), ApplyMethod: 'pending-reboot' }]
    }
    Marker = page.Marker
  } while (Marker)
  return []
}

/** Makes the group `name` for a copy of an instance that uses `sourceGroup`. Safe to repeat. */
export async function ensureInertParameters(
  rds: RDS,
  input: { name: string; sourceGroup: string; owner: Owner },
  options: CallOptions,
): Promise<void> {
  const source = await findGroup(rds, input.sourceGroup, options)
  if (source === null) {
    throw failure('CLOUD_REFUSED', `The source's parameter group ${input.sourceGroup} is gone.`, {
      parameterGroup: input.sourceGroup,
    })
  }
  await createGroup(rds, { name: input.name, source, owner: input.owner }, options)
  await rds.modifyDBParameterGroup({
    DBParameterGroupName: input.name,
    Parameters: [
      { ParameterName: 'max_logical_replication_workers', ParameterValue: '0', ApplyMethod: 'pending-reboot' },
      ...(await preloadWithoutSchedulers(rds, input.name, options)),
    ],
  })
}
