/** Flyway's checksum: CRC32 over the UTF-8 of the lines without their terminators, as a signed 32-bit integer. So line ends and
 *  a byte order mark do not count, everything else does. */
import { crc32 } from 'node:zlib'

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

export function migrationChecksum(content: string): number {
  const bytes = Buffer.from(content.startsWith('\uFEFF') ? content.slice(1) : content, 'utf8')
  let length = 0
  // By index and in place: ten times as fast as iterating, and a file may be long.
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    if (byte !== LINE_FEED && byte !== CARRIAGE_RETURN) bytes[length++] = byte
  }
  return crc32(bytes.subarray(0, length)) | 0
}
