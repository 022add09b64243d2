/** Stands where customers connect, for a server that listens elsewhere, and hands everything on to it from the very address that the
 *  client came from: so network rules, passwords, limits and time-outs stay the server's own. TLS ends here, with the server's own certificate,
 *  and begins anew behind: so channel binding holds from end to end. Members of one role are asked for their password here, and those whom the
 *  lab lets in get to the server with a certificate that only the lab can make. The server is connected first, and ends whoever says nothing for too
 *  long (`authentication_timeout`). No password is ever kept or logged. */
import { BlockList, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecureContext, TLSSocket, connect as tlsConnect } from 'node:tls'
import type { HandedOn } from '../handed-on'
import type { Authority, IssuedCertificate } from '../tls'
import type { Membership } from './membership'
import type { FrontSpec, Login, ServerSpec } from './spec'
import { fatal, GSS_REQUEST, type Opening, passwordRequest, readOpening, readPassword, SSL_REQUEST, take, userOf } from './wire'

export type FrontedSpec = ServerSpec & { front: FrontSpec }

export interface FrontOptions {
  readonly port: number
  readonly authority: Authority
  readonly handedOn: HandedOn
  /** Of the spec's role. */
  readonly members: Membership
  /** The server's own certificate and key, PEM. */
  shown(): { cert: string; key: string }
  admits(login: Login): boolean
  log(line: string): void
}

type FirstPacket = Exclude<Opening, 'tls' | undefined>

/** Both ends of a connection that is handed on; TLS takes a socket's place. */
interface Pair {
  client: Socket
  server: Socket
}

/** Source: PostgreSQL manual, "SSL Session Encryption". */
const ALPN = 'postgresql'
/** From this version on. */
const TLS_AT_ONCE = 17
const ASK_EVERY_MS = 200

export class Front {
  readonly #sockets = new Set<Socket>()
  readonly #listener: Server
  #context: { cert: string; context: ReturnType<typeof createSecureContext> } | undefined

