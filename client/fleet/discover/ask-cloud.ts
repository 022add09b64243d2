/** Which cloud is asked, for what, and as whom: from the options of a command line and the environment. */

import { discoverRds } from '../../../clouds/discovery/aws'
import { discoverFlexibleServers } from '../../../clouds/discovery/azure'
import type { FoundInstance } from '../../../clouds/discovery/found'
import { type CloudSqlAccount, discoverCloudSql } from '../../../clouds/discovery/gcp'
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
    return { asked: `the RDS instances${of}`, ask: (signal) => discoverRds({ regions: region })({ signal }) }
  }
  if (cloud === 'azure') return azureQuestion({ subscription, resourceGroup, region, of }, access)
  return gcpQuestion({ project, region, of }, access)
}

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
  const [token, endpoint] = [access.azureToken(), access.azureEndpoint()]
  const discover = discoverFlexibleServers({
    subscription: account,
    resourceGroup: resourceGroup ?? null,
    // As long as a command line may take; the token's own end is not told.
    credential: { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) },
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
  return {
    asked: `the Cloud SQL instances of project ${account}${of && `,${of}`}`,
    async ask(signal) {
      const discover = discoverCloudSql({
        project: account,
        ...(endpoint !== null && { endpoint }),
        ...(token !== null && { client: await bearing(token) }),
      })
      return within(region, await discover({ signal }))
    },
  }
}

async function bearing(token: string): Promise<NonNullable<CloudSqlAccount['client']>> {
  const { OAuth2Client } = await import('google-auth-library')
  const authClient = new OAuth2Client({ transporterOptions: { fetchImplementation: fetch } })
  authClient.setCredentials({ access_token: token, expiry_date: Date.now() + 3_600_000 })
  return { authClient }
}

function within(regions: readonly string[], found: readonly FoundInstance[]): readonly FoundInstance[] {
  return regions.length === 0 ? found : found.filter(({ region }) => regions.includes(region))
}

function invalid(message: string): Error {
  return failure('OPTION_INVALID', message)
}
