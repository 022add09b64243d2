/** What a connection is made from. */

/** `require`: encrypted, the certificate is not checked; `verify-full`: certificate and host name are. */
export type TlsMode = 'disable' | 'require' | 'verify-full'

export interface ConnectOptions {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  /** Leaves this process only as `GuardedClient` allows. */
  readonly password: string
  /** What pg_stat_activity shows. PostgreSQL keeps the first 63 bytes. */
  readonly applicationName: string
  readonly tls?: TlsMode
  /** PEM text of the authority to trust under `verify-full`; without it Node's own list, with what NODE_EXTRA_CA_CERTS adds. */
  readonly tlsAuthority?: string
  /** Local address to connect from. */
  readonly sourceAddress?: string
  /** Default 10,000. */
  readonly connectTimeoutMs?: number
  /** Once it fires the connection is cut, whatever it is at: what runs fails with CONNECTION_LOST, and nothing is cancelled by the server's leave. For a server that
   *  may stand still. */
  readonly cutBy?: AbortSignal
}
