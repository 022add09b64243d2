/** In front of a server: hands on until the client is let in, and nothing from then on; it breaks nothing off, as a machine does that is cut off, or whose storage hangs. */
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net'
import type { TestServer } from '../postgres/support/server'

export interface StandingStill {
  readonly port: number
  /** By turns: of whoever came, and of the server. */
  readonly sockets: readonly Socket[]
  close(): void
}

/** ReadyForQuery while idle: the client is let in. */
const LET_IN = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])

export async function startStandingStill({ host, port }: Pick<TestServer, 'host' | 'port'>): Promise<StandingStill> {
  const sockets: Socket[] = []
  const server = createServer((from) => {
    const to = dial(port, host)
    sockets.push(from, to)
    for (const socket of [from, to]) socket.on('error', () => undefined)
    let stands = false
    from.on('data', (data) => stands || to.write(data))
    to.on('data', (data) => {
      if (stands) return
      from.write(data)
      stands = data.subarray(-LET_IN.length).equals(LET_IN)
    })
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const close = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { port: (server.address() as AddressInfo).port, sockets, close }
}
