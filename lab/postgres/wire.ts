/** As much of PostgreSQL's protocol as a login takes, on the server's side. Every read is bounded.
 *  Source: PostgreSQL manual, "Message Formats"; limits: `ProcessStartupPacket` and `recv_password_packet`. */
import type { Socket } from 'node:net'

/** A first packet as a whole; or TLS that begins at once. Undefined: the connection ended, or it is none of these. */
export type Opening = { bytes: Buffer; code: number } | 'tls' | undefined

export const SSL_REQUEST = 80_877_103
export const GSS_REQUEST = 80_877_104
const PROTOCOL_3 = 3
const OPENING_BYTES_MAX = 10_000
const PASSWORD_BYTES_MAX = 65_535
/** The first byte of a TLS record that shakes hands. */
const HANDSHAKE = 0x16

export async function readOpening(socket: Socket): Promise<Opening> {
  const head = await take(socket, 4)
  if (!head) return undefined
  if (head[0] === HANDSHAKE) {
    socket.unshift(head)
    return 'tls'
  }
  const length = head.readUInt32BE()
  if (length < 8 || length > OPENING_BYTES_MAX) return undefined
  const rest = await take(socket, length - 4)
  return rest && { bytes: Buffer.concat([head, rest]), code: rest.readUInt32BE() }
}

/** Who wants to log in. Undefined for whatever asks for something else, such as that a statement be cancelled. */
export function userOf({ bytes, code }: { bytes: Buffer; code: number }): string | undefined {
  if (code >>> 16 !== PROTOCOL_3) return undefined
  const texts = bytes.subarray(8).toString('utf8').split('\0')
  for (let at = 0; at + 1 < texts.length && texts[at] !== ''; at += 2) if (texts[at] === 'user') return texts[at + 1]
  return undefined
}

/** AuthenticationCleartextPassword. */
export function passwordRequest(): Buffer {
  return message('R', Buffer.from([0, 0, 0, 3]))
}

/** Undefined: the connection ended, or something else came. */
export async function readPassword(socket: Socket): Promise<string | undefined> {
  const head = await take(socket, 5)
  if (head?.toString('latin1', 0, 1) !== 'p') return undefined
  const length = head.readUInt32BE(1)
  if (length < 5 || length > PASSWORD_BYTES_MAX) return undefined
  const body = await take(socket, length - 4)
  return body?.at(-1) === 0 ? body.toString('utf8', 0, body.length - 1) : undefined
}

/** ErrorResponse that ends a session. */
export function fatal(sqlState: string, text: string): Buffer {
  const fields = { S: 'FATAL', V: 'FATAL', C: sqlState, M: text }
  return message(
    'E',
    Buffer.from(
      `${Object.entries(fields)
        .map(([name, value]) => `${name}${value}\0`)
        .join('')}\0`,
    ),
  )
}

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5, type, 'latin1')
  head.writeUInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

const HAPPENINGS = ['readable', 'end', 'close'] as const

/** Exactly so many bytes, leaving those that follow; undefined when the connection ends before. */
export function take(socket: Socket, count: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const look = (): void => {
      const bytes = socket.read(count) as Buffer | null
      if (bytes === null && !socket.readableEnded && !socket.destroyed) return
      for (const name of HAPPENINGS) socket.off(name, look)
      resolve(bytes?.length === count ? bytes : undefined)
    }
    for (const name of HAPPENINGS) socket.on(name, look)
    look()
  })
}
