/** Tags are addressed by the resource's ARN, whatever the resource is. */
import type { Call } from '../cloud'
import { findCluster, findClusterSnapshot, findInstance, findSnapshot } from '../cloud'
import { invalidValue } from '../errors'
import { findGroup } from '../parameters'
import { ACCOUNT, type Tags } from '../state'
import { findSubnetGroup } from '../zones'

/** The tags of `ResourceName`, to be changed in place. @throws AwsError for a malformed ARN or an unknown resource. */
export function tagsOfResource(call: Call): Tags {
  const name = call.query.required('ResourceName')
  const found = /^arn:aws:rds:([a-z0-9-]+):(\d{12}):(db|snapshot|pg|subgrp|cluster|cluster-snapshot):(.+)$/.exec(name)
  if (!found || found[1] !== call.region || found[2] !== ACCOUNT) throw invalidValue(`Invalid resource name: ${name}`)
  const [, , , kind, id = ''] = found
  if (kind === 'db') return findInstance(call, id).tags
  if (kind === 'snapshot') return findSnapshot(call, id).tags
  if (kind === 'cluster') return findCluster(call, id).tags
  if (kind === 'cluster-snapshot') return findClusterSnapshot(call, id).tags
  if (kind === 'subgrp') return findSubnetGroup(call.cloud.state, call.region, id).tags
  return findGroup(call.cloud.state, call.region, id).tags
}
