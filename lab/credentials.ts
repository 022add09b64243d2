/** What a caller of this lab must know. Made by chance with the state folder and kept in it, in `credentials.json`, which its
 *  owner alone may read: whoever may not read that file can neither act in the simulated clouds nor change the lab,
 *  but for identities that were made with a policy of their own (lab/access/). */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { SUBSCRIPTION, TENANT } from './azure/state'
import { PROJECT } from './gcp/state'

export interface AccessKey {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** What a client of simulated Azure needs. The token stands for one that Entra ID would give. */
export interface AzureCredentials {
  readonly subscriptionId: string
  readonly tenantId: string
  readonly token: string
}

export interface CloudCredentials {
  readonly aws: AccessKey & { readonly region: string }
  readonly azure: AzureCredentials
  readonly gcp: { readonly projectId: string; readonly accessToken: string }
}

/** As in `credentials.json`. */
export interface LabCredentials extends CloudCredentials {
  /** For the lab's own API: `Authorization: Bearer <labToken>`. */
  readonly labToken: string
}

export function newCredentials(): LabCredentials {
  const accessKeyId = `LAB${randomBytes(8).toString('hex').toUpperCase()}`
  const secretAccessKey = randomBytes(30).toString('base64url')
  return {
    aws: { accessKeyId, secretAccessKey, region: 'us-east-1' },
    azure: { subscriptionId: SUBSCRIPTION, tenantId: TENANT, token: randomBytes(32).toString('base64url') },
    gcp: { projectId: PROJECT, accessToken: `ya29.lab-${randomBytes(40).toString('base64url')}` },
    labToken: randomBytes(32).toString('base64url'),
  }
}

/** Whether an `Authorization` header carries the token. Takes as long for a wrong one as for the right one. */
export function bears(authorization: string | undefined, labToken: string): boolean {
  return timingSafeEqual(digest(authorization ?? ''), digest(`Bearer ${labToken}`))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
