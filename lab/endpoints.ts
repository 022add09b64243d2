/** Addresses that stand for whoever has a role now: in life a DNS name that changes its meaning. Connections are handed on from the very
 *  address that the client came from, which on loopback anybody may bind: so the servers' own network rules hold, and TLS goes
 *  through untouched. The lab itself listens; while it is down nobody does. */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { HandedOn } from './handed-on'
import type { End } from './links/connections'

const ATTEMPTS = 20
const PAUSE_MS = 100

export interface EndpointsOptions {
  /** Address → the address of who is behind it at this moment, asked for each connection. Those that are not in it do not listen. */
  wanted(): ReadonlyMap<string, () => string | undefined>
  readonly port: number
  log(line: string): void
}

interface Endpoint {
  readonly server: Server
  readonly sockets: Set<Socket>
}

export class Endpoints {
  /** By address. */
  readonly #open = new Map<string, Endpoint>()
  readonly #handedOn = new HandedOn()
  #settling: Promise<void> = Promise.resolve()
  #closed = false

  constructor(private readonly options: EndpointsOptions) {}

  /** Resolves when exactly those listen that are wanted. One that cannot is logged, and tried again the next time. */
  settle(): Promise<void> {
    this.#settling = this.#settling
      .then(() => (this.#closed ? undefined : this.#settle()))
      .catch((error) => this.options.log(`endpoints: ${error}`))
    return this.#settling
  }

  /** For good: what a task still changes opens nothing any more. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#settling
    await Promise.all([...this.#open.keys()].map((address) => this.#end(address)))
  }

  /** Whose a connection is that we made; undefined: none that is handed on. */
  handedOn(local: string): End | undefined {
    return this.#handedOn.clientOf(local)
  }

  async #settle(): Promise<void> {
    const wanted = this.options.wanted()
    for (const address of [...this.#open.keys()]) if (!wanted.has(address)) await this.#end(address)
    for (const address of wanted.keys()) {
      if (this.#open.has(address)) continue
      await this.#begin(address).catch((error) => this.options.log(`endpoint ${address}: ${error}`))
    }
  }

  /** Who waits for `settle` counts on it: an address that is still in use is asked for again. */
  async #begin(address: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#listen(address)
      } catch (error) {
        if (this.#closed || attempt === ATTEMPTS) throw error
        this.options.log(`endpoint ${address}: ${error}; it is tried again`)
      }
      await sleep(PAUSE_MS)
    }
  }

  async #listen(address: string): Promise<void> {
    const sockets = new Set<Socket>()
    const server = createServer((client) => this.#handOn(client, address, sockets))
    await new Promise<void>((done, fail) => {
      server.once('error', fail).listen({ host: address, port: this.options.port }, done)
    })
    server.on('error', (error) => this.options.log(`endpoint ${address}: ${error}`))
    this.#open.set(address, { server, sockets })
  }

  #handOn(client: Socket, address: string, sockets: Set<Socket>): void {
    const host = this.options.wanted().get(address)?.()
    const { remoteAddress: localAddress } = client
    if (host === undefined || localAddress === undefined) {
      client.destroy()
      return
    }
    const server = connect({ host, port: this.options.port, localAddress })
    server.once('connect', () => this.#handedOn.remember(client, server))
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(one)
      one.setNoDelay(true)
      one.on('error', () => other.destroy())
      one.once('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  }

  async #end(address: string): Promise<void> {
    const endpoint = this.#open.get(address)
    this.#open.delete(address)
    if (!endpoint) return
    const closed = new Promise<void>((done) => endpoint.server.close(() => done()))
    for (const socket of endpoint.sockets) socket.destroy()
    await closed
  }
}
