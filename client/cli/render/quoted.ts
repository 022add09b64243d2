/** Text of others on a terminal: nothing of it moves the cursor, colours, turns the reading direction or stands unseen. */
import { printable } from '../../../postgres/printable'

/** On one line; white space of any kind is a space. */
export function oneLine(text: string): string {
  return printable(text.replaceAll(/[ \t\r\n\f\v]+/g, ' '))
}

/** The first half of a surrogate pair whose other half was cut off. */
const HALF = /[\ud800-\udbff]$/

/** What fits into one line of `width` columns; a cut ends in `…`. */
export function cutTo(text: string, width: number): string {
  const line = oneLine(text)
  return line.length <= width ? line : `${line.slice(0, Math.max(1, width - 1)).replace(HALF, '')}…`
}

/** Broken at spaces into lines of at most `width` columns; a longer word stands alone. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** The last door before the terminal: whatever a line was put together from, only colours of ours, tabs and line ends are obeyed. */
export function harmless(text: string): string {
  return text
    .split(COLOUR)
    .map((part, at) => (at % 2 === 1 ? part : printable(part, '\t\n')))
    .join('')
}

const ESCAPE = '\u001b'
/** What a style begins and ends with. */
const COLOUR = new RegExp(`(${ESCAPE}\\[(?:[0-9]|[1-9][0-9])m)`)
