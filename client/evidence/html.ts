/** HTML from templates in which every value is escaped, wherever it stands: in text or in a quoted attribute. Only `Html` goes in as it is, and
 *  only this file makes one of foreign text. Characters that do not show themselves (control characters, marks that turn the direction
 *  of reading, halves of surrogate pairs) are spelled out, so that nothing reads as something else than it is. */
import { printable } from '../../postgres/printable'

export class Html {
  constructor(readonly text: string) {}
}

/** `false` and null: nothing. Numbers as they are. */
type Value = Html | string | number | null | false | readonly Value[]

/** Values stand in text or in attributes in double quotes; nowhere else. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(strings.map((text, at) => (at === 0 ? text : `${render(values[at - 1] ?? null)}${text}`)).join(''))
}

function render(value: Value): string {
  if (value === null || value === false) return ''
  if (value instanceof Html) return value.text
  if (typeof value === 'object') return value.map(render).join('')
  return escapeText(String(value))
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
}

/** A tab and a line feed show themselves. */
export function escapeText(text: string): string {
  return printable(
    text.replace(/[&<>"'`]/g, (character) => ENTITIES[character] ?? ''),
    '\t\n',
  )
}

/** Joined without anything in between. */
export function each<T>(items: readonly T[], show: (item: T, index: number) => Html): Html {
  return new Html(items.map((item, index) => show(item, index).text).join(''))
}
