/** Whether PostgreSQL is there at all, without a password: a server that lives answers a request for encryption with one letter, before it looks at who asks. */
import { createConnection, type Socket } from 'node:net'

/** `greeted`: PostgreSQL answered; `accepted`: somebody listens, and nothing came: a server that stands still is listened for by its kernel; `absent`: nobody
 *  listens, or the network swallows what is sent; `unasked`: our own side could not ask. */
export type Greeting = 'greeted' | 'accepted' | 'absent' | 'unasked'

export interface Greeted {
  readonly greeting: Greeting
  /** In a few words. */
  readonly said: string
}

export interface GreetingInput {
  readonly host: string
  readonly port: number
  readonly timeoutMs: number
  /** The local address to ask from; null: the system chooses. */
  readonly sourceAddress: string | null
  readonly signal?: AbortSignal | undefined
}

/** Length and code of an SSLRequest, as the protocol has them since 7.2. */
const REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])
const LETTERS = new Set(['S', 'N', 'E'])

/** Never rejects, save with the signal's reason. */
export async function greet({ host, port, timeoutMs, sourceAddress, signal }: GreetingInput): Promise<Greeted> {
  signal?.throwIfAborted()
  const socket = createConnection({ host, port, ...(sourceAddress === null ? {} : { localAddress: sourceAddress }) })
  try {
    return await answerOf(socket, timeoutMs, signal)
  } finally {
    socket.destroy()
  }
}

function answerOf(socket: Socket, timeoutMs: number, signal: AbortSignal | undefined): Promise<Greeted> {
  return new Promise((resolve, reject) => {
    let connected = false
    const timer = setTimeout(() => {
      resolve(
        connected
          ? { greeting: 'accepted', said: `a connection was accepted, and nothing came within ${timeoutMs} ms` }
          : { greeting: 'absent', said: `no answer within ${timeoutMs} ms` },
      )
    }, timeoutMs)
    const settle = (result: Greeted): void => {
      clearTimeout(timer)
      resolve(result)
    }
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal?.reason as Error)
    }
    signal?.addEventListener('abort', stop, { once: true })
    socket.once('connect', () => {
      connected = true
      socket.write(REQUEST)
    })
    socket.once('data', (data) => {
      const letter = data.toString('latin1', 0, 1)
      settle({
        greeting: LETTERS.has(letter) ? 'greeted' : 'accepted',
        said: LETTERS.has(letter) ? 'PostgreSQL answers' : 'something answers that is not PostgreSQL',
      })
    })
    socket.once('end', () => settle({ greeting: 'accepted', said: 'a connection was accepted and closed' }))
    socket.once('error', (error: NodeJS.ErrnoException) => settle(ofError(error.code ?? '', connected)))
  })
}

/** What is said of a place where a connection is refused. */
export const NOBODY_THERE = 'nobody listens there'

/** Of names that nobody resolves, and of networks that we are not in, nothing is learnt. */
const OURS = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL', 'EACCES', 'EMFILE'])

function ofError(code: string, connected: boolean): Greeted {
  if (OURS.has(code)) return { greeting: 'unasked', said: `it could not be asked (${code})` }
  if (connected) return { greeting: 'accepted', said: `a connection was accepted and broke (${code})` }
  return { greeting: 'absent', said: code === 'ECONNREFUSED' ? NOBODY_THERE : `no connection (${code})` }
}
