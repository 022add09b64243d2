/** Which cloud is asked, for what, and as whom: from the options of a command line and the environment. */

import { discoverRds } from '../../../clouds/discovery/aws'
import { discoverFlexibleServers } from '../../../clouds/discovery/azure'
import type { FoundInstance } from '../../../clouds/discovery/found'
import { discoverCloudSql } from '../../../clouds/discovery/gcp'
import { failure } from '../../../contracts/failures'
import type { CloudAccess } from '../../cloud-access'
import { shownInput } from '../../shown-input'

export interface DiscoverOptions {
  readonly aws?: boolean
  readonly azure?: boolean
  readonly gcp?: boolean
  readonly region?: readonly string[]
  readonly subscription?: string
  readonly resourceGroup?: string
  readonly project?: string
}

export interface Question {
  /** For people. */
  readonly asked: string
  ask(signal: AbortSignal): Promise<readonly FoundInstance[]>
}

/** Fails with OPTION_INVALID. */
export function questionOf(options: DiscoverOptions, access: CloudAccess): Question {
  const chosen = [options.aws && 'aws', options.azure && 'azure', options.gcp && 'gcp'].filter(
    (cloud) => typeof cloud === 'string',
  )
  const [cloud] = chosen
  if (cloud === undefined || chosen.length > 1) throw invalid('Name one cloud: --aws, --azure or --gcp.')
  const { region = [], subscription, resourceGroup, project } = options
  for (const one of region) {
    if (!/^[a-z0-9-]{2,40}$/.test(one))
      throw invalid(`--region is ${shownInput(one)}; it must be a region's name, such as eu-central-1.`)
  }
  const belongs = { subscription: 'azure', resourceGroup: 'azure', project: 'gcp' } as const
  for (const [option, of] of Object.entries(belongs)) {
    const flag = option === 'resourceGroup' ? '--resource-group' : `--${option}`
    if (options[option as keyof typeof belongs] !== undefined && of !== cloud)
      throw invalid(`${flag} belongs to --${of}; leave it out.`)
  }
  const of = region.length === 0 ? '' : ` of ${region.join(', ')}`
  if (cloud === 'aws') {
    return { asked: `the RDS instances and clusters${of}`, ask: (signal) => discoverRds({ regions: region })({ signal }) }
  }
  if (cloud === 'azure') return azureQuestion({ subscription, resourceGroup, region, of }, access)
  return gcpQuestion({ project, region, of }, access)
}

const SUBSCRIPTION = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

interface Narrowed {
  readonly region: readonly string[]
  readonly of: string
}

function azureQuestion(
  { subscription, resourceGroup, region, of }: Narrowed & { subscription: string | undefined; resourceGroup: string | undefined },
  access: CloudAccess,
): Question {
  const account = subscription ?? access.subscription
  if (!account) throw invalid('No subscription is named; give --subscription ID, or set AZURE_SUBSCRIPTION_ID.')
  if (!SUBSCRIPTION.test(account)) {
    throw invalid(`The subscription is ${shownInput(account)}; it must be its id, such as 3f2c1a9e-0b4d-4c57-9d3e-6a1b2c3d4e5f.`)
  }
  const [token, endpoint] = [access.azureToken(), access.azureEndpoint()]
  const discover = discoverFlexibleServers({
    subscription: account,
    resourceGroup: resourceGroup ?? null,
    ...(token !== null && { token }),
    ...(endpoint !== null && { client: { endpoint } }),
  })
  const where =
    resourceGroup === undefined ? `subscription ${account}` : `resource group ${resourceGroup}, subscription ${account}`
  return {
    asked: `the flexible servers of ${where}${of && `,${of}`}`,
    ask: async (signal) => within(region, await discover({ signal })),
  }
}

function gcpQuestion({ project, region, of }: Narrowed & { project: string | undefined }, access: CloudAccess): Question {
  const account = project ?? access.project
  if (!account) throw invalid('No project is named; give --project ID, or set GOOGLE_CLOUD_PROJECT.')
  const [token, endpoint] = [access.googleToken(), access.googleEndpoint()]
  const discover = discoverCloudSql({
    project: account,
    ...(endpoint !== null && { endpoint }),
    ...(token !== null && { token }),
  })
  return {
    asked: `the Cloud SQL instances of project ${account}${of && `,${of}`}`,
    ask: async (signal) => within(region, await discover({ signal })),
  }
}

function within(regions: readonly string[], found: readonly FoundInstance[]): readonly FoundInstance[] {
  return regions.length === 0 ? found : found.filter(({ region }) => regions.includes(region))
}

function invalid(message: string): Error {
  return failure('OPTION_INVALID', message)
}
