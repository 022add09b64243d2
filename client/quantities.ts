/** Quantities as people read them, on the terminal and on a page alike. */

/** `17 ms`, `0.6 s`, `12.3 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h` */
export function duration(ms: number): string {
  if (ms < 1) return `${Number(ms.toFixed(1))} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const minutes = Math.floor(Math.round(ms / 1000) / 60)
  if (minutes < 60) return pair(minutes, 'min', Math.round(ms / 1000) % 60, 's')
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return pair(hours, 'h', minutes % 60, 'min')
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

function pair(much: number, unit: string, rest: number, smaller: string): string {
  return rest === 0 ? `${much} ${unit}` : `${much} ${unit} ${rest} ${smaller}`
}

/** A round number, exactly as somebody chose it: `500 ms`, `2.5 s`, `10 min`. */
export function chosenDuration(ms: number): string {
  if (ms < 1000) return `${Number(ms.toFixed(1))} ms`
  return ms < 60_000 ? `${Number((ms / 1000).toFixed(3))} s` : duration(ms)
}

/** Decimal, as the judge counts write-ahead log. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = count
  let unit = 0
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${Number(value.toFixed(1))} ${units[unit]}`
}

/** A limit is written in powers of two, as PostgreSQL's settings are: `1 GiB`. */
export function chosenBytes(count: number): string {
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  const power = units.findLastIndex((_, at) => count > 0 && count % 1024 ** (at + 1) === 0)
  return power < 0 ? bytes(count) : `${grouped(count / 1024 ** (power + 1))} ${units[power]}`
}

export function grouped(count: number): string {
  return count.toLocaleString('en-US')
}

export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** `2026-11-23 03:00:00.250 UTC` */
export function instant(iso: string): string {
  return `${iso.replace('T', ' ').replace(/Z$/, '')} UTC`
}
