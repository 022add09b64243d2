/** A server's message without the values of rows. PostgreSQL keeps most of them in DETAIL, which is dropped altogether, but its primary
 *  messages hold some too: what could not be cast, a name computed at run time, whatever a RAISE puts there. In another language they
 *  look different, and a value may hold quotes itself. So nothing is trusted for its place: a word stays when it is PostgreSQL's own, or
 *  the statement's, or a name that the server gives apart; everything else becomes `…`. Rather too much is blanked than too little. */
import { MESSAGE_WORDS } from './message-words'

/** The fields of an error response, as the driver names them. */
export interface ServerMessage {
  readonly message: string
  readonly code?: string | undefined
  /** The server's source file. */
  readonly file?: string | undefined
  readonly schema?: string | undefined
  readonly table?: string | undefined
  readonly column?: string | undefined
  readonly dataType?: string | undefined
  readonly constraint?: string | undefined
}

const MESSAGE_LENGTH_MAX = 1_000
/** Of the statement's text: enough for what a message repeats, and quick to read. */
const SQL_LENGTH_MAX = 100_000
/** Different quoted pieces looked for in the statement; PostgreSQL's own messages have a handful, and each costs a walk through it. */
const PIECES_MAX = 20

const RAISED_ELSEWHERE = 'code in the database raised an exception; its text may hold values and is not shown'

/** `sql`: the statement as it was sent; its own text is no secret to whoever sent it. At most 1,000 characters, on one line. */
export function shownMessage(error: ServerMessage, sql: string): string {
  const text = error.message.slice(0, MESSAGE_LENGTH_MAX)
  const source = sql.slice(0, SQL_LENGTH_MAX)
  if (isRaised(error)) return raisedText(text, source) ?? RAISED_ELSEWHERE
  if (error.code?.startsWith('22') === true) return withoutData(text)
  return withoutUnknown(text, source, new Set([...namesOf(error), ...placesOf(error, text), ...reachingOf(error)]))
}

/** Of a standby’s server that did not reach the source: what its libpq and the system say of connections. No row is near. */
function reachingOf({ code = '', file = '' }: ServerMessage): readonly string[] {
  return code.startsWith('08') && file === 'subscriptioncmds.c' ? REACHING : []
}

const REACHING =
  `publisher host hostname address translate resolve name service network unreachable route reset peer refused timed timeout expired running
  accepting tcp ip received server closed unexpectedly terminated abnormally probably before while processing request starting recovery many clients reserved
  fatal password authentication user pg_hba conf required requirement method requested scram sha md5 cleartext channel binding ssl tls encryption gssapi
  certificate verify issuer local self signed unsupported support supported negotiation temporary failure permitted log login`.split(
    /\s+/,
  )

/** data_corrupted and index_corrupted: their numbers say where the damage is (blocks, line pointers, files), and nothing of what stood there. */
function placesOf({ code = '' }: ServerMessage, text: string): readonly string[] {
  return /^XX00[12]$/.test(code) ? (text.match(/\d+/g) ?? []) : []
}

/** By a procedural language's own code, or by somebody whose code is not known. */
function isRaised({ code = '', file = '' }: ServerMessage): boolean {
  return file === '' || file.startsWith('pl') || /^(?:P0|38|39|F0|HV)/.test(code)
}

