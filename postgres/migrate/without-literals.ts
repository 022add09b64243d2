/** A statement's text for people, without its constants: a file may insert personal data or set a password. By the lexical rules alone,
 *  since the grammar leaves the constants of DDL as they are and takes long for long statements. What tells how a type is cut
 *  (`numeric(12,2)`) stays. */
import { Failure } from '../../contracts/failures'
import { type Token, Tokenizer } from './tokenizer'

const TYPES_WITH_LENGTHS = new Set(
  'bit bpchar char character dec decimal float nchar numeric time timestamp timestamptz timetz varbit varchar varying interval'.split(
    ' ',
  ),
)

/** On one line, comments dropped, constants replaced by `$1`, `$2`…, cut to `lengthMax` characters. Reads no further than it has to. */
export function withoutLiterals(sql: string, lengthMax: number): string {
  const shown = new ShownText(sql)
  const tokenizer = new Tokenizer('', sql)
  try {
    for (let token = tokenizer.next(); token !== null && shown.text.length <= lengthMax; token = tokenizer.next())
      shown.add(token)
  } catch (error) {
    // Something that never ends: whatever it is, it stays out.
    if (!(error instanceof Failure)) throw error
    shown.text += '…'
  }
  return shown.text.length <= lengthMax ? shown.text : `${shown.text.slice(0, lengthMax - 1)}…`
}

class ShownText {
  text = ''
  readonly #sql: string
  #constants = 0
  #end = 0
  #word = ''
  #lengths = false

  constructor(sql: string) {
    this.#sql = sql
  }

  add({ kind, start, end }: Token): void {
    const token = this.#sql.slice(start, Math.min(end, start + 100))
    if (start > this.#end && this.text !== '') this.text += ' '
    if (kind === 'open') this.#lengths = TYPES_WITH_LENGTHS.has(this.#word)
    if (kind === 'close') this.#lengths = false
    this.text += this.#isConstant(kind, token, start) ? `$${++this.#constants}` : token
    this.#word = kind === 'word' ? token.toLowerCase() : ''
    this.#end = end
  }

  #isConstant(kind: Token['kind'], token: string, start: number): boolean {
    if (kind === 'quoted') return !token.startsWith('"')
    return kind === 'other' && /^[0-9]/.test(token) && !this.#lengths && this.#sql[start - 1] !== '$'
  }
}
