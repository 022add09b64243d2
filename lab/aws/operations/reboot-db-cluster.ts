/** RebootDBCluster: for Multi-AZ DB clusters and not for Aurora, whose members are rebooted one by one. Source: RDS API reference,
 *  RebootDBCluster: "Use this operation only for a non-Aurora Multi-AZ DB cluster." */
import { findCluster, type Operation } from '../cloud'
import { AwsError } from '../errors'

export const rebootDbCluster: Operation<'RebootDBCluster'> = async (call) => {
  const { id } = findCluster(call)
  throw new AwsError(
    'InvalidDBClusterStateFault',
    `DB cluster ${id} cannot be rebooted: it is an Aurora cluster, whose members are rebooted by RebootDBInstance.`,
  )
}
