/** Removal of the instances that an operation made for a while. */
import { Failure } from '../../contracts/failures'
import { assertUnprotected, isTemporaryOf } from '../owner'
import type { CallOptions, ChangeOptions } from '../port'
import type { CloudSql, Instance } from './client'
import { isFreshClone } from './copies'
import { instanceDescription } from './describe'
import { allInstances, deleteInstance, operationsOf } from './instances'
import { tagsOfLabels } from './labels'
import { patchSettings } from './settings'

export async function removeOwnedInstances(
  sql: CloudSql,
  operation: string,
  options: ChangeOptions,
): Promise<{ done: boolean; removing: readonly string[] }> {
  const owned: { found: Instance; whose: Ownership }[] = []
  for (const found of await allInstances(sql, options)) {
    const whose = await ownership(sql, found, operation, options)
    if (whose !== 'other') owned.push({ found, whose })
  }
  const staying = owned.filter(({ found }) => found.state !== 'PENDING_DELETE')
  // a clone has its source's labels until it is made ours
  for (const { found, whose } of staying) if (whose === 'labelled') assertUnprotected(instanceDescription(found, []))
  for (const { found, whose } of staying) {
    await remove(sql, found, whose, options).catch((error) => {
      // Gone meanwhile, or in a state from which it cannot go yet: whoever waits for the removal asks again.
      if (!(error instanceof Failure) || !['CLOUD_BUSY', 'INSTANCE_NOT_FOUND'].includes(error.code)) throw error
    })
  }
  return { done: owned.length === 0, removing: owned.map(({ found }) => found.name ?? '') }
}

type Ownership = 'labelled' | 'fresh-clone' | 'other'

/** A clone has its source's protection until it is made ours; what is ours and protected was protected by somebody. */
async function remove(sql: CloudSql, found: Instance, whose: Ownership, options: ChangeOptions): Promise<void> {
  const inherited = whose === 'fresh-clone' && found.settings?.deletionProtectionEnabled?.value === true
  if (inherited) await patchSettings(sql, found, { deletionProtectionEnabled: { value: false } }, options)
  else await deleteInstance(sql, found.name ?? '', options)
}

async function ownership(sql: CloudSql, found: Instance, operation: string, options: CallOptions): Promise<Ownership> {
  const name = found.name ?? ''
  if (isTemporaryOf(operation, name, tagsOfLabels(found.settings?.userLabels))) return 'labelled'
  const prefix = `cap-${operation}-`
  if (!name.startsWith(prefix)) return 'other'
  // with a hyphen it would be the step of a longer operation's: see `startClone`
  const owner = { operation, step: name.slice(prefix.length) }
  if (owner.step.includes('-')) return 'other'
  return isFreshClone(found, await operationsOf(sql, found, options), owner) ? 'fresh-clone' : 'other'
}
