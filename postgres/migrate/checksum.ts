/** Flyway's checksum: CRC32 over the UTF-8 of the lines without their terminators, as a signed 32-bit integer. So line ends and
 *  a byte order mark do not count, everything else does. */
import { crc32 } from 'node:zlib'

export function migrationChecksum(content: string): number {
  const text = content.startsWith('\uFEFF') ? content.slice(1) : content
  return crc32(text.replace(/\r\n|\r|\n/g, '')) | 0
}
