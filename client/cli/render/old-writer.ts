/** What speaks against removing an old writer, for people. */
import type { LookedAtOldWriter } from '../../old-writer'
import type { Paint } from '../io'
import { oneLine } from './quoted'

export function oldWriterLines(look: LookedAtOldWriter, paint: Paint): string[] {
  const [database, instance, writer] = [look.database, look.instance, look.writer].map(oneLine)
  if (look.standing === 'gone')
    return [`The instance of ${database}, from which ${look.movedBy} moved writing away, is not there any more.`]
  if (look.standing === 'another')
    return [
      `${instance} is another instance than the one from which ${look.movedBy} moved writing away, which is gone, or has another name: this one is none of its business.`,
    ]
  const heading = `${paint('bold', instance ?? '')}, the instance of ${database}, from which ${look.movedBy} moved writing away`
  if (look.against.length > 0)
    return [`${heading}: not to be removed`, ...look.against.map((one) => `  ${paint('red', '✘')} ${oneLine(one)}`)]
  return [
    `${heading}: nothing speaks against removing it. ${writer} is the writer, and serves`,
    ...look.untold.map((one) => `  ${paint('yellow', '!')} ${oneLine(one)}`),
    '  Nothing here removes it; this does, by whoever may:',
    ...look.commands.map((one) => `    ${oneLine(one)}`),
    `  Then take ${database} out of the fleet file.`,
  ]
}
