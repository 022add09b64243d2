/** What may be ordered of simulated RDS. */
import type { FaultOffer } from '../../faults/offer'
import { ROUTE53_OPERATIONS } from '../dns/operations'
import { OPERATIONS } from '../operations/table'
import { ACCOUNT, type AwsState, key } from '../state'
import { AWS_FAULTS } from './table'

export function awsOffer(state: AwsState): FaultOffer {
  return {
    cloud: 'aws',
    account: ACCOUNT,
    kinds: AWS_FAULTS,
    operations: [...OPERATIONS.keys(), ...ROUTE53_OPERATIONS.map(({ name }) => name)],
    instances: () => Object.values(state.instances).map(({ id, region }) => ({ id, region, target: key(region, id) })),
  }
}
