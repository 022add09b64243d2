/** The two endpoints of each Aurora cluster: addresses that stand for whoever writes, and for one reader after the other. Connections are
 *  handed on from the very address that the client came from, which on loopback anybody may bind: so the members' own network rules
 *  hold, and TLS goes through untouched. */
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { AwsCloud } from './cloud'
import { membersOf, writerOf } from './following'
import type { DbCluster, DbInstance } from './state'

interface Endpoint {
  readonly server: Server
  readonly sockets: Set<Socket>
}

type Role = 'writer' | 'reader'

export class Endpoints {
  /** By address. */
  readonly #open = new Map<string, Endpoint>()
  #turn = 0
  #closed = false
  #syncing: Promise<void> = Promise.resolve()

  constructor(private readonly cloud: () => AwsCloud) {}

  /** Resolves when exactly those listen that have somebody to stand for. */
  sync(): Promise<void> {
    this.#syncing = this.#syncing
      .then(() => (this.#closed ? undefined : this.#sync()))
      .catch((error) => this.cloud().log(`endpoints: ${error}`))
    return this.#syncing
  }

  /** For good: what a task still changes opens nothing any more. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#syncing
    await Promise.all([...this.#open.keys()].map((address) => this.#close(address)))
  }

  async #sync(): Promise<void> {
    const { state, addresses } = this.cloud()
    const wanted = new Map<string, [DbCluster, Role]>()
    for (const cluster of Object.values(state.clusters)) {
      if (writerOf(state, cluster)?.createdAt == null) continue
      wanted.set(addresses.textOf(cluster.writerHost), [cluster, 'writer'])
      wanted.set(addresses.textOf(cluster.readerHost), [cluster, 'reader'])
    }
    for (const address of this.#open.keys()) if (!wanted.has(address)) await this.#close(address)
    for (const [address, [cluster, role]] of wanted) if (!this.#open.has(address)) await this.#listen(address, cluster, role)
  }

  async #listen(address: string, cluster: DbCluster, role: Role): Promise<void> {
    const sockets = new Set<Socket>()
    const server = createServer((client) => this.#handOn(client, this.#behind(cluster, role), sockets))
    await new Promise<void>((done, fail) => {
      server.once('error', fail).listen({ host: address, port: this.cloud().dataPort }, done)
    })
    server.on('error', (error) => this.cloud().log(`endpoint ${address}: ${error}`))
    this.#open.set(address, { server, sockets })
  }

  #behind(cluster: DbCluster, role: Role): DbInstance | undefined {
    const { state, servers } = this.cloud()
    const writer = writerOf(state, cluster)
    if (role === 'writer') return writer
    const readers = membersOf(state, cluster).filter(
      (member) => member !== writer && member.status !== 'creating' && !servers.isDown(member.folder),
    )
    return readers.length === 0 ? writer : readers[this.#turn++ % readers.length]
  }

  #handOn(client: Socket, member: DbInstance | undefined, sockets: Set<Socket>): void {
    const { remoteAddress: localAddress } = client
    if (!member || localAddress === undefined) {
      client.destroy()
      return
    }
    const { addresses, dataPort: port } = this.cloud()
    const server = connect({ host: addresses.textOf(member.host), port, localAddress })
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

  async #close(address: string): Promise<void> {
    const endpoint = this.#open.get(address)
    this.#open.delete(address)
    if (!endpoint) return
    const closed = new Promise<void>((done) => endpoint.server.close(() => done()))
    for (const socket of endpoint.sockets) socket.destroy()
    await closed
  }
}
