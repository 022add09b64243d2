/** Cancels as the protocol has it: a connection that asks for nothing else, and that no closed database and no limit turns away. The key goes over the
 *  network in the open, as libpq sent it until 17: whoever reads it can cancel that session's statements and do nothing else.
 *  https://www.postgresql.org/docs/17/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS */
import { connect } from 'node:net'
import type { Client } from 'pg'

const LENGTH_BYTES = 16
const CANCEL_CODE = 80_877_102

export interface CancelKey {
  readonly pid: number
  readonly secret: number
}

/** What the server gave at the handshake; null: it gave none. */
export function cancelKeyOf(client: Client): CancelKey | null {
  const pid: unknown = 'processID' in client ? client.processID : null
  const secret: unknown = 'secretKey' in client ? client.secretKey : null
  return typeof pid === 'number' && typeof secret === 'number' ? { pid, secret } : null
}

export interface CancelTo {
  readonly host: string
  readonly port: number
  readonly localAddress?: string | undefined
  readonly waitMs: number
}

/** Resolves once the server has hung up, which it does after it has acted; it does not say whether anything was cancelled. Rejects where it cannot be
 *  reached in time. */
export function requestCancel({ pid, secret }: CancelKey, { host, port, localAddress, waitMs }: CancelTo): Promise<void> {
  const request = Buffer.alloc(LENGTH_BYTES)
  for (const [index, word] of [LENGTH_BYTES, CANCEL_CODE, pid, secret].entries()) request.writeInt32BE(word | 0, index * 4)
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, ...(localAddress === undefined ? {} : { localAddress }) })
    let sent = false
    socket.setTimeout(waitMs, () => socket.destroy(new Error('no answer to a request to cancel')))
    socket.once('connect', () => {
      sent = true
      socket.write(request)
    })
    socket.on('data', () => undefined)
    // it may hang up by a reset
    socket.once('error', (error) => (sent && 'code' in error && error.code === 'ECONNRESET' ? resolve() : reject(error)))
    socket.once('close', () => resolve())
  })
}
