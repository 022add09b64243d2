/** Tags are addressed by the resource's ARN, whatever the resource is. */
import type { Call } from '../cloud'
import { findCluster, findClusterSnapshot, findDeployment, findGlobalCluster, findInstance, findSnapshot } from '../cloud'
import { invalidValue } from '../errors'
import { findClusterGroup, findGroup } from '../parameters'
import { ACCOUNT, type Tags } from '../state'
import { findSubnetGroup } from '../zones'

/** The tags of `ResourceName`, to be changed in place. @throws AwsError for a malformed ARN or an unknown resource. */
export function tagsOfResource(call: Call): Tags {
  const name = call.query.required('ResourceName')
  // known in every region
  const [, global] = new RegExp(`^arn:aws:rds::${ACCOUNT}:global-cluster:([^:]+)$`).exec(name) ?? []
  if (global !== undefined) return findGlobalCluster(call, global).tags
  const found =
    /^arn:aws:rds:([a-z0-9-]+):(\d{12}):(db|snapshot|pg|subgrp|cluster|cluster-snapshot|cluster-pg|deployment):(.+)$/.exec(name)
  if (!found || found[1] !== call.region || found[2] !== ACCOUNT) throw invalidValue(`Invalid resource name: ${name}`)
  const [, , , kind, id = ''] = found
  if (kind === 'db') return findInstance(call, id).tags
  if (kind === 'snapshot') return findSnapshot(call, id).tags
  if (kind === 'cluster') return findCluster(call, id).tags
  if (kind === 'cluster-snapshot') return findClusterSnapshot(call, id).tags
  if (kind === 'cluster-pg') return findClusterGroup(call.cloud.state, call.region, id).tags
  if (kind === 'deployment') return findDeployment(call, id).tags
  if (kind === 'subgrp') return findSubnetGroup(call.cloud.state, call.region, id).tags
  return findGroup(call.cloud.state, call.region, id).tags
}
