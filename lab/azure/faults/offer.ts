/** What may be ordered of simulated Azure. */
import type { FaultOffer } from '../../faults/offer'
import { AZURE_DNS } from '../dns/operations'
import { ROUTES } from '../operations/table'
import { type AzureState, SUBSCRIPTION, serverKey } from '../state'
import { AZURE_FAULTS } from './table'

export function azureOffer(state: AzureState): FaultOffer {
  return {
    cloud: 'azure',
    account: SUBSCRIPTION,
    kinds: AZURE_FAULTS,
    operations: [...ROUTES.values(), ...Object.values(AZURE_DNS)].map(({ name }) => name),
    instances: () =>
      Object.values(state.servers).map(({ name, location }) => ({
        id: serverKey(name),
        region: location,
        target: serverKey(name),
      })),
  }
}
