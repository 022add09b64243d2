/** A statement's text for people, without its constants: a file may insert personal data or set a password. By the lexical rules alone,
 *  since the grammar leaves the constants of DDL as they are and takes long for long statements. What tells how a type is cut
 *  (`numeric(12,2)`) stays, and so does code that stands in quotes: it runs, whoever reads the statement has to see it. */
import { Failure } from '../../contracts/failures'
import { codeInQuotes, QuotedCode } from './quoted-code'
import { type Token, Tokenizer } from './tokenizer'

const TYPES_WITH_LENGTHS = new Set(
  'bit bpchar char character dec decimal float nchar numeric time timestamp timestamptz timetz varbit varchar varying interval'.split(
    ' ',
  ),
)

/** No identifier of PostgreSQL's is longer: what follows has no meaning. */
const TOKEN_LENGTH_MAX = 300
const DEPTH_MAX = 5

/** On one line, comments dropped, constants replaced by `$1`, `$2`…, cut to about `lengthMax` characters; a cut says how much of the statement
 *  it leaves out. Reads no further than it has to. */
export function withoutLiterals(sql: string, lengthMax: number): string {
  const shown = new ShownText(sql, lengthMax, 0, { constants: 0 })
  shown.read()
  return shown.text
}

class ShownText {
  text = ''
  readonly #sql: string
  readonly #lengthMax: number
  readonly #depth: number
  readonly #counted: { constants: number }
  readonly #code: QuotedCode
  #end = 0
  #word = ''
  #lengths = false

  constructor(sql: string, lengthMax: number, depth: number, counted: { constants: number }) {
    this.#sql = sql
    this.#lengthMax = lengthMax
    this.#depth = depth
    this.#counted = counted
    this.#code = new QuotedCode(depth > 0)
  }

  read(): void {
    const tokenizer = new Tokenizer('', this.#sql)
    try {
      for (let token = tokenizer.next(); token !== null; token = tokenizer.next()) {
        if (this.#add(token)) continue
        this.#leaveOut('cut here')
        return
      }
    } catch (error) {
      // Something that never ends: whatever it is, it stays out.
      if (!(error instanceof Failure)) throw error
      this.#leaveOut('never ends')
    }
  }

  /** False when there is no room for it. */
  #add(token: Token): boolean {
    const { kind, start, end } = token
    if (kind === 'open') this.#lengths = TYPES_WITH_LENGTHS.has(this.#word)
    if (kind === 'close') this.#lengths = false
    const space = start > this.#end && this.text !== '' ? ' ' : ''
    const shown = this.#show(token, this.#lengthMax - this.text.length - space.length)
    if (shown === null) return false
    this.text += `${space}${shown}`
    this.#word = kind === 'word' ? this.#sql.slice(start, Math.min(end, start + TOKEN_LENGTH_MAX)).toLowerCase() : ''
    this.#end = end
    return true
  }

  #show({ kind, start, end }: Token, room: number): string | null {
    const token = this.#sql.slice(start, Math.min(end, start + TOKEN_LENGTH_MAX))
    const isCode = this.#code.next(kind, token) && this.#depth < DEPTH_MAX
    if (isCode && room > 0) return this.#showCode(start, end, room)
    const text = this.#isConstant(kind, token, start) ? `$${++this.#counted.constants}` : token
    if (text.length > room) return null
    return end - start > TOKEN_LENGTH_MAX && text === token ? `${text}…` : text
  }

  #showCode(start: number, end: number, room: number): string {
    const { open, body, close } = codeInQuotes(this.#sql.slice(start, end))
    const foreign = foreignLanguage(this.#sql.slice(0, start)) ?? foreignLanguage(this.#sql.slice(end))
    // Elsewhere `--` may be no comment and `'` no quote: what is left after our rules could hide what runs.
    if (foreign !== null) return `$${++this.#counted.constants} […${left(body.length)} in the language ${foreign}]`
    const inner = new ShownText(body, room, this.#depth + 1, this.#counted)
    inner.read()
    return `${open} ${inner.text} ${close}`
  }

  #leaveOut(why: string): void {
    this.text += `${this.text === '' ? '' : ' '}[…${why}: ${left(this.#sql.length - this.#end)}]`
  }

  #isConstant(kind: Token['kind'], token: string, start: number): boolean {
    if (kind === 'quoted') return !token.startsWith('"')
    return kind === 'other' && /^[0-9]/.test(token) && !this.#lengths && this.#sql[start - 1] !== '$'
  }
}

function left(characters: number): string {
  return `${characters.toLocaleString('en-US')} ${characters === 1 ? 'character' : 'characters'} left out`
}

/** Any but those that follow PostgreSQL's own lexical rules, wherever the statement seems to name one. */
function foreignLanguage(sql: string): string | null {
  for (const [, name] of sql.matchAll(/\blanguage\s+(?:[eu]?&?['"])?([a-z_][a-z0-9_]{0,30})/gi)) {
    if (name !== undefined && !/^(?:plpgsql|sql|c|internal)$/i.test(name)) return name.toLowerCase()
  }
  return null
}
