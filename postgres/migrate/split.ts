/** A script cut into statements, each with its line and its text exactly as written. Knows what can hide a semicolon: strings,
 *  quoted identifiers, dollar quotes, nested comments, parentheses, BEGIN ATOMIC bodies, and the data after COPY … FROM stdin.
 *  It does not judge the statements: `classify.ts` does, with PostgreSQL's own grammar. */
import { failure } from '../../contracts/failures'
import { type LineIndex, type Mark, type Token, Tokenizer } from './tokenizer'

export interface SourceStatement {
  /** 0-based. */
  readonly index: number
  /** 1-based line of its first token. */
  readonly line: number
  /** From its first token to its last, without the semicolon. */
  readonly sql: string
  /** Its first words outside parentheses in upper case, up to 8: enough to name its kind. */
  readonly words: readonly string[]
  /** The lines after COPY … FROM stdin, without the closing `\.`. */
  readonly copyData: string | null
  /** `-- capstan: repeatable` stands before it, on a line of its own: whoever wrote it vouches that it may run twice. */
  readonly repeatable: boolean
  /** `-- capstan: rows` or `-- capstan: schema` stands before it likewise, of a statement that hides what it does; null: neither. Of both the last counts. */
  readonly hidden: 'rows' | 'schema' | null
}

/** How many tokens to read between two pauses: some milliseconds. */
const TOKENS_BETWEEN_PAUSES = 20_000

/** Throws MIGRATION_SYNTAX_ERROR for what never ends (a string, a comment, COPY data) and MIGRATION_UNSUPPORTED for psql commands. */
export function splitStatements(script: string, content: string): SourceStatement[] {
  return [...scanStatements(script, content)].filter((statement) => statement !== null)
}

/** As `splitStatements`, one by one. Null is a place to let others run: a long file takes seconds. */
export function* scanStatements(script: string, content: string): Generator<SourceStatement | null> {
  const text = content.startsWith('\uFEFF') ? content.slice(1) : content
  const tokenizer = new Tokenizer(script, text)
  const nul = text.indexOf('\0')
  if (nul >= 0) throw syntaxError(script, tokenizer.lines.lineAt(nul), 'a NUL character, which SQL cannot hold: remove it')
  let count = 0
  let tokens = 0
  let current = new StatementBuilder()
  for (let token = tokenizer.next(); token !== null; token = tokenizer.next()) {
    if (++tokens % TOKENS_BETWEEN_PAUSES === 0) yield null
    if (token.kind === 'backslash') refuseBackslash(script, tokenizer.lines.lineAt(token.start))
    if (!current.ends(token)) {
      current.add(token, text, tokenizer.marks)
      continue
    }
    if (!current.empty) {
      const copyData = current.readsStdin ? tokenizer.copyData() : null
      yield current.build(count++, text, tokenizer.lines, copyData)
    }
    current = new StatementBuilder()
  }
  if (!current.empty) {
    const last = current.build(count, text, tokenizer.lines, null)
    if (current.readsStdin)
      throw syntaxError(script, last.line, 'COPY … FROM stdin without a semicolon and data after it: put both there')
    yield last
  }
}

function refuseBackslash(script: string, line: number): never {
  const what = 'psql commands that start with a backslash cannot run here: remove it'
  throw failure('MIGRATION_UNSUPPORTED', `${script}:${line}: ${what}.`, { script, line })
}

function syntaxError(script: string, line: number, what: string): Error {
  return failure('MIGRATION_SYNTAX_ERROR', `${script}:${line}: ${what}.`, { script, line })
}

const ROUTINE = /^CREATE (OR REPLACE )?(FUNCTION|PROCEDURE) /

class StatementBuilder {
  #start = -1
  #end = -1
  #depth = 0
  #body = 0
  #previous = ''
  #words: string[] = []
  #fromStdin = false
  #marks: readonly Mark[] = []

  get empty(): boolean {
    return this.#start < 0
  }

  get readsStdin(): boolean {
    return this.#words[0] === 'COPY' && this.#fromStdin
  }

  /** A semicolon ends the statement unless it lies in parentheses (CREATE RULE) or in a BEGIN ATOMIC body. */
  ends(token: Token): boolean {
    return token.kind === 'semicolon' && this.#depth === 0 && this.#body === 0
  }

  add(token: Token, text: string, marks: readonly Mark[]): void {
    if (this.empty) {
      this.#start = token.start
      this.#marks = marks
    }
    this.#end = token.end
    if (token.kind === 'open') this.#depth++
    if (token.kind === 'close') this.#depth = Math.max(0, this.#depth - 1)
    const word = token.kind === 'word' ? text.slice(token.start, token.end).toUpperCase() : ''
    if (word !== '') this.#addWord(word)
    this.#previous = word
  }

  #addWord(word: string): void {
    if (this.#words.length < 8 && this.#depth === 0) this.#words.push(word)
    if (this.#depth === 0 && this.#previous === 'FROM' && word === 'STDIN') this.#fromStdin = true
    if (word === 'ATOMIC' && this.#previous === 'BEGIN' && ROUTINE.test(`${this.#words.join(' ')} `)) this.#body++
    else if (this.#body > 0 && word === 'CASE') this.#body++
    else if (this.#body > 0 && word === 'END') this.#body--
  }

  build(index: number, text: string, lines: LineIndex, copyData: string | null): SourceStatement {
    const sql = text.slice(this.#start, this.#end)
    const repeatable = this.#marks.includes('repeatable')
    const hidden = this.#marks.findLast((mark) => mark !== 'repeatable') ?? null
    return { index, line: lines.lineAt(this.#start), sql, words: this.#words, copyData, repeatable, hidden }
  }
}
