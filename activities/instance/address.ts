/** Where an instance answers, out of its cloud's description. */
import type { InstanceDescription } from '../../clouds/port'
import { failure } from '../../contracts/failures'
import type { InstanceAddress } from '../../contracts/migrate'
import { notReadyYet } from '../waiting'

/** Fails with NOT_READY_YET while it is changing, RESOURCE_FAILED where it will not become ready by itself. */
export function addressOf(found: InstanceDescription): InstanceAddress {
  const { name: instance, instanceId, endpoint, engineVersion, state, cloudState } = found
  if (state === 'changing') throw notReadyYet(`Instance ${instance}`, cloudState)
  if (state !== 'ready' || endpoint === null) {
    throw failure('RESOURCE_FAILED', `Instance ${instance} is ${cloudState} and will not become available.`, {
      instance,
      cloudState,
    })
  }
  return { instance, instanceId, ...endpoint, engineVersion }
}

/** Null for one that cannot be asked. */
export function sourceAddress(found: InstanceDescription): InstanceAddress | null {
  return found.state === 'ready' ? knownAddress(found) : null
}

/** Where it answers if it does, whatever its cloud says of its state; null: it has no address. */
export function knownAddress({ name, instanceId, endpoint, engineVersion }: InstanceDescription): InstanceAddress | null {
  return endpoint === null ? null : { instance: name, instanceId, ...endpoint, engineVersion }
}
