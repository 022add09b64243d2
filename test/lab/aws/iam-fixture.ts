/** What the suites of IAM database authentication ask, of a lab in this process or in another one. Tokens are the vendor's own. */
import { readFileSync } from 'node:fs'
import type { DBInstance } from '@aws-sdk/client-rds'
import { Signer } from '@aws-sdk/rds-signer'
import type { ClientConfig } from 'pg'
import type { AccessKey } from '../../../lab/credentials'
import { connect, placeOf } from '../fixture'

export interface IamLab {
  /** The address that is let in. */
  client: string
  credentials: AccessKey
  certificateFile: string
}

/** What a token is signed with, where it is not what is right. */
export interface Wish {
  hostname?: string
  port?: number
  region?: string
  credentials?: AccessKey
}

export const ROLES = `CREATE ROLE app LOGIN; CREATE ROLE worker LOGIN PASSWORD 'a password of its own'; GRANT rds_iam TO app, worker;
  CREATE ROLE plain LOGIN PASSWORD 'plain'; CREATE ROLE "it's, CN=app" LOGIN; GRANT app TO "it's, CN=app"`

type Placed = Pick<DBInstance, 'Endpoint'>

export const PAM = (user: string) => ({
  code: '28000',
  severity: 'FATAL',
  message: `PAM authentication failed for user "${user}"`,
})

export function iamOf(lab: () => IamLab) {
  const authority = () => readFileSync(lab().certificateFile, 'utf8')
  /** A pooled driver's way: TLS, with the authority's certificate. */
  const careful = () => ({ ssl: { ca: authority() } })
  const tokenFor = (instance: Placed, username: string, wish: Wish = {}) => {
    const { host: hostname, port } = placeOf(instance)
    return new Signer({ hostname, port, region: 'us-east-1', credentials: lab().credentials, ...wish, username }).getAuthToken()
  }
  /** Who one is after logging in. */
  async function enter(instance: Placed, config: ClientConfig, from = lab().client): Promise<string> {
    const client = await connect(from, { ...placeOf(instance), ...config })
    try {
      const { rows } = await client.query<{ who: string }>(
        `SELECT format('%s from %s, TLS %s', current_user, inet_client_addr(), ssl) AS who
           FROM pg_stat_ssl WHERE pid = pg_backend_pid()`,
      )
      return rows[0]!.who
    } finally {
      await client.end()
    }
  }
  const byToken = async (instance: Placed, user: string, wish: Wish = {}) =>
    enter(instance, { user, password: await tokenFor(instance, user, wish), ...careful() })
  return { authority, careful, tokenFor, enter, byToken }
}
