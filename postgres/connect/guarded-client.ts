/** The driver answers whatever the server asks for, a request for the password in clear text included, so that whoever answers in the
 *  server's place would have it. This client gives the password away only as follows, and otherwise closes the connection first:
 *
 *  | asked for     | not encrypted        | encrypted, certificate not verified | encrypted and verified |
 *  |---------------|----------------------|-------------------------------------|------------------------|
 *  | SCRAM         | yes, see below       | yes, see below                      | yes                    |
 *  | MD5           | to this machine only | yes                                 | yes                    |
 *  | in clear text | never                | never                               | yes                    |
 *
 *  A SCRAM answer lets whoever asked try passwords, each at the cost of the iterations asked for: unless the server is verified, fewer than
 *  PostgreSQL's own 4096 get no answer. An MD5 answer can be turned back into the password by trying, so no network may see it. What the driver does not announce is not
 *  answered: were its events renamed, no password would be sent at all. */
import { BlockList, isIPv6, Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { Client, type ClientConfig, type Connection } from 'pg'
import { type Failure, failure } from '../../contracts/failures'

/** The driver's own names of what a server may ask for. */
export type PasswordRequest = 'authenticationSASL' | 'authenticationMD5Password' | 'authenticationCleartextPassword'

const REQUESTS: readonly PasswordRequest[] = [
  'authenticationSASL',
  'authenticationMD5Password',
  'authenticationCleartextPassword',
]

export interface Way {
  readonly encrypted: boolean
  /** The certificate comes from a trusted authority and names the host. */
  readonly verified: boolean
  /** The server's IP address, null where it is not known. */
  readonly address: string | null
}

/** Null when the password may be given, otherwise why not. */
export function objection(request: PasswordRequest, { encrypted, verified, address }: Way): string | null {
  if (request === 'authenticationSASL') return null
  const openly = 'over a connection that is not encrypted'
  if (request === 'authenticationMD5Password') {
    return encrypted || isLoopback(address) ? null : `as an MD5 hash, which can be turned back into it, ${openly}`
  }
  if (!encrypted) return `in clear text ${openly}`
  return verified ? null : 'in clear text over a connection whose certificate was not verified'
}

const SCRAM_ITERATIONS_MIN = 4_096

/** The same for what a server sends in the middle of SCRAM (RFC 5802, server-first-message). */
export function objectionToScram(serverFirst: string, { verified }: Pick<Way, 'verified'>): string | null {
  const iterations = [...serverFirst.matchAll(/(?:^|,)i=([^,]*)/g)].map(([, count]) => Number(count))
  const enough = iterations.length > 0 && iterations.every((count) => count >= SCRAM_ITERATIONS_MIN)
  return verified || enough ? null : `by SCRAM with fewer than ${SCRAM_ITERATIONS_MIN} iterations, which makes it easy to guess`
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

function isLoopback(address: string | null): boolean {
  return address !== null && LOOPBACK.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

/** A drop-in for the driver's client, in a pool too. A refused request makes `connect()` reject with the Failure PASSWORD_WITHHELD. */
export class GuardedClient extends Client {
  constructor(config: ClientConfig & { readonly password?: string | undefined } = {}) {
    const gate = new PasswordGate(config.password ?? '', `${config.host}:${config.port}`)
    super({ ...config, password: () => gate.release() })
    gate.watch(this.connection)
  }
}

class PasswordGate {
  readonly #password: string
  readonly #where: string
  #allowed = false
  #refusal: Failure | null = null

  constructor(password: string, where: string) {
    this.#password = password
    this.#where = where
  }

  /** Listens before the driver does, since the driver begins with `connect()`: what is not allowed finds a closed socket. */
  watch(connection: Connection): void {
    for (const request of REQUESTS) {
      connection.on(request, () => {
        const why = objection(request, wayOf(connection))
        this.#allowed = why === null
        if (why !== null) this.#refuse(connection, why)
      })
    }
    connection.on('authenticationSASLContinue', ({ data }) => {
      const why = objectionToScram(data, wayOf(connection))
      if (why !== null) this.#refuse(connection, why)
    })
  }

  #refuse(connection: Connection, why: string): void {
    this.#refusal = this.#withheld(why)
    connection.stream.destroy(this.#refusal)
  }

  /** The driver calls it when it wants to answer. */
  release(): string {
    if (this.#allowed && this.#refusal === null) return this.#password
    throw this.#refusal ?? this.#withheld('in a way that is not known here')
  }

  #withheld(how: string): Failure {
    return failure(
      'PASSWORD_WITHHELD',
      `${this.#where} asks for the password ${how}, so it was not sent: let the server ask for scram-sha-256, ` +
        'or set TLS to verify-full (its authority can be named in NODE_EXTRA_CA_CERTS).',
      { server: this.#where },
    )
  }
}

function wayOf({ stream }: Connection): Way {
  const encrypted = stream instanceof TLSSocket
  return {
    encrypted,
    verified: encrypted && stream.authorized,
    address: (stream instanceof Socket ? stream.remoteAddress : undefined) ?? null,
  }
}
