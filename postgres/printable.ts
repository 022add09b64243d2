/** Text of others in a sentence of ours: a file's name or a piece of its SQL must not move the cursor, colour the terminal, turn the reading
 *  direction or begin a line of its own. */

/** Control and format characters, line and paragraph separators, half surrogates, private ones and those that are none, what stands for bytes
 *  that are no UTF-8, and what is drawn as nothing (but for the selectors that make a picture of the character before them). */
const UNPRINTABLE =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Noncharacter_Code_Point}\uFFFD]|(?!\p{Variation_Selector})\p{Default_Ignorable_Code_Point}/gu

/** With `\u{1b}` in the place of each such character, but for those of `kept`. */
export function printable(text: string, kept = ''): string {
  return text.replace(UNPRINTABLE, (character) =>
    kept.includes(character) ? character : `\\u{${character.codePointAt(0)?.toString(16)}}`,
  )
}

/** JSON with the same characters as JSON's own escapes: it reads as the same document, on a terminal too. */
export function printableJson(json: string): string {
  return json.replace(UNPRINTABLE, (character) =>
    Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  )
}
