/** Answers for the zones of all simulated clouds, over UDP and TCP on the lab's address: what their own name servers would, by what was published. It asks nobody
 *  else, and remembers nothing. While the lab is down nobody answers. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { createServer, type Server, type Socket } from 'node:net'
import { type Answer, type Question, RCODE, type Reply, readQuestion, TYPES, writeReply } from './message'
import { isIn, type RecordSet, type Zone } from './zone'

export interface NameServiceOptions {
  readonly host: string
  /** Where it was before; 0: anywhere. */
  readonly port: number
  /** Of two zones of one name the first answers. */
  zones(): readonly Zone[]
  log(line: string): void
}

export interface NameService {
  readonly port: number
  close(): Promise<void>
}

const ATTEMPTS = 20
const ALIASES_MAX = 8
const MESSAGE_MAX = 4_096

/** The same port for both. */
export async function startNameService(options: NameServiceOptions): Promise<NameService> {
  for (let attempt = 1; ; attempt++) {
    const tcp = await listenTcp(options, attempt === 1 ? options.port : 0).catch((error) => {
      if (attempt === ATTEMPTS) throw error
      return null
    })
    if (tcp === null) continue
    const address = tcp.server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const udp = await listenUdp(options, port).catch(() => null)
    if (udp !== null) {
      return {
        port,
        async close() {
          await Promise.all([closed((done) => udp.close(done)), tcp.close()])
        },
      }
    }
    await tcp.close()
    if (attempt === ATTEMPTS) throw new Error(`No port is free on ${options.host} for UDP and TCP alike.`)
  }
}

/** What is said about a question by what was published. */
export function replyTo(question: Pick<Question, 'name' | 'type' | 'inClass'>, zones: readonly Zone[]): Reply {
  const { type, inClass } = question
  const nothing = { answers: [], authority: [] }
  if (inClass !== 1) return { ...nothing, rcode: RCODE.notImplemented }
  if (zoneOf(question.name, zones) === undefined) return { ...nothing, rcode: RCODE.refused }
  const answers: Answer[] = []
  let name = question.name
  for (let hop = 0; hop <= ALIASES_MAX; hop++) {
    const zone = zoneOf(name, zones)
    // an alias leads out of here: whoever asked goes on
    if (zone === undefined) break
    const there = zone.published.filter((record) => record.name === name)
    const alias = there.find((record) => record.type === 'CNAME')
    const asked = there.filter((record) => TYPES[record.type] === type && type !== TYPES.CNAME)
    if (alias && type !== TYPES.CNAME) {
      answers.push(...answersOf(alias))
      name = alias.values[0] ?? name
      continue
    }
    answers.push(...(type === TYPES.CNAME && alias ? answersOf(alias) : asked.flatMap(answersOf)))
    if (answers.length > 0) break
    const known = zone.published.some((record) => record.name === name || record.name.endsWith(`.${name}`))
    return { answers, authority: authorityOf(zone), rcode: known ? RCODE.ok : RCODE.noName }
  }
  return { answers, authority: [], rcode: RCODE.ok }
}

function zoneOf(name: string, zones: readonly Zone[]): Zone | undefined {
  const within = zones.filter((zone) => isIn(zone, name))
  return within.reduce<Zone | undefined>((best, zone) => (best && best.name.length >= zone.name.length ? best : zone), undefined)
}

function answersOf({ name, type, ttl, values }: RecordSet): Answer[] {
  return values.map((value) => ({ name, type, ttl, value }))
}

function authorityOf(zone: Zone): Answer[] {
  return zone.published.filter((record) => record.name === zone.name && record.type === 'SOA').flatMap(answersOf)
}

function answered(message: Buffer, { zones, log }: NameServiceOptions): Buffer | null {
  const question = readQuestion(message)
  if (question === null) return null
  try {
    return writeReply(question, replyTo(question, zones()))
  } catch (error) {
    log(`name service: ${question.name}: ${error}`)
    return null
  }
}

function listenUdp(options: NameServiceOptions, port: number): Promise<UdpSocket> {
  const socket = createSocket('udp4')
  socket.on('message', (message, from) => {
    const reply = answered(message, options)
    if (reply) socket.send(reply, from.port, from.address)
  })
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close()
      reject(error)
    })
    socket.bind({ address: options.host, port, exclusive: true }, () => {
      socket.removeAllListeners('error')
      socket.on('error', (error) => options.log(`name service: ${error}`))
      resolve(socket)
    })
  })
}

interface Tcp {
  readonly server: Server
  close(): Promise<void>
}

async function listenTcp(options: NameServiceOptions, port: number): Promise<Tcp> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => sockets.delete(socket))
    serveStream(socket, options)
  })
  await new Promise<void>((done, fail) => {
    server.once('error', fail).listen({ host: options.host, port }, done)
  })
  server.on('error', (error) => options.log(`name service: ${error}`))
  return {
    server,
    async close() {
      for (const socket of sockets) socket.destroy()
      await closed((done) => server.close(done))
    },
  }
}

/** Each message behind its length (RFC 1035, 4.2.2). */
function serveStream(socket: Socket, options: NameServiceOptions): void {
  let waiting = Buffer.alloc(0)
  socket.on('data', (data) => {
    waiting = Buffer.concat([waiting, data])
    while (waiting.length >= 2) {
      const length = waiting.readUInt16BE(0)
      if (length > MESSAGE_MAX) return socket.destroy()
      if (waiting.length < 2 + length) return
      const reply = answered(waiting.subarray(2, 2 + length), options)
      waiting = waiting.subarray(2 + length)
      if (reply === null) return socket.destroy()
      const size = Buffer.alloc(2)
      size.writeUInt16BE(reply.length, 0)
      socket.write(Buffer.concat([size, reply]))
    }
  })
}

function closed(close: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => close(() => resolve()))
}
