/** FailoverGlobalCluster: a switchover; or, when data may be lost, without asking the primary cluster anything. */
import type { Operation } from '../cloud'
import { invalidCombination } from '../errors'
import { failOverGlobal, switchGlobal } from './lead-change'

export const failoverGlobalCluster: Operation<'FailoverGlobalCluster'> = (call) => {
  const lossy = call.query.flag('AllowDataLoss') ?? false
  if (lossy && call.query.flag('Switchover') === true) {
    throw invalidCombination('AllowDataLoss and Switchover cannot both be given.')
  }
  return lossy ? failOverGlobal(call) : switchGlobal(call)
}
