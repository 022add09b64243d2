/** Names of log segments: the timeline in 8 hexadecimal digits, then the segment's place in 16, which sorts as the log does.
 *  Source: PostgreSQL's `XLogFileName`. */

export const SEGMENT = /^[0-9A-F]{24}$/

/** The place of the segment that holds the byte before `lsn`, which is as PostgreSQL writes it ('0/3000028'). */
export function placeBefore(lsn: string, segmentBytes: number): string {
  const [high = '', low = ''] = lsn.split('/')
  const position = BigInt(`0x${high}${low.padStart(8, '0')}`) - 1n
  return placeOf(position / BigInt(segmentBytes), segmentBytes)
}

export function placeAfter(place: string, segmentBytes: number): string {
  const [high, low] = [BigInt(`0x${place.slice(0, 8)}`), BigInt(`0x${place.slice(8)}`)]
  return placeOf(high * segmentsPerHalf(segmentBytes) + low + 1n, segmentBytes)
}

/** Two halves: which 4 GiB of log, and which segment of those. */
function placeOf(segment: bigint, segmentBytes: number): string {
  const perHalf = segmentsPerHalf(segmentBytes)
  return [segment / perHalf, segment % perHalf].map((half) => half.toString(16).toUpperCase().padStart(8, '0')).join('')
}

function segmentsPerHalf(segmentBytes: number): bigint {
  return 2n ** 32n / BigInt(segmentBytes)
}
