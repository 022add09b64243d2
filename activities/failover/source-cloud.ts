/** What the source's own cloud says of it. */
import type { SourceSeen } from '../../contracts/failover'
import { Failure } from '../../contracts/failures'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { knownAddress } from '../instance/address'
import { findTarget } from '../target'
import type { SourceCloudActivities } from './contract'

type Deps = Pick<ActivityDeps, 'ledger' | 'cloudOf'>

export function createSourceCloudActivities(deps: Deps): SourceCloudActivities {
  return { lookAtSource: ({ bundle }) => lookAtSource(deps, bundle) }
}

async function lookAtSource({ ledger, cloudOf }: Deps, bundle: string): Promise<SourceSeen> {
  const { database } = await ledger.getBundle(bundle)
  try {
    const found = await findTarget(cloudOf, database, { signal: currentAct().signal })
    return { address: knownAddress(found), gone: false, said: `its cloud says ${found.cloudState}` }
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'INSTANCE_NOT_FOUND') throw error
    return { address: null, gone: true, said: 'its cloud has no such instance' }
  }
}
