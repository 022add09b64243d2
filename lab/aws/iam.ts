/** IAM database authentication: who is let in by token, and where the servers of such instances are. PostgreSQL is built without PAM here, so
 *  the lab itself stands in front of them (postgres/front.ts). Source: RDS user guide, "IAM database authentication". */
import type { Login } from '../postgres/spec'
import { isAllowed } from './access/policy'
import { judgeToken } from './access/token'
import type { AwsCloud } from './cloud'
import { clusterOf, endpointHosts } from './following'
import { ACCOUNT, type DbInstance } from './state'

/** Before its server starts: with IAM it has an address that customers do not know, without it theirs. The caller saves.
 *  @throws Error when every address is taken. */
export function placeServer(cloud: AwsCloud, instance: DbInstance): void {
  if ((clusterOf(cloud.state, instance) ?? instance).iamAuthentication !== true) {
    delete instance.innerHost
    return
  }
  const host = instance.innerHost ?? cloud.addresses.take()
  if (host === undefined) throw new Error('Every address of this lab is taken.')
  instance.innerHost = host
}

/** Whether the password is a token that is good for this user of this instance, of somebody who may connect as that. */
export function admits(cloud: AwsCloud, folder: string, login: Login): boolean {
  const instance = Object.values(cloud.state.instances).find((one) => one.folder === folder)
  if (!instance) return false
  const refused = objection(cloud, instance, login)
  if (refused !== undefined) cloud.log(`${instance.id}: the token of ${JSON.stringify(login.user)} is refused: ${refused}`)
  return refused === undefined
}

function objection(cloud: AwsCloud, instance: DbInstance, { user, password }: Login): string | undefined {
  const { accessKey, identities } = cloud
  const { region } = instance
  const verdict = judgeToken(password, {
    endpoints: endpointsOf(cloud, instance),
    region,
    user,
    keyOf: (id) => (id === accessKey.accessKeyId ? accessKey : identities.aws(id)?.accessKey),
    now: Date.now(),
  })
  if ('refused' in verdict) return verdict.refused
  // the lab's owner may do everything
  if (verdict.accessKeyId === accessKey.accessKeyId) return undefined
  const identity = identities.aws(verdict.accessKeyId)
  if (!identity) return 'nobody has its access key'
  const { resourceId } = clusterOf(cloud.state, instance) ?? instance
  const wanted = {
    action: 'rds-db:connect',
    resource: `arn:aws:rds-db:${region}:${ACCOUNT}:dbuser:${resourceId}/${user}`,
    resourceTags: {},
  }
  const decision = isAllowed(identity.statements, wanted, { requestTags: {}, tagKeys: [], region })
  return decision === 'allowed'
    ? undefined
    : `${identity.name} may not connect: no policy allows ${wanted.resource}, or one denies it`
}

/** A token is for the endpoint that its bearer connects to: the instance's, or one of its cluster's or global database's. */
function endpointsOf({ state, addresses, dataPort }: AwsCloud, instance: DbInstance): string[] {
  const cluster = clusterOf(state, instance)
  const hosts = [instance.host, ...(cluster ? endpointHosts(state, cluster) : [])]
  return hosts.map((host) => `${addresses.textOf(host)}:${dataPort}`)
}
