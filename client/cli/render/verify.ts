/** What a comparison found, for people: each table in a line, what differs below it, and what was not compared. */
import type { CompareProgress, Comparison, RowDifference, TableResult, Verdict } from '../../../postgres/verify/compared'
import { bytes, counted, grouped } from '../../quantities'
import type { Paint, Style } from '../io'
import { cutTo, oneLine } from './quoted'

interface Endpoint {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
}

const MARKS = {
  equal: ['✔', 'green'],
  different: ['✘', 'red'],
  inconclusive: ['○', 'yellow'],
} as const satisfies Record<Verdict, readonly [string, Style]>

const WORDS = {
  equal: 'equal',
  different: 'different',
  inconclusive: 'not proven equal',
} as const satisfies Record<Verdict, string>

export function comparisonLines(
  { verdict, structure, tables, outside }: Comparison,
  sides: { readonly source: Endpoint; readonly target: Endpoint },
  { paint, io }: { readonly paint: Paint; readonly io: { columns(): number } },
): string[] {
  const width = io.columns()
  const compared = tables.filter(({ method }) => method !== null)
  const rows = compared.reduce((sum, table) => sum + (table.rows?.source ?? 0), 0)
  const [mark, style] = MARKS[verdict]
  const head = `${WORDS[verdict]}: ${counted(compared.length, 'table')} compared${rows === 0 ? '' : `, ${counted(rows, 'row')}`}`
  const missing = structure.map(({ table, column, side }) =>
    column === null ? `${table}: not there in the ${side}` : `${table}: no column ${column} in the ${side}`,
  )
  return [
    `${shown(sides.source)} → ${shown(sides.target)}`,
    `${paint(style, mark)} ${paint('bold', head)}`,
    ...missing.map((line) => `  ${paint('red', '✘')} ${cutTo(line, width - 4)}`),
    ...tables.flatMap((table) => tableLines(table, paint, width)),
    ...(tables.length + structure.length === 0 ? ['  There is no table to compare.'] : []),
    ...(outside.length === 0 ? [] : [paint('dim', `  Not rows of tables, and not compared: ${outside.join(', ')}.`)]),
  ]
}

function shown({ host, port, database }: Endpoint): string {
  return oneLine(`${host}:${port}/${database}`)
}

function tableLines(table: TableResult, paint: Paint, width: number): string[] {
  const [mark, style] = MARKS[table.verdict]
  const told = table.sample.reduce((sum, { count }) => sum + count, 0)
  const { onlyInSource, onlyInTarget, changed } = table.differences
  const more = onlyInSource + onlyInTarget + changed - told
  return [
    `  ${paint(style, mark)} ${cutTo(`${table.table}: ${whatOf(table)}`, width - 4)}`,
    ...table.sample.map((row) => `      ${cutTo(rowText(row, table.key), width - 6)}`),
    ...(more > 0 && told > 0 ? [`      … and ${grouped(more)} more`] : []),
  ]
}

function whatOf({ verdict, method, rows, differences, unsettled, note }: TableResult): string {
  if (method === null) return `not compared: ${note ?? 'unknown why'}`
  const { onlyInSource, onlyInTarget, changed, exact } = differences
  const kinds = [
    ...(changed === 0 ? [] : [`${grouped(changed)} changed`]),
    ...(onlyInSource === 0 ? [] : [`${grouped(onlyInSource)} only in the source`]),
    ...(onlyInTarget === 0 ? [] : [`${grouped(onlyInTarget)} only in the target`]),
  ]
  const total = onlyInSource + onlyInTarget + changed
  const parts = [
    verdict === 'equal' ? (rows === null ? 'equal' : `equal, ${counted(rows.source, 'row')}`) : null,
    verdict === 'different' && total === 0 ? 'rows differ' : null,
    total === 0 ? null : `${exact ? '' : 'at least '}${counted(total, 'row')} differ: ${kinds.join(', ')}`,
    unsettled === 0 ? null : `${counted(unsettled, 'row')} changed too often to be compared`,
    note,
  ]
  return parts.filter((part) => part !== null).join('; ')
}

const KINDS = {
  changed: 'changed',
  'only-in-source': 'only in the source',
  'only-in-target': 'only in the target',
} as const satisfies Record<RowDifference['kind'], string>

function rowText({ kind, key, count, columns }: RowDifference, names: readonly string[] | null): string {
  const who =
    key === null ? counted(count, names === null ? 'row without a key' : 'row') : `${names?.join(', ') ?? ''} = ${key.join(', ')}`
  const how = columns.map(({ column, source, target }) => {
    return source === undefined && target === undefined ? column : `${column}: ${text(source)} → ${text(target)}`
  })
  return `${KINDS[kind]}: ${who}${how.length === 0 ? '' : ` (${how.join('; ')})`}`
}

const text = (value: string | null | undefined): string =>
  value === null || value === undefined ? 'NULL' : JSON.stringify(value)

const BAR_WIDTH = 30

/** One line at the foot of the terminal; nothing before the first chunk. */
export class ProgressBar {
  readonly #paint: Paint
  readonly #columns: () => number
  #progress: CompareProgress | null = null

  constructor(paint: Paint, columns: () => number) {
    this.#paint = paint
    this.#columns = columns
  }

  show(progress: CompareProgress): void {
    this.#progress = progress
  }

  clear(): void {
    this.#progress = null
  }

  lines(): string[] {
    if (this.#progress === null) return []
    const { tables, tablesDone, table, bytes: all, bytesDone, rows, differing } = this.#progress
    const part = all === 0 ? 0 : Math.min(1, bytesDone / all)
    const full = Math.round(part * BAR_WIDTH)
    const bar = `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}`
    const words = [
      `${Math.floor(part * 100)} % of ${bytes(all)}`,
      `table ${Math.min(tablesDone + 1, tables)} of ${tables}${table === null ? '' : ` ${oneLine(table)}`}`,
      `${counted(rows, 'row')} read`,
      ...(differing === 0 ? [] : [`${grouped(differing)} differ`]),
    ]
    return [`  ${this.#paint('cyan', bar)} ${cutTo(words.join(' · '), Math.max(1, this.#columns() - BAR_WIDTH - 4))}`]
  }
}
