/** The scripts of a bundle, whole: what a plan's digest binds to, constants included. */
import type { MigrationBundle } from '../../../contracts/bundle'
import { printable } from '../../../postgres/printable'
import { counted } from '../../quantities'
import type { Paint } from '../io'
import { oneLine } from './quoted'

/** `planned`: names of the scripts that would run, or null when there is no plan; the others were applied before. Every line of a script is
 *  printed to its end behind its number; nothing in it can begin a line of its own. */
export function fileLines(
  { migrations }: Pick<MigrationBundle, 'migrations'>,
  planned: ReadonlySet<string> | null,
  paint: Paint,
): string[] {
  const shown = planned === null ? migrations : migrations.filter(({ script }) => planned.has(script))
  const others = migrations.length - shown.length
  return [
    ...shown.flatMap(({ script, content }) => [paint('bold', oneLine(script)), ...numbered(content, paint), '']),
    ...(others === 0
      ? []
      : [`${counted(others, 'script')} that the plan does not run ${others === 1 ? 'is' : 'are'} not shown.`]),
  ]
}

function numbered(content: string, paint: Paint): string[] {
  const lines = content.replace(/(?:\r\n|\r|\n)$/, '').split(/\r\n|\r|\n/)
  const width = String(lines.length).length
  return lines.map((line, at) => `  ${paint('dim', String(at + 1).padStart(width))}  ${printable(line, '\t')}`)
}
