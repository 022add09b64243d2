/** Times and counts as people read them. */

/** `0.4 s`, `12.3 s`, `3 min 20 s`, `2 h 5 min` */
export function showDuration(ms: number): string {
  if (ms < 59_950) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** Milliseconds exactly as limits are written: `500 ms`, `1 s`, `10 min`. */
export function showLimitMs(ms: number): string {
  if (ms % 60_000 === 0 && ms > 0) return `${ms / 60_000} min`
  return ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`
}

export function showBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${Number(value.toFixed(1))} ${units[unit]}`
}

/** `300,214` whatever the machine's locale. */
export function showCount(count: number): string {
  return count.toLocaleString('en-US')
}

export function countOf(count: number, noun: string): string {
  return `${showCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** What fits into one line of `width` columns. Control characters of quoted texts are left out: they would move the cursor. */
export function cutTo(text: string, width: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to remove.
  const line = text.replaceAll(/\s+/g, ' ').replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '')
  return line.length <= width ? line : `${line.slice(0, Math.max(1, width - 1))}…`
}

/** Broken at spaces into lines of at most `width` columns. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
