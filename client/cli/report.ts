/** How a command tells that it failed: one plain sentence, or one JSON document, and the exit code of the failure's kind.
 *  Nobody sees a stack trace for a mistake of theirs; for ours only with CAPSTAN_DEBUG=1. */
import { types } from 'node:util'
import { CommanderError } from 'commander'
import { Failure, type FailureFacts } from '../../contracts/failures'
import { EXIT, exitOfFailure } from '../exit-codes'
import { type Io, paintFor } from './io'

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
    io.out(`${JSON.stringify({ version: 1, error: { code, message, facts } })}\n`)
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
    return { code: error.code, message: error.message, facts: error.facts, exit: exitOfFailure(error.code) }
  }
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ')
    return { code: 'OPTION_INVALID', message: /[.?)]$/.test(message) ? message : `${message}.`, facts: {}, exit: EXIT.badInput }
  }
  const message = types.isNativeError(error) && error.message !== '' ? (error.message.split('\n')[0] ?? '') : String(error)
  return { code: 'DEFECT', message, facts: {}, exit: EXIT.defect }
}
