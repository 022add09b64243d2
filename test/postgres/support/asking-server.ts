/** What a stranger in a PostgreSQL server's place can do: it asks for the password as it likes, once or again after an answer, and keeps
 *  every byte that comes back. It speaks just enough of the protocol for that (manual, "Message Flow", start-up). */
import { createServer, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

export const ASK = {
  clearText: Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]),
  md5: Buffer.from([0x52, 0, 0, 0, 12, 0, 0, 0, 5, 1, 2, 3, 4]),
  scram: Buffer.concat([Buffer.from([0x52, 0, 0, 0, 23, 0, 0, 0, 10]), Buffer.from('SCRAM-SHA-256\0\0')]),
  /** The server's first message, for the client's own nonce. */
  scramIterations: (iterations: string) => (answer: Buffer) => {
    const nonce = /r=([^,]*)/.exec(answer.toString('latin1'))?.[1] ?? ''
    const text = Buffer.from(`r=${nonce}server,s=c2FsdHNhbHRzYWx0,i=${iterations}`)
    const head = Buffer.from([0x52, 0, 0, 0, 0, 0, 0, 0, 11])
    head.writeUInt32BE(8 + text.length, 1)
    return Buffer.concat([head, text])
  },
} as const

type Ask = Uint8Array | ((answer: Buffer) => Uint8Array)

export interface AskingServer {
  readonly port: number
  /** Everything that came after the start-up message, over all connections. */
  answers(): Buffer
  close(): Promise<void>
}

/** Sends one request after the start-up message and the next after each answer. */
export async function startAskingServer(
  asks: readonly Ask[],
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
      else socket.write(typeof ask === 'function' ? ask(data) : ask)
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
