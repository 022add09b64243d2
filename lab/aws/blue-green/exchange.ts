/** The moment at which green becomes what blue was: one change of the memory. The endpoint that applications know leads to green from
 *  then on: in life its DNS name does, here the address, which goes with the name. */
import { newFolderName } from '../../postgres/servers'
import { type AwsCloud, keyOf } from '../cloud'
import { note } from '../events'
import { type AwsState, type DbInstance, key } from '../state'
import { membersOf, type Pair } from './members'
import type { Deployment } from './state'

/** None of the servers runs, and green has been promoted. The caller saves. */
export function exchange(cloud: AwsCloud, deployment: Deployment, pairs: readonly [Pair, ...Pair[]]): void {
  const [{ blue, green }] = pairs
  for (const pair of pairs) exchangeNames(cloud, deployment, pair)
  for (const member of membersOf(deployment)) {
    const pair = pairs.find((one) => one.blue.resourceId === member.blue)
    if (pair) Object.assign(member, { blueId: pair.blue.id, greenId: pair.green.id })
  }
  green.replicaOf = null
  delete green.follows
  green.backupRetentionDays = blue.backupRetentionDays
  green.archive = newFolderName()
  // until its group says otherwise, or it is rebooted
  blue.running.parameters.default_transaction_read_only = 'on'
  blue.parameterStatus = 'pending-reboot'
}

function exchangeNames(cloud: AwsCloud, deployment: Deployment, { blue, green }: Pair): void {
  const { instances, namedHosts } = cloud.state
  const [name, former, host] = [blue.id, green.id, blue.host]
  const old = oldName(cloud.state, blue)
  // nothing may fail any more: without a free address the two of them are exchanged
  const elsewhere = cloud.addresses.take() ?? green.host
  delete namedHosts[key(blue.region, old)]
  delete instances[keyOf(blue)]
  delete instances[keyOf(green)]
  Object.assign(blue, { id: old, host: elsewhere })
  Object.assign(green, { id: name, host })
  for (const instance of [blue, green]) instances[keyOf(instance)] = instance
  for (const [known, other] of Object.entries(namedHosts)) if (other === host) delete namedHosts[known]
  note(cloud.state, 'db-instance', blue, 'renamed', name, old)
  note(cloud.state, 'db-instance', green, 'renamed', former, name)
  note(cloud.state, 'blue-green-deployment', deployment, 'memberSwitched', name, former, name, old, former, name)
}

function oldName({ instances }: AwsState, { region, id }: DbInstance): string {
  for (let n = 1; ; n++) {
    const suffix = `-old${n}`
    const name = `${id.slice(0, 63 - suffix.length).replace(/-$/, '')}${suffix}`
    if (!instances[key(region, name)]) return name
  }
}