  private constructor(
    private spec: FrontedSpec,
    private readonly options: FrontOptions,
  ) {
    this.#listener = createServer((client) => {
      this.#serve(client).catch((error) => {
        client.destroy()
        options.log(`front ${this.spec.front.address}: ${error}`)
      })
    })
  }

  /** Resolves when it listens. @throws Error when it cannot. */
  static async open(spec: FrontedSpec, options: FrontOptions): Promise<Front> {
    const front = new Front(spec, options)
    const { address: host } = spec.front
    await new Promise<void>((done, fail) => {
      front.#listener.once('error', fail).listen({ host, port: options.port }, done)
    })
    front.#listener.on('error', (error) => options.log(`front ${host}: ${error}`))
    return front
  }

  /** What the server lives under from now on. */
  tell(spec: FrontedSpec): void {
    this.spec = spec
  }

  /** Nobody is answered any more; those who are connected stay so. */
  stopListening(): void {
    this.#listener.close()
  }

  close(): void {
    this.stopListening()
    for (const socket of this.#sockets) socket.destroy()
  }

  async #serve(client: Socket): Promise<void> {
    const { port, handedOn } = this.options
    const { remoteAddress: localAddress } = client
    if (localAddress === undefined) {
      client.destroy()
      return
    }
    const pair: Pair = { client, server: connect({ host: this.spec.address, port, localAddress }) }
    this.#tie(pair)
    if (!(await connected(pair.server))) {
      // as near as it gets to nobody listening
      client.resetAndDestroy()
      return
    }
    handedOn.remember(client, pair.server)
    if (await this.#open(pair, localAddress)) join(pair)
    else pair.server.destroy()
  }

  /** Whatever ends on one side ends on the other, after what was still to be told. */
  #tie(pair: Pair): void {
    const ends = [
      [pair.client, (): Socket => pair.server],
      [pair.server, (): Socket => pair.client],
    ] as const
    for (const [one, other] of ends) {
      this.#sockets.add(one)
      one.setNoDelay(true)
      one.on('error', () => {})
      one.once('close', () => {
        this.#sockets.delete(one)
        other().destroySoon()
      })
    }
  }

  /** Until everything else is between the client and the server. False: it comes to nothing. */
  async #open(pair: Pair, from: string): Promise<boolean> {
    const { client, server } = pair
    for (;;) {
      const opening = await readOpening(client)
      if (opening === undefined) return false
      if (opening === 'tls') return this.#openTlsAtOnce(pair, from)
      server.write(opening.bytes)
      if (opening.code !== SSL_REQUEST && opening.code !== GSS_REQUEST) return true
      const answer = await take(server, 1)
      // whoever spoke before the answer was not the one to whom it goes
      if (!answer || client.readableLength > 0) return false
      client.write(answer)
      const said = answer.toString('latin1')
      if (said === 'S' && opening.code === SSL_REQUEST) return this.#openEncrypted(pair, from)
      if (said !== 'N') return true
    }
  }

  async #openTlsAtOnce(pair: Pair, from: string): Promise<boolean> {
    // an older one knows no such thing
    if (this.spec.major < TLS_AT_ONCE) return false
    const request = Buffer.alloc(8)
    request.writeUInt32BE(8, 0)
    request.writeUInt32BE(SSL_REQUEST, 4)
    pair.server.write(request)
    if ((await take(pair.server, 1))?.toString('latin1') !== 'S') return false
    return this.#openEncrypted(pair, from, 'at-once')
  }

  async #openEncrypted(pair: Pair, from: string, how?: 'at-once'): Promise<boolean> {
    const protocols = this.spec.major < TLS_AT_ONCE ? {} : { ALPNProtocols: [ALPN] }
    const secure = new TLSSocket(pair.client, { isServer: true, secureContext: this.#secureContext(), ...protocols })
    secure.on('error', () => {})
    pair.client = secure
    const opening = await readOpening(secure)
    if (opening === undefined || opening === 'tls') return false
    if (how === 'at-once' && secure.alpnProtocol !== ALPN) return false
    const pass = await this.#passOf(opening, secure, from)
    if (pass === 'refused') return false
    const { address: host } = this.spec
    const { certificate: ca } = this.options.authority
    const credentials = pass === 'none' ? {} : { cert: pass.certificate, key: pass.key }
    const upstream = tlsConnect({ socket: pair.server, host, ca, ...credentials })
    upstream.on('error', (error) => {
      if (!upstream.authorized) this.options.log(`front ${this.spec.front.address}: ${error}`)
    })
    pair.server = upstream
    upstream.write(opening.bytes)
    return true
  }

  /** `none`: the server judges by itself. `refused`: the client was told. */
  async #passOf(opening: FirstPacket, client: Socket, from: string): Promise<IssuedCertificate | 'none' | 'refused'> {
    const user = userOf(opening)
    if (user === undefined || !(await this.#isOurs(user, client, from))) return 'none'
    client.write(passwordRequest())
    const password = await readPassword(client)
    if (password === undefined) return 'refused'
    if (this.options.admits({ user, password })) return this.options.authority.issueLogin(user)
    client.end(fatal('28000', `PAM authentication failed for user "${user}"`))
    return 'refused'
  }

  /** Whoever comes from a network that is not let in is left to the server's own words. */
  async #isOurs(user: string, client: Socket, from: string): Promise<boolean> {
    const { networks, front } = this.spec
    if (user === front.exempt || !isIn(networks, from)) return false
    while (!client.destroyed) {
      try {
        return await this.options.members.includes(user)
      } catch (error) {
        // a server that refuses the administrator tells the client the same; one that stands still is waited for
        if (typeof error === 'object' && error !== null && 'severity' in error) return false
        await sleep(ASK_EVERY_MS)
      }
    }
    return false
  }

  #secureContext(): ReturnType<typeof createSecureContext> {
    const shown = this.options.shown()
    if (this.#context?.cert !== shown.cert) this.#context = { cert: shown.cert, context: createSecureContext(shown) }
    return this.#context.context
  }
}

function join({ client, server }: Pair): void {
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const) {
    one.pipe(other)
    one.once('close', () => other.destroySoon())
  }
}

function connected(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('close', () => resolve(false))
  })
}

function isIn(networks: readonly string[], address: string): boolean {
  const list = new BlockList()
  for (const network of networks) {
    const [base = '', bits = '32'] = network.split('/')
    list.addSubnet(base, Number(bits), 'ipv4')
  }
  return list.check(address, 'ipv4')
}
