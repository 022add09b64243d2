/** Where the clouds' APIs are and as whom to ask them, by the variables that a worker reads too. AWS is not here: its SDK reads
 *  everything by itself. What is missing is only missed by who needs it. */
import { failure } from '../contracts/failures'
import { type Environment, secretVariable } from './environment'

export interface CloudAccess {
  /** AZURE_SUBSCRIPTION_ID. */
  readonly subscription: string | null
  /** GOOGLE_CLOUD_PROJECT. */
  readonly project: string | null
  /** CAPSTAN_AZURE_TOKEN, or the file that CAPSTAN_AZURE_TOKEN_FILE names. Fails with OPTION_INVALID. */
  azureToken(): string
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
    azureToken() {
      const token = secretVariable(env, 'CAPSTAN_AZURE_TOKEN')
      if (token !== null) return token
      const how = 'set CAPSTAN_AZURE_TOKEN to what "az account get-access-token --query accessToken --output tsv" prints'
      throw failure('OPTION_INVALID', `Azure is asked with an access token, and none is set: ${how}.`, {
        variable: 'CAPSTAN_AZURE_TOKEN',
      })
    },
    googleToken: () => secretVariable(env, 'CAPSTAN_GCP_TOKEN'),
    azureEndpoint: () => endpoint(env, 'CAPSTAN_AZURE_ENDPOINT', /^https:$/, 'https://management.azure.com'),
    googleEndpoint: () => endpoint(env, 'CAPSTAN_GCP_ENDPOINT', /^https?:$/, 'https://sqladmin.googleapis.com'),
  }
}

/** A token goes there. Not repeated: somebody may have put a password into it. */
function endpoint(env: Environment, variable: string, protocol: RegExp, example: string): string | null {
  const text = env[variable]
  if (!text) return null
  const url = URL.canParse(text) ? new URL(text) : null
  if (url !== null && protocol.test(url.protocol) && url.username === '' && url.password === '') return text.replace(/\/+$/, '')
  throw failure(
    'OPTION_INVALID',
    `${variable} is not the address of an API; it must be like ${example}, without a user or a password.`,
    {
      variable,
    },
  )
}
