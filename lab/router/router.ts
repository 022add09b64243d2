/** Names that applications connect to: in life a DNS name, a load balancer or a pooler of somebody's own. Each has a port of its own on the lab's
 *  address, for good, and leads to one instance; on a move new connections go to the new one and those that there are end. Connections are handed
 *  on from the address that the client came from, so that the servers' own network rules hold. The lab itself listens: while it is down nobody does. */
import { connect, createServer, type Server, type Socket } from 'node:net'

export interface Place {
  host: string
  port: number
}

export interface Route {
  /** On the lab's own address. */
  port: number
  to: Place
}

export interface RouterOptions {
  /** Of the lab, changed in place: what is in it after a save is there again after a crash. */
  readonly routes: Record<string, Route>
  readonly address: string
  save(): Promise<void>
  log(line: string): void
}

interface Listener {
  readonly server: Server
  readonly sockets: Set<Socket>
}

/** `moved` false: it leads elsewhere, and was left there. */
export type Moved = { readonly moved: boolean; readonly route: Route }

export class Router {
  readonly #listeners = new Map<string, Listener>()
  /** One change after the other: a move compares and sets. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(private readonly options: RouterOptions) {}

  list(): ({ name: string; host: string } & Route)[] {
    return Object.entries(this.options.routes).map(([name, route]) => ({ name, host: this.options.address, ...route }))
  }

  find(name: string): Route | undefined {
    return Object.hasOwn(this.options.routes, name) ? this.options.routes[name] : undefined
  }

  /** Listens again as before. A port that somebody else has is logged. */
  async resume(): Promise<void> {
    for (const [name, route] of Object.entries(this.options.routes)) {
      await this.#listen(name, route.port).catch((error) => this.options.log(`router ${name}: ${error}`))
    }
  }

  /** Makes the name, or leaves it as it is. */
  make(name: string, to: Place): Promise<Route> {
    return this.#inTurn(async () => {
      const there = this.find(name)
      if (there) return there
      const route = { port: await this.#listen(name, 0), to }
      this.options.routes[name] = route
      await this.options.save()
      return route
    })
  }

  /** Safe to repeat. Undefined: there is no such name. */
  move(name: string, from: Place, to: Place): Promise<Moved | undefined> {
    return this.#inTurn(async () => {
      const route = this.find(name)
      if (!route) return undefined
      if (!same(route.to, to)) {
        if (!same(route.to, from)) return { moved: false, route }
        route.to = to
        for (const socket of this.#listeners.get(name)?.sockets ?? []) socket.destroy()
      }
      await this.options.save()
      return { moved: true, route }
    })
  }

  /** All of them, as a lab that is emptied. */
  clear(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#closeAll()
      for (const name of Object.keys(this.options.routes)) delete this.options.routes[name]
      await this.options.save()
    })
  }

  close(): Promise<void> {
    return this.#inTurn(() => this.#closeAll())
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(act)
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #listen(name: string, port: number): Promise<number> {
    const sockets = new Set<Socket>()
    const server = createServer((client) => this.#handOn(client, name, sockets))
    await new Promise<void>((done, fail) => {
      server.once('error', fail).listen({ host: this.options.address, port }, done)
    })
    server.on('error', (error) => this.options.log(`router ${name}: ${error}`))
    this.#listeners.set(name, { server, sockets })
    const address = server.address()
    if (typeof address !== 'object' || address === null) throw new Error('it has no address')
    return address.port
  }

  #handOn(client: Socket, name: string, sockets: Set<Socket>): void {
    const route = this.find(name)
    const { remoteAddress: localAddress } = client
    if (!route || localAddress === undefined) {
      client.destroy()
      return
    }
    const server = connect({ ...route.to, localAddress })
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

  async #closeAll(): Promise<void> {
    const listeners = [...this.#listeners.values()]
    this.#listeners.clear()
    await Promise.all(
      listeners.map(({ server, sockets }) => {
        const closed = new Promise<void>((done) => server.close(() => done()))
        for (const socket of sockets) socket.destroy()
        return closed
      }),
    )
  }
}

function same(one: Place, other: Place): boolean {
  return one.host === other.host && one.port === other.port
}
