/** The lexical rules of PostgreSQL (manual, "Lexical Structure") as far as they decide where a statement ends. Comments and
 *  white space give no tokens. Assumes `standard_conforming_strings = on`, which every session here has. */
import { failure } from '../../contracts/failures'
import { printable } from '../printable'

export interface Token {
  readonly kind: 'word' | 'quoted' | 'semicolon' | 'open' | 'close' | 'backslash' | 'other'
  readonly start: number
  readonly end: number
}

const WORD = /[A-Za-z_\u0080-\uFFFF][A-Za-z0-9_$\u0080-\uFFFF]*/y
const NUMBER = /[0-9][A-Za-z0-9_.]*/y
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uFFFF][A-Za-z0-9_\u0080-\uFFFF]*)?\$/y
const SPACE = /[ \t\n\r\f\v]+/y
/** A string goes on after a line end: `E'a' ⏎ 'b'` is one string, and its second part knows escapes too. */
const CONTINUED = /[ \t\f\v]*[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'/y

/** Alone on its line; nothing else may stand in the comment. */
const MARK = /^--[ \t]*capstan:[ \t]*(repeatable|rows|schema)[ \t]*$/

/** What a file vouches for of the statement behind: that it may run twice; that it changes rows alone; that it changes the schema alone. */
export type Mark = 'repeatable' | 'rows' | 'schema'

const NONE: readonly Mark[] = []

/** Finds the line of an offset. Counts `\n`, `\r` and `\r\n` as one line end each. */
export class LineIndex {
  readonly #starts: number[] = [0]

  constructor(text: string) {
    for (const end of text.matchAll(/\r\n|\r|\n/g)) this.#starts.push(end.index + end[0].length)
  }

  /** 1-based. */
  lineAt(offset: number): number {
    let low = 0
    let high = this.#starts.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#starts[middle] ?? 0) <= offset) low = middle + 1
      else high = middle
    }
    return low
  }
}

export class Tokenizer {
  readonly #script: string
  readonly #text: string
  #lines: LineIndex | null = null
  #at = 0
  #marks: readonly Mark[] = []

  constructor(script: string, text: string) {
    this.#script = script
    this.#text = text
  }

  get lines(): LineIndex {
    this.#lines ??= new LineIndex(this.#text)
    return this.#lines
  }

  /** Of the lines `-- capstan: …` between the last token and the one before it. */
  get marks(): readonly Mark[] {
    return this.#marks
  }

  next(): Token | null {
    this.#marks = NONE
    this.#skipBlank()
    const start = this.#at
    const character = this.#text[start]
    if (character === undefined) return null
    const kind = this.#consume(character)
    return { kind, start, end: this.#at }
  }

  /** The data lines that follow the semicolon of a COPY statement; leaves off behind the closing `\.`. */
  copyData(): string {
    const text = this.#text
    const lineEnd = /[ \t]*(?:--[^\r\n]*)?(?:\r\n|\r|\n|$)/y
    lineEnd.lastIndex = this.#at
    const start = this.#at
    if (!lineEnd.test(text))
      throw this.#error(start, 'text between COPY … FROM stdin; and the end of its line: begin the data on the next line')
    const from = lineEnd.lastIndex
    const end = /^\\\.(?:\r\n|\r|\n|$)/gm
    // `m` also lets ^ match after U+2028, which is data: only a real line end before it counts.
    for (end.lastIndex = from; ; ) {
      const match = end.exec(text)
      if (match === null) throw this.#error(start, 'COPY data that never end: put a line with only \\. behind them')
      if (match.index === from || /[\r\n]/.test(text[match.index - 1] ?? '')) {
        this.#at = end.lastIndex
        return text.slice(from, match.index)
      }
    }
  }

  #consume(character: string): Token['kind'] {
    switch (character) {
      case ';':
        return this.#one('semicolon')
      case '(':
        return this.#one('open')
      case ')':
        return this.#one('close')
      case '\\':
        return this.#one('backslash')
      case "'":
        return this.#string(false)
      case '"':
        return this.#quotedIdentifier()
      case '$':
        return this.#dollar()
      default:
        return this.#wordOrOther()
    }
  }

  #one(kind: Token['kind']): Token['kind'] {
    this.#at++
    return kind
  }

  #wordOrOther(): Token['kind'] {
    const word = this.#match(WORD)
    if (word === '') return this.#match(NUMBER) === '' ? this.#one('other') : 'other'
    if ((word === 'E' || word === 'e') && this.#text[this.#at] === "'") return this.#string(true)
    return 'word'
  }

  #string(escapes: boolean, start = this.#at): Token['kind'] {
    const text = this.#text
    for (let i = start + 1; i < text.length; i++) {
      if (escapes && text[i] === '\\') i++
      else if (text[i] === "'") {
        if (text[i + 1] === "'") i++
        else {
          this.#at = i + 1
          return escapes && this.#match(CONTINUED) !== '' ? this.#string(true, this.#at - 1) : 'quoted'
        }
      }
    }
    throw this.#error(start, "a string that never ends: close it with '")
  }

  #quotedIdentifier(): Token['kind'] {
    const start = this.#at
    for (let i = start + 1; ; i++) {
      i = this.#text.indexOf('"', i)
      if (i < 0) throw this.#error(start, 'a quoted identifier that never ends: close it with "')
      if (this.#text[i + 1] === '"') i++
      else return this.#upTo(i + 1)
    }
  }

  #dollar(): Token['kind'] {
    const start = this.#at
    const tag = this.#match(DOLLAR_TAG)
    if (tag === '') return this.#one('other')
    const end = this.#text.indexOf(tag, this.#at)
    if (end < 0) throw this.#error(start, `a string quoted by ${printable(tag)} that never ends: close it with the same`)
    return this.#upTo(end + tag.length)
  }

  #upTo(end: number): Token['kind'] {
    this.#at = end
    return 'quoted'
  }

  #skipBlank(): void {
    for (;;) {
      this.#match(SPACE)
      if (this.#text.startsWith('--', this.#at)) this.#lineComment()
      else if (this.#text.startsWith('/*', this.#at)) this.#blockComment()
      else return
    }
  }

  /** Behind code on the same line the marker would seem to speak of that code: there it does not count. */
  #lineComment(): void {
    const alone = /(?:^|[\r\n])[ \t]*$/.test(this.#text.slice(Math.max(0, this.#at - 200), this.#at))
    const comment = this.#match(/[^\r\n]*/y)
    const mark = alone ? MARK.exec(comment)?.[1] : undefined
    if (mark !== undefined) this.#marks = [...this.#marks, mark as Mark]
  }

  #blockComment(): void {
    const start = this.#at
    const mark = /\/\*|\*\//g
    mark.lastIndex = start
    for (let depth = 0; ; ) {
      const found = mark.exec(this.#text)
      if (found === null) throw this.#error(start, 'a comment that never ends: close it with */')
      depth += found[0] === '/*' ? 1 : -1
      if (depth === 0) {
        this.#at = mark.lastIndex
        return
      }
    }
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  #error(offset: number, what: string): Error {
    const line = this.lines.lineAt(offset)
    return failure('MIGRATION_SYNTAX_ERROR', `${this.#script}:${line}: ${what}.`, { script: this.#script, line })
  }
}
