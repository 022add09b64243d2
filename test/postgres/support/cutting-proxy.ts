/** A TCP proxy that can cut and hold its connections: what a client sees when the network fails, and a server when a client is killed. */
import { connect, createServer, type Socket } from 'node:net'

export interface CuttingProxy {
  readonly port: number
  /** Connections that clients have made so far. */
  readonly accepted: number
  /** Connections cut by `cutAfter`. */
  readonly cuts: number
  /** From now on: when a client sends `text`, it is delivered and the answer is not; both ends are cut after `delayMs`. */
  cutAfter(text: string, delayMs?: number): void
  cutAll(): void
  /** Asked of all that clients send from now on, before it is delivered: `cut` ends both ends instead, `drop` leaves the connection as it is, and `mute` delivers it, and no answer
   *  from then on. Null: everything is delivered. */
  judgedBy(judge: ((data: Buffer) => Delivery) | null): void
  /** The next connection is taken and goes nowhere until it is let through; resolves once there is one. */
  holdNext(): Promise<HeldConnection>
  /** Nothing goes over the connections that there are any more, and neither end is told; later ones are as ever. */
  loseAll(): void
  /** Cuts what there is and takes nothing more. */
  cutOff(): void
  /** After `cutOff`: takes connections again. */
  takeAgain(): void
  close(): Promise<void>
}

export type Delivery = 'deliver' | 'cut' | 'drop' | 'mute'

export interface HeldConnection {
  /** Resolves when the client is through with it. */
  letThrough(): Promise<void>
}

interface ProxyTarget {
  readonly host: string
  readonly port: number
  /** The address that the target sees; by default the one that the system takes. */
  readonly localAddress?: string
}

export async function startCuttingProxy(target: ProxyTarget): Promise<CuttingProxy> {
  const sockets = new Set<Socket>()
  const losing = new Set<() => void>()
  let off = false
  let hold: ((held: HeldConnection) => void) | null = null
  let trigger: { text: string; delayMs: number } | null = null
  let judge: (data: Buffer) => Delivery = () => 'deliver'
  let accepted = 0
  let cuts = 0
  const server = createServer((client) => {
    if (off) return void client.destroy()
    accepted += 1
    if (hold === null) return relay(client)
    const held = hold
    hold = null
    sockets.add(client.on('error', () => client.destroy()))
    // nothing is read meanwhile, so nothing is lost
    held({
      letThrough: () =>
        new Promise((resolve) => {
          client.once('close', () => resolve())
          relay(client)
        }),
    })
  })
  const relay = (client: Socket): void => {
    const upstream = connect(target)
    let [mute, lost] = [false, false]
    const lose = () => {
      lost = true
    }
    losing.add(lose)
    const end = () => {
      losing.delete(lose)
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', end)
      socket.on('close', end)
    }
    client.on('data', (data) => {
      if (lost) return
      const delivery = judge(data)
      if (delivery === 'cut') return end()
      if (delivery === 'drop') return
      if (delivery === 'mute') mute = true
      if (trigger !== null && data.includes(trigger.text)) {
        mute = true
        cuts += 1
        setTimeout(end, trigger.delayMs)
        trigger = null
      }
      upstream.write(data)
    })
    upstream.on('data', (data) => {
      if (!mute && !lost) client.write(data)
    })
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const cutAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    get cuts() {
      return cuts
    },
    get accepted() {
      return accepted
    },
    cutAfter(text, delayMs = 100) {
      trigger = { text, delayMs }
    },
    cutAll,
    judgedBy(other) {
      judge = other ?? (() => 'deliver')
    },
    holdNext: () =>
      new Promise((resolve) => {
        hold = resolve
      }),
    loseAll() {
      for (const lose of losing) lose()
    },
    cutOff() {
      off = true
      cutAll()
    },
    takeAgain() {
      off = false
    },
    async close() {
      cutAll()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
