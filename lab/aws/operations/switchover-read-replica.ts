/** SwitchoverReadReplica: for Oracle and nobody else. Source: RDS API reference, SwitchoverReadReplica. */
import { findInstance, type Operation } from '../cloud'
import { invalidCombination } from '../errors'

export const switchoverReadReplica: Operation<'SwitchoverReadReplica'> = async (call) => {
  findInstance(call)
  throw invalidCombination('SwitchoverReadReplica is not supported for the engine postgres: it is for Oracle Data Guard alone.')
}
