/** A socket that connects from a chosen local address. pg calls `connect(port, host)` on the stream it is given and has no
 *  setting for the source address, so the address is added on the way. */
import { isIP, Socket, type SocketConnectOpts } from 'node:net'

export class BoundSocket extends Socket {
  readonly #localAddress: string

  constructor(localAddress: string) {
    super()
    if (isIP(localAddress) === 0) throw new Error(`not an IP address: ${localAddress}`)
    this.#localAddress = localAddress
  }

  override connect(...args: unknown[]): this {
    const [port, host] = args
    if (typeof port === 'number' && typeof host === 'string') {
      const options: SocketConnectOpts = { port, host, localAddress: this.#localAddress }
      return super.connect(options)
    }
    throw new Error('a bound socket connects to a port and a host')
  }
}
