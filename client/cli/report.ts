/** How a command tells that it failed: one plain sentence, or one JSON document, and the exit code of the failure's kind.
 *  Nobody sees a stack trace for a mistake of theirs; for ours only with CAPSTAN_DEBUG=1. */
import { types } from 'node:util'
import { CommanderError } from 'commander'
import { Failure, type FailureFacts } from '../../contracts/failures'
import { printable } from '../../postgres/printable'
import { EXIT, exitOfFailure } from '../exit-codes'
import { type Io, jsonLine, paintFor } from './io'
import { usageSentence } from './usage'

interface Told {
  readonly code: string
  readonly message: string
  readonly facts: FailureFacts
  readonly exit: number
}

export function reportFailure(io: Io, error: unknown, how: { json: boolean; debug: boolean }): number {
  const told = tell(error)
  if (how.json) {
    const { code, message, facts } = told
    io.out(jsonLine({ version: 1, error: { code, message, facts } }))
  } else {
    const paint = paintFor(io)
    const what = told.exit === EXIT.defect ? `defect: ${told.message}` : told.message
    const [first = '', ...more] = what.split('\n')
    io.err(
      `${[`${paint('red', '✘')} ${first}`, ...more.map((line) => `  ${line}`)].join('\n')}${paint('dim', ` [${told.code}]`)}\n`,
    )
    // What a workflow died of is in its history, not in this program's stack.
    const { history } = told.facts
    if (typeof history === 'string') io.err(`${paint('dim', `  history: ${history}`)}\n`)
    else if (told.exit === EXIT.defect && !how.debug) io.err(`${paint('dim', '  CAPSTAN_DEBUG=1 shows where it arose.')}\n`)
  }
  if (how.debug && types.isNativeError(error)) io.err(`${error.stack ?? error.message}\n`)
  return told.exit
}

function tell(error: unknown): Told {
  if (error instanceof Failure) {
    return { code: error.code, message: shown(error), facts: error.facts, exit: exitOfFailure(error.code) }
  }
  if (error instanceof CommanderError) {
    return { code: 'OPTION_INVALID', message: usageSentence(error), facts: {}, exit: EXIT.badInput }
  }
  const message = types.isNativeError(error) && error.message !== '' ? (error.message.split('\n')[0] ?? '') : String(error)
  return { code: 'DEFECT', message: printable(message), facts: {}, exit: EXIT.defect }
}

/** What a message repeats may be anybody's: it begins no line of its own. Several problems are told on a line each. */
function shown({ message, facts }: Failure): string {
  const lines = Number(facts.problems ?? 1) > 1 ? message.split('\n') : [message]
  return lines.map(printable).join('\n')
}
