/** What somebody typed, repeated in a sentence: in quotes, in a length that a line can bear, without a character that a terminal would obey. */
import { printable } from '../postgres/printable'

const LENGTH_MAX = 60

export function shownInput(text: string): string {
  return `"${cutInput(text)}"`
}

/** The same without quotes. */
export function cutInput(text: string): string {
  const characters = [...text.slice(0, 4 * LENGTH_MAX)]
  return printable(characters.length <= LENGTH_MAX ? characters.join('') : `${characters.slice(0, LENGTH_MAX - 1).join('')}…`)
}
