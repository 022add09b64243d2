/** Text of others in a sentence of ours: a file's name or a piece of its SQL must not move the cursor, colour the terminal, turn the reading
 *  direction or begin a line of its own. */

/** Control and format characters, line and paragraph separators, half surrogates, private ones, and what stands for bytes that are no UTF-8. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\uFFFD]/gu

/** With `\u{1b}` in the place of each such character. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}
