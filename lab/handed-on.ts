/** Whose the connections are that the lab makes for somebody else: the client's own end of each, by our end of what it is handed on to. */
import type { Socket } from 'node:net'
import type { End } from './links/connections'

export class HandedOn {
  readonly #clients = new Map<string, End>()

  /** Both are connected. Forgotten when `server` closes. */
  remember(client: Socket, server: Socket): void {
    const place = (address: string | undefined, port: number | undefined): string => `${address}:${port}`
    const own = place(server.localAddress, server.localPort)
    this.#clients.set(own, {
      local: place(client.remoteAddress, client.remotePort),
      remote: place(client.localAddress, client.localPort),
    })
    server.once('close', () => this.#clients.delete(own))
  }

  /** Undefined: none that is handed on here. */
  clientOf(local: string): End | undefined {
    return this.#clients.get(local)
  }
}
