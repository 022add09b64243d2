/** What may be ordered of simulated Cloud SQL. */
import type { FaultOffer } from '../../faults/offer'
import { OPERATIONS } from '../operations/table'
import { type GcpState, PROJECT } from '../state'
import { GCP_FAULTS } from './table'

export function gcpOffer(state: GcpState): FaultOffer {
  return {
    cloud: 'gcp',
    account: PROJECT,
    kinds: GCP_FAULTS,
    operations: [...OPERATIONS.keys()],
    instances: () => Object.values(state.instances).map(({ name, region }) => ({ id: name, region, target: name })),
  }
}
