/** Where a cloud's API is, as the environment says it to doors and workers alike: a lab, or a cloud of one's own. AWS is not here: its SDK
 *  reads everything by itself. */
import { failure } from './failures'

/** By its variable: the protocols that its SDK speaks, and an example. Azure's gives no token to an endpoint without TLS. */
export const CLOUD_ENDPOINTS = {
  CAPSTAN_AZURE_ENDPOINT: { protocols: ['https:'], example: 'https://management.azure.com' },
  /** For endpoints that are names of a lab's router. */
  CAPSTAN_LAB_ENDPOINT: { protocols: ['http:', 'https:'], example: 'http://127.77.3.1:40123' },
  CAPSTAN_GCP_ENDPOINT: { protocols: ['https:', 'http:'], example: 'https://sqladmin.googleapis.com' },
} as const satisfies Record<string, { readonly protocols: readonly string[]; readonly example: string }>

/** `text`: the variable's value, if it has one. Null: the vendor's own. A token goes there, so that it is looked at closely; what it is is
 *  not repeated, since somebody may have put a password into it. Fails with OPTION_INVALID. */
export function parseCloudEndpoint(variable: keyof typeof CLOUD_ENDPOINTS, text: string | undefined): string | null {
  if (!text) return null
  const { protocols, example } = CLOUD_ENDPOINTS[variable]
  const url = URL.canParse(text) ? new URL(text) : null
  const spoken = protocols.some((protocol) => protocol === url?.protocol)
  if (url !== null && spoken && url.username === '' && url.password === '') return text.replace(/\/+$/, '')
  const begin = protocols.map((protocol) => `${protocol}//`).join(' or ')
  const message = `${variable} is not the address of an API; it must begin with ${begin} and name neither user nor password, like ${example}.`
  throw failure('OPTION_INVALID', message, { variable })
}
