/** How a database orders and keeps its texts, and what differs between two. */
import type { PreflightFinding } from '../../../contracts/preflight'
import { printable } from '../../printable'

export interface TextOrder {
  readonly encoding: string
  /** c: of the operating system; i: of ICU; b: PostgreSQL's own. */
  readonly provider: string
  readonly locale: string
  /** Which characters are letters, and what their capitals are. */
  readonly ctype: string
  /** Of the library; null: it has none, or does not tell. */
  readonly version: string | null
}

/** What decides the order. `C` and `POSIX` sort by bytes, and so do PostgreSQL's own. */
export function orderOf({ provider, locale }: Pick<TextOrder, 'provider' | 'locale'>): string {
  return provider === 'b' || locale === 'C' || locale === 'POSIX' ? 'bytes' : `${provider} ${sameSpelling(locale)}`
}

/** `en_US.utf8` and `en_US.UTF-8` are one. */
const sameSpelling = (locale: string): string => locale.toLowerCase().replace(/\.utf-?8$/, '.utf8')

type Finding = Omit<PreflightFinding, 'check'>

export function differingOrder(source: TextOrder, standby: TextOrder): Finding[] {
  const found = (severity: Finding['severity'], message: string, why: string, command: string): Finding[] => [
    { severity, side: 'standby', object: null, message, why, command },
  ]
  return [...encodings(source, standby, found), ...locales(source, standby, found)]
}

type Told = (severity: Finding['severity'], message: string, why: string, command: string) => Finding[]

const MADE = `CREATE DATABASE … TEMPLATE template0 ENCODING … LOCALE …; -- a new standby, made as the source is`

function encodings({ encoding: from }: TextOrder, { encoding: to }: TextOrder, found: Told): Finding[] {
  if (from === to) return []
  const message = `The source is encoded as ${from}, and the standby as ${to}.`
  if (to !== 'UTF8' || from === 'SQL_ASCII')
    return found('blocks', message, 'The first text that the one has and the other cannot hold stops the standby.', MADE)
  return found('warning', message, 'Texts are converted on their way, and some grow longer than an index takes.', MADE)
}

function locales(source: TextOrder, standby: TextOrder, found: Told): Finding[] {
  const [from, to] = [orderOf(source), orderOf(standby)]
  if (from !== to) {
    return found(
      'warning',
      `Texts are sorted by ${shownOrder(source)} on the source, and by ${shownOrder(standby)} on the standby.`,
      'ORDER BY, ranges of texts and pages of lists answer otherwise once applications are there.',
      MADE,
    )
  }
  if (from !== 'bytes' && source.version !== standby.version) {
    return found(
      'note',
      `The library that sorts texts has version ${shownVersion(source)} on the source, and ${shownVersion(standby)} on the standby.`,
      'Some texts may be in another order there. Its indexes are built there and are right.',
      '-- compare what applications rely on the order of',
    )
  }
  if (sameSpelling(source.ctype) === sameSpelling(standby.ctype)) return []
  return found(
    'warning',
    `Letters are told by ${printable(source.ctype)} on the source, and by ${printable(standby.ctype)} on the standby (LC_CTYPE).`,
    'lower(), upper(), ILIKE and full text search answer otherwise there.',
    MADE,
  )
}

const shownVersion = ({ version }: TextOrder): string => (version === null ? 'none that it tells' : printable(version))

function shownOrder(order: TextOrder): string {
  const providers: Readonly<Record<string, string>> = { c: 'the operating system', i: 'ICU', b: 'PostgreSQL itself' }
  return `${printable(order.locale)} of ${providers[order.provider] ?? order.provider}`
}
