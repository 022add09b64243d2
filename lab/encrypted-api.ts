/** The same API over TLS, on a port of its own, with a certificate of the lab's own authority: for clients that send no token over anything
 *  else. Its certificate is made when the first of them comes: most labs never meet one, and it takes a while. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createHttps, type Server as HttpsServer } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Authority } from './tls'

export interface EncryptedApi {
  readonly port: number
  close(): Promise<void>
}

export interface EncryptedOptions {
  host: string
  /** 0: whichever is free. */
  port: number
  authority(): Promise<Authority>
  /** What answers. */
  routing(request: IncomingMessage, response: ServerResponse): void
  log(line: string): void
}

export async function serveEncrypted(options: EncryptedOptions): Promise<EncryptedApi> {
  const sockets = new Set<Socket>()
  let inner: Promise<HttpsServer> | undefined
  const doorman = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    inner ??= encrypted(options)
    inner.then(
      (server) => server.emit('connection', socket),
      (error) => {
        options.log(`no certificate for the API: ${error}`)
        inner = undefined
        socket.destroy()
      },
    )
  })
  await listening(doorman, options)
  return {
    port: (doorman.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => doorman.close(resolve))
    },
  }
}

async function encrypted({ host, authority, routing }: EncryptedOptions): Promise<HttpsServer> {
  const { certificate, key } = await (await authority()).issue([host])
  return createHttps({ cert: certificate, key }, routing)
}

function listening(server: Server, { host, port }: EncryptedOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => resolve())
  })
}
