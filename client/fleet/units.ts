/** Times and sizes as people write them. Sizes count as PostgreSQL's settings do: 1 kB is 1024 bytes. */

const MS_PER_UNIT = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const BYTES_PER_UNIT = { B: 1, kB: 1024, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 } as const

/** Milliseconds, possibly broken; null when the text is no time. */
export function parseDurationMs(text: string): number | null {
  return parseQuantity(text, MS_PER_UNIT)
}

export function parseBytes(text: string): number | null {
  return parseQuantity(text, BYTES_PER_UNIT)
}

function parseQuantity(text: string, units: Readonly<Record<string, number>>): number | null {
  const match = /^([0-9]+(?:\.[0-9]+)?)([A-Za-z]+)$/.exec(text)
  const unit = match?.[2] !== undefined && Object.hasOwn(units, match[2]) ? units[match[2]] : undefined
  if (match?.[1] === undefined || unit === undefined) return null
  const decimals = match[1].split('.')[1]?.length ?? 0
  // 0.3 s is 300 ms, not 299.99…: the digits are kept whole until the end.
  const value = (Number(match[1].replace('.', '')) * unit) / 10 ** decimals
  return value <= Number.MAX_SAFE_INTEGER ? value : null
}
