/** What a stranger in a PostgreSQL server's place can do: it asks for the password as it likes, once or again after an answer, and keeps
 *  every byte that comes back. It speaks just enough of the protocol for that (manual, "Message Flow", start-up). */
import { createServer, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

export const ASK = {
  clearText: Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]),
  md5: Buffer.from([0x52, 0, 0, 0, 12, 0, 0, 0, 5, 1, 2, 3, 4]),
  scram: Buffer.concat([Buffer.from([0x52, 0, 0, 0, 23, 0, 0, 0, 10]), Buffer.from('SCRAM-SHA-256\0\0')]),
} as const

export interface AskingServer {
  readonly port: number
  /** Everything that came after the start-up message, over all connections. */
  answers(): Buffer
  close(): Promise<void>
}

/** Sends one request after the start-up message and the next after each answer. */
export async function startAskingServer(
  asks: readonly Uint8Array[],
  tls?: { readonly cert: string; readonly key: string },
): Promise<AskingServer> {
  const received: Buffer[] = []
  const sockets = new Set<Socket>()
  const converse = (socket: Socket) => {
    let next = 0
    socket.on('error', () => undefined)
    socket.on('data', (data: Buffer) => {
      if (next > 0) received.push(data)
      const ask = asks[next++]
      if (ask === undefined) socket.destroy()
      else socket.write(ask)
    })
  }
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    if (tls === undefined) return converse(socket)
    socket.once('data', () => {
      socket.write('S')
      converse(new TLSSocket(socket, { isServer: true, ...tls }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    answers: () => Buffer.concat(received),
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
