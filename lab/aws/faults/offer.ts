/** What may be ordered of simulated RDS. */
import type { FaultOffer } from '../../faults/order'
import { OPERATIONS } from '../operations/table'
import { ACCOUNT } from '../state'
import { AWS_FAULTS } from './table'

export const AWS_OFFER: FaultOffer = { cloud: 'aws', account: ACCOUNT, kinds: AWS_FAULTS, operations: [...OPERATIONS.keys()] }
