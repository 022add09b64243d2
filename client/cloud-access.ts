/** Where the clouds' APIs are and as whom to ask them, by the variables that a worker reads too. AWS is not here: its SDK reads
 *  everything by itself. What is missing is only missed by who needs it. */
import { parseCloudEndpoint } from '../contracts/cloud-endpoint'
import { type Environment, secretVariable } from './environment'

export interface CloudAccess {
  /** AZURE_SUBSCRIPTION_ID. */
  readonly subscription: string | null
  /** GOOGLE_CLOUD_PROJECT. */
  readonly project: string | null
  /** CAPSTAN_AZURE_TOKEN, or the file that CAPSTAN_AZURE_TOKEN_FILE names; null: the vendor's default chain. Fails with OPTION_INVALID. */
  azureToken(): string | null
  /** CAPSTAN_GCP_TOKEN, likewise; null: the application default credentials. */
  googleToken(): string | null
  /** CAPSTAN_AZURE_ENDPOINT, CAPSTAN_GCP_ENDPOINT: a lab, or a cloud of one's own; null: the vendor's. Fail with OPTION_INVALID. */
  azureEndpoint(): string | null
  googleEndpoint(): string | null
}

export function readCloudAccess(env: Environment): CloudAccess {
  return {
    subscription: env.AZURE_SUBSCRIPTION_ID || null,
    project: env.GOOGLE_CLOUD_PROJECT || null,
    azureToken: () => secretVariable(env, 'CAPSTAN_AZURE_TOKEN'),
    googleToken: () => secretVariable(env, 'CAPSTAN_GCP_TOKEN'),
    azureEndpoint: () => parseCloudEndpoint('CAPSTAN_AZURE_ENDPOINT', env.CAPSTAN_AZURE_ENDPOINT),
    googleEndpoint: () => parseCloudEndpoint('CAPSTAN_GCP_ENDPOINT', env.CAPSTAN_GCP_ENDPOINT),
  }
}