const QUOTES = '"«»„“”‟‹›「」『』《》〈〉'
const QUOTED = new RegExp(`([${QUOTES}])([^${QUOTES}]*)([${QUOTES}])`, 'g')
const ANY_QUOTE = new RegExp(`[${QUOTES}]`, 'g')
const BLANK = '…'
/** A word, a number, or a character that no message of PostgreSQL consists of. */
const WORD = /[\p{L}\p{N}\p{M}_$]+|[^\s\p{L}\p{N}\p{M}_$.,:;()[\]"/=<>+*!-]+/gu

/** Data exceptions are about values: from the first quote to the last nothing stays, and of the rest only PostgreSQL's own words. */
function withoutData(text: string): string {
  const quotes = [...text.matchAll(ANY_QUOTE)].map(({ index }) => index)
  const [first] = quotes
  if (first === undefined) return ownWords(text, MESSAGE_WORDS)
  const rest = quotes.length % 2 === 0 ? ownWords(text.slice((quotes.at(-1) ?? first) + 1), MESSAGE_WORDS) : ''
  return `${ownWords(text.slice(0, first), MESSAGE_WORDS)}"${BLANK}"${rest}`.trim()
}

function withoutUnknown(text: string, sql: string, names: ReadonlySet<string>): string {
  const source = sql.toLowerCase()
  const known = new Set([...MESSAGE_WORDS, ...(source.match(WORD) ?? []), ...names])
  const found = new Map<string, boolean>()
  const stands = (piece: string): boolean => {
    const seen = found.get(piece)
    if (seen !== undefined) return seen
    if (found.size >= PIECES_MAX) return false
    const stood = piece !== '' && standsIn(source, piece)
    found.set(piece, stood)
    return stood
  }
  let at = 0
  let shown = ''
  for (const quoted of text.matchAll(QUOTED)) {
    const [whole, open = '"', content = '', close = '"'] = quoted
    const kept = names.has(content.toLowerCase()) || stands(content.toLowerCase())
    shown += `${ownWords(text.slice(at, quoted.index), known)}${open}${kept ? content : BLANK}${close}`
    at = quoted.index + whole.length
  }
  return oneLine(shown + ownWords(text.slice(at), known))
}

/** As a whole: `id` does not stand in `valid`. */
function standsIn(source: string, content: string): boolean {
  const inWord = (character: string | undefined) => character !== undefined && /[\p{L}\p{N}_$]/u.test(character)
  for (let at = source.indexOf(content); at >= 0; at = source.indexOf(content, at + 1)) {
    const whole = !(inWord(source[at - 1]) && inWord(content[0]))
    if (whole && !(inWord(content.at(-1)) && inWord(source[at + content.length]))) return true
  }
  return false
}

function ownWords(text: string, known: ReadonlySet<string>): string {
  const blanked = text.replace(WORD, (word) => (known.has(word.toLowerCase()) ? word : BLANK))
  return oneLine(blanked.replace(/["']/g, BLANK)).replace(/…(?:[\s.,:;()/=<>+*![\]-]*…)+/g, BLANK)
}

function oneLine(text: string): string {
  return text.replace(/[\s\p{C}]+/gu, ' ')
}

function namesOf({ schema, table, column, dataType, constraint }: ServerMessage): Set<string> {
  return new Set([schema, table, column, dataType, constraint].flatMap((name) => (name ? [name.toLowerCase()] : [])))
}

/** What a RAISE in the statement itself says, with `…` for its parameters: that text comes from the statement. Null when none fits. */
function raisedText(message: string, sql: string): string | null {
  let best: string[] | null = null
  for (const [, literal = ''] of sql.matchAll(/\braise\s+(?:exception\s+)?'((?:[^']|'')*)'/gi)) {
    const parts = formatParts(literal.replaceAll("''", "'"))
    if (fits(message, parts) && (best === null || parts.join('').length > best.join('').length)) best = parts
  }
  return best === null || best.join('').trim() === '' ? null : oneLine(best.join(BLANK))
}

/** A format's texts around its parameters: `%` stands for one, `%%` for itself. */
function formatParts(format: string): string[] {
  const parts = ['']
  for (const piece of format.split(/(%%|%)/)) {
    if (piece === '%') parts.push('')
    else parts.push((parts.pop() ?? '') + (piece === '%%' ? '%' : piece))
  }
  return parts
}

/** Whether the message is these parts with anything between them. */
function fits(message: string, parts: readonly string[]): boolean {
  const [first = '', ...rest] = parts
  const last = rest.pop()
  if (last === undefined) return message === first.slice(0, MESSAGE_LENGTH_MAX)
  if (!message.startsWith(first)) return false
  let at = first.length
  for (const part of rest) {
    const found = message.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return message.length === MESSAGE_LENGTH_MAX || (message.length - last.length >= at && message.endsWith(last))
}
