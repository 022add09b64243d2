/** A TCP proxy that can cut its connections: what a client sees when the network fails, and a server when a client is killed. */
import { connect, createServer, type Socket } from 'node:net'

export interface CuttingProxy {
  readonly port: number
  /** Connections that clients have made so far. */
  readonly accepted: number
  /** From now on: when a client sends `text`, it is delivered and the answer is not; both ends are cut after `delayMs`. */
  cutAfter(text: string, delayMs?: number): void
  cutAll(): void
  close(): Promise<void>
}

export async function startCuttingProxy(target: { host: string; port: number }): Promise<CuttingProxy> {
  const sockets = new Set<Socket>()
  let trigger: { text: string; delayMs: number } | null = null
  let accepted = 0
  const server = createServer((client) => {
    accepted += 1
    const upstream = connect(target.port, target.host)
    let mute = false
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', end)
      socket.on('close', end)
    }
    client.on('data', (data) => {
      if (trigger !== null && data.includes(trigger.text)) {
        mute = true
        setTimeout(end, trigger.delayMs)
        trigger = null
      }
      upstream.write(data)
    })
    upstream.on('data', (data) => {
      if (!mute) client.write(data)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const cutAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    get accepted() {
      return accepted
    },
    cutAfter(text, delayMs = 100) {
      trigger = { text, delayMs }
    },
    cutAll,
    async close() {
      cutAll()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
