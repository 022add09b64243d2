/** A way to a server that can be cut, and mended again: whoever uses it gets no answer meanwhile. */
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net'

export interface Way {
  /** `127.0.0.1:port`; the same after it was mended. */
  readonly address: string
  cut(): Promise<void>
  mend(): Promise<void>
}

export async function proxyTo(target: string): Promise<Way> {
  const [host = '', port = ''] = target.split(':')
  const sockets = new Set<Socket>()
  let server: Server | null = null
  const listen = async (on: number): Promise<number> => {
    const proxy = createServer((near) => {
      const far = createConnection({ host, port: Number(port) })
      for (const socket of [near, far]) sockets.add(socket.on('error', () => undefined))
      near.pipe(far).pipe(near)
    })
    await new Promise<void>((done) => proxy.listen(on, '127.0.0.1', done))
    server = proxy
    return (proxy.address() as AddressInfo).port
  }
  const own = await listen(0)
  return {
    address: `127.0.0.1:${own}`,
    async cut() {
      for (const socket of sockets) socket.destroy()
      sockets.clear()
      await new Promise((done) => (server === null ? done(undefined) : server.close(done)))
      server = null
    },
    mend: async () => {
      await listen(own)
    },
  }
}
