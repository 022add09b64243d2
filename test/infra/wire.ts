/** A line to a server that can be cut and mended: what goes over it stops, and new connections are refused. */
import { connect, createServer, type Socket } from 'node:net'

export interface Wire {
  readonly address: string
  cut(): void
  mend(): void
  close(): Promise<void>
}

export async function cuttable(address: string): Promise<Wire> {
  const [host = '', port = ''] = address.split(':')
  const sockets = new Set<Socket>()
  let whole = true
  const server = createServer((near) => {
    if (!whole) return near.destroy()
    const far = connect(Number(port), host)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one
        .on('error', () => undefined)
        .on('close', () => {
          sockets.delete(one)
          other.destroy()
        })
      one.pipe(other)
    }
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('no port')
  const cut = (): void => {
    whole = false
    for (const socket of sockets) socket.destroy()
  }
  return {
    address: `127.0.0.1:${bound.port}`,
    cut,
    mend: () => {
      whole = true
    },
    close: () =>
      new Promise((done) => {
        cut()
        server.close(() => done())
      }),
  }
}
