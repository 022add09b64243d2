/** Messages of a DNS (RFC 1035), as far as a server needs them that answers for a few zones: one question in, records out, no compression. */
import { isIPv4 } from 'node:net'

export interface Question {
  readonly id: number
  readonly recursionDesired: boolean
  /** In lower case, with the dot of the root. */
  readonly name: string
  readonly type: number
  readonly inClass: number
  /** As it came: it is sent back. */
  readonly raw: Buffer
}

export interface Answer {
  readonly name: string
  readonly type: string
  readonly ttl: number
  readonly value: string
}

export const TYPES: Readonly<Record<string, number>> = { A: 1, NS: 2, CNAME: 5, SOA: 6, AAAA: 28 }
export const RCODE = { ok: 0, malformed: 1, noName: 3, notImplemented: 4, refused: 5 } as const

const HEADER = 12
const FLAGS = { response: 0x8000, authoritative: 0x0400, recursionDesired: 0x0100, opcode: 0x7800 }
const LABEL_MAX = 63

/** Null: nothing that could be answered. */
export function readQuestion(message: Buffer): Question | null {
  if (message.length < HEADER || (message.readUInt16BE(2) & (FLAGS.response | FLAGS.opcode)) !== 0) return null
  if (message.readUInt16BE(4) !== 1) return null
  const labels: string[] = []
  let at = HEADER
  for (;;) {
    const length = message[at]
    if (length === undefined || length > LABEL_MAX) return null
    at += 1
    if (length === 0) break
    labels.push(message.toString('latin1', at, at + length))
    at += length
  }
  if (at + 4 > message.length) return null
  return {
    id: message.readUInt16BE(0),
    recursionDesired: (message.readUInt16BE(2) & FLAGS.recursionDesired) !== 0,
    name: `${labels.join('.').toLowerCase()}.`,
    type: message.readUInt16BE(at),
    inClass: message.readUInt16BE(at + 2),
    raw: message.subarray(HEADER, at + 4),
  }
}

export interface Reply {
  readonly rcode: number
  readonly answers: readonly Answer[]
  /** Where there is no answer: how long that may be remembered. */
  readonly authority: readonly Answer[]
}

export function writeReply({ id, recursionDesired, raw }: Question, { rcode, answers, authority }: Reply): Buffer {
  const header = Buffer.alloc(HEADER)
  header.writeUInt16BE(id, 0)
  const flags = FLAGS.response | FLAGS.authoritative | (recursionDesired ? FLAGS.recursionDesired : 0) | rcode
  header.writeUInt16BE(flags, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(answers.length, 6)
  header.writeUInt16BE(authority.length, 8)
  return Buffer.concat([header, raw, ...answers.map(recordBytes), ...authority.map(recordBytes)])
}

function recordBytes({ name, type, ttl, value }: Answer): Buffer {
  const data = dataBytes(type, value)
  const fixed = Buffer.alloc(10)
  fixed.writeUInt16BE(TYPES[type] ?? 0, 0)
  fixed.writeUInt16BE(1, 2)
  fixed.writeUInt32BE(ttl, 4)
  fixed.writeUInt16BE(data.length, 8)
  return Buffer.concat([nameBytes(name), fixed, data])
}

function dataBytes(type: string, value: string): Buffer {
  if (type === 'A') return isIPv4(value) ? Buffer.from(value.split('.').map(Number)) : Buffer.alloc(4)
  if (type !== 'SOA') return nameBytes(value)
  const [server = '', mail = '', ...numbers] = value.split(' ')
  const tail = Buffer.alloc(20)
  for (const [index, number] of numbers.slice(0, 5).entries()) tail.writeUInt32BE(Number(number) || 0, index * 4)
  return Buffer.concat([nameBytes(server), nameBytes(mail), tail])
}

function nameBytes(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '')
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')])),
    Buffer.from([0]),
  ])
}
