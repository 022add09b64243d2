/** What may be ordered of simulated RDS. */

import type { Fault } from '../../faults/fault'
import { type FaultOffer, FaultRefusal } from '../../faults/order'
import { OPERATIONS } from '../operations/table'
import { ACCOUNT, type AwsState, type DbInstance } from '../state'
import { AWS_FAULTS } from './table'

const CONSTANT = { cloud: 'aws', account: ACCOUNT, kinds: AWS_FAULTS, operations: [...OPERATIONS.keys()] }

export function awsOffer(state: AwsState): FaultOffer {
  return {
    ...CONSTANT,
    check(fault) {
      if (beginsAtOnce(fault)) instanceStruck(state, fault)
    },
  }
}

/** Whether it waits for no call. */
export function beginsAtOnce({ kind, operation }: Fault): boolean {
  return AWS_FAULTS[kind]?.strikes === 'instances' && operation === null
}

/** The one that the order names. @throws FaultRefusal. */
export function instanceStruck(state: AwsState, { instance, region }: Fault): DbInstance {
  const named = Object.values(state.instances).filter((one) => one.id === instance && (region === null || one.region === region))
  const [found, another] = named
  if (another) {
    const regions = named.map((one) => one.region).join(', ')
    throw new FaultRefusal('region', `region is missing; ${instance} is the name of an instance in each of: ${regions}.`)
  }
  if (found) return found
  const known = Object.values(state.instances).map(({ id }) => id)
  const there = known.length === 0 ? 'there is none' : `there are: ${known.join(', ')}`
  throw new FaultRefusal('instance', `instance is "${instance}", which is not in this lab; ${there}.`)
}
