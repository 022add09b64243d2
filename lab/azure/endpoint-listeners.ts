/** The listeners behind virtual endpoints. A connection is handed on as it is to the server that has the role now, from its caller's own
 *  address, so that firewall rules hold. In life a DNS name changes its meaning; here the lab listens, and while it is down nobody
 *  does. */
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { CloudGround } from '../cloud'
import type { AzureState } from './state'

type ListenerGround = Pick<CloudGround, 'addresses' | 'dataPort' | 'log'> & { readonly state: AzureState }

export class EndpointListeners {
  readonly #listening = new Map<number, { server: Server; sockets: Set<Socket> }>()
  #work: Promise<void> = Promise.resolve()

  constructor(private readonly cloud: () => ListenerGround) {}

  /** Brings the listeners in line with the endpoints of now. */
  settle(): Promise<void> {
    this.#work = this.#work.then(() => this.#settleNow()).catch((error) => this.cloud().log(`virtual endpoints: ${error}`))
    return this.#work
  }

  async close(): Promise<void> {
    await this.#work
    await Promise.all([...this.#listening.keys()].map((host) => this.#end(host)))
  }

  async #settleNow(): Promise<void> {
    const { state } = this.cloud()
    const wanted = new Set(Object.values(state.endpoints).flatMap(({ writerHost, readerHost }) => [writerHost, readerHost]))
    for (const host of [...this.#listening.keys()]) if (!wanted.has(host)) await this.#end(host)
    for (const host of wanted) if (!this.#listening.has(host)) await this.#listen(host)
  }

  async #listen(host: number): Promise<void> {
    const { addresses, dataPort } = this.cloud()
    const sockets = new Set<Socket>()
    const server = createServer((caller) => {
      const target = this.#targetOf(host)
      if (!target) return void caller.destroy()
      // loopback lets a socket have its caller's address
      const onward = connect({ host: target, port: dataPort, localAddress: caller.remoteAddress ?? '127.0.0.1' })
      for (const [one, other] of [
        [caller, onward],
        [onward, caller],
      ] as const) {
        sockets.add(one)
        one.on('error', () => other.destroy())
        one.on('close', () => {
          sockets.delete(one)
          other.destroy()
        })
        one.pipe(other)
      }
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: addresses.textOf(host), port: dataPort }, resolve)
    })
    this.#listening.set(host, { server, sockets })
  }

  /** The address of the server that has the role now. */
  #targetOf(host: number): string | undefined {
    const { state, addresses } = this.cloud()
    for (const { writerHost, readerHost, owner, reader } of Object.values(state.endpoints)) {
      const key = host === writerHost ? owner : host === readerHost ? (reader ?? owner) : undefined
      const server = key === undefined ? undefined : state.servers[key]
      if (server) return addresses.textOf(server.host)
    }
    return undefined
  }

  async #end(host: number): Promise<void> {
    const { server, sockets } = this.#listening.get(host) ?? {}
    this.#listening.delete(host)
    const closed = new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()))
    for (const socket of sockets ?? []) socket.destroy()
    await closed
  }
}
