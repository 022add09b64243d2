/** What may be ordered of simulated Cloud SQL. */
import type { FaultOffer } from '../../faults/offer'
import { CLOUD_DNS } from '../dns/operations'
import { OPERATIONS } from '../operations/table'
import { type GcpState, PROJECT } from '../state'
import { GCP_FAULTS } from './table'

export function gcpOffer(state: GcpState): FaultOffer {
  return {
    cloud: 'gcp',
    account: PROJECT,
    kinds: GCP_FAULTS,
    operations: [...OPERATIONS.keys(), ...CLOUD_DNS.map(({ name }) => name)],
    instances: () => Object.values(state.instances).map(({ name, region }) => ({ id: name, region, target: name })),
  }
}
