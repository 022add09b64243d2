/** Which strings of a statement are code: the body behind DO, that of a function or procedure behind AS, and what code hands to EXECUTE.
 *  By the words before them; what a function is handed elsewhere (`dblink_exec`) is data to these rules. */
import type { Token } from './tokenizer'

type Awaited = 'nothing' | 'do' | 'body' | 'command'

/** Words that may stand between the one that announces code and the string. */
const BETWEEN: Readonly<Record<Awaited, ReadonlySet<string>>> = {
  nothing: new Set(),
  do: new Set(['language', 'u']),
  body: new Set(['u']),
  command: new Set(['format', 'concat', 'u']),
}

export class QuotedCode {
  readonly #nested: boolean
  #routine = false
  #awaited: Awaited = 'nothing'
  #before = ''

  /** `nested`: the text is code itself, where EXECUTE takes a string. */
  constructor(nested: boolean) {
    this.#nested = nested
  }

  /** Told each token in turn: whether it is a string that holds code. */
  next(kind: Token['kind'], token: string): boolean {
    if (kind === 'semicolon') this.#routine = false
    if (kind === 'semicolon') this.#awaited = 'nothing'
    if (kind === 'word') this.#word(token.toLowerCase())
    if (kind !== 'quoted' || token.startsWith('"')) return false
    const code = this.#awaited !== 'nothing'
    // Of a call of format() only the first string is code, the others are its values.
    if (this.#awaited === 'command') this.#awaited = 'nothing'
    return code
  }

  #word(word: string): void {
    const language = this.#before === 'language' && this.#awaited === 'do'
    this.#before = word
    if (word === 'function' || word === 'procedure') this.#routine = true
    if (word === 'do') this.#awaited = 'do'
    else if (word === 'as' && this.#routine) this.#awaited = 'body'
    else if (word === 'execute' && this.#nested) this.#awaited = 'command'
    else if (!language && !BETWEEN[this.#awaited].has(word)) this.#awaited = 'nothing'
  }
}

export interface CodeInQuotes {
  readonly open: string
  /** As PostgreSQL reads it. */
  readonly body: string
  readonly close: string
}

/** Of a whole string constant as it stands in the text. */
export function codeInQuotes(quoted: string): CodeInQuotes {
  const tag = /^\$[^$]*\$/.exec(quoted)?.[0]
  if (tag !== undefined) return { open: tag, body: quoted.slice(tag.length, -tag.length), close: tag }
  const escapes = /^e/i.test(quoted)
  const body = quoted.slice(escapes ? 2 : 1, -1).replaceAll("''", "'")
  return { open: "'", body: escapes ? unescaped(body) : body, close: "'" }
}

const LETTERS: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

function unescaped(text: string): string {
  return text.replace(
    /\\(?:x([0-9a-f]{1,2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([0-7]{1,3})|([\s\S]))/gi,
    (whole, hex?: string, four?: string, eight?: string, octal?: string, other?: string) => {
      if (other !== undefined) return LETTERS[other] ?? other
      const code = octal === undefined ? Number.parseInt(hex ?? four ?? eight ?? '', 16) : Number.parseInt(octal, 8)
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole
    },
  )
}
