/** Columns under headings, wide enough for what they hold. A cell may be text of others. */
import type { Paint } from '../io'
import { oneLine } from './quoted'

export function table(headings: readonly string[], rows: readonly (readonly string[])[], paint: Paint): string[] {
  const shown = rows.map((row) => row.map(oneLine))
  const widths = headings.map((heading, column) =>
    shown.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), heading.length),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [paint('dim', line(headings)), ...shown.map(line)]
}
