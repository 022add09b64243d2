/** Instances that were replaced, for people. */
import type { LookedAtOld, ReplacedInstance } from '../../old-instances'
import { instant } from '../../quantities'
import type { Paint } from '../io'
import { oneLine } from './quoted'
import { table } from './table'

export function replacedListLines(replaced: readonly ReplacedInstance[], paint: Paint): string[] {
  const headings = ['OPERATION', 'DATABASE', 'CLOUD', 'OLD INSTANCE', 'REPLACED BY', 'KEPT UNTIL']
  const rows = replaced.map(({ operation, database, cloud, instance, replacement, until, by }) => [
    ...[
      operation,
      database,
      cloud,
      oneLine(instance),
      oneLine(replacement),
      `${instant(until)}${by === null ? '' : `, by ${oneLine(by)}`}`,
    ],
  ])
  const due = replaced.filter((one) => one.due)
  return [
    ...table(headings, rows, paint),
    ...due.map(
      ({ operation, instance }) =>
        `The time of ${oneLine(instance)} is over: "capstan restore old ${operation}" says what speaks against removing it, and how.`,
    ),
  ]
}

export function oldInstanceLines(look: LookedAtOld, paint: Paint): string[] {
  const [instance, replacement] = [look.instance, look.replacement].map(oneLine)
  if (look.standing === 'gone') return [`${instance}, which ${replacement} replaced, is not there any more.`]
  if (look.standing === 'another')
    return [`The instance that ${replacement} replaced is gone; ${instance} is another one by now.`]
  const heading = `${paint('bold', instance ?? '')}, which ${replacement} replaced`
  if (look.against.length > 0) {
    return [`${heading}: not to be removed`, ...look.against.map((one) => `  ${paint('red', '✘')} ${oneLine(one)}`)]
  }
  return [
    `${heading}: closed, marked, and its time is over; ${look.unasked.length > 0 ? 'the fleet file does not lead to it, nor, as you say, are applications' : 'neither the endpoint nor the fleet file leads to it'}`,
    '  Only it has what was lost by the replacement. Nothing here removes it; this does, by whoever may:',
    ...look.commands.map((one) => `    ${oneLine(one)}`),
  ]
}
