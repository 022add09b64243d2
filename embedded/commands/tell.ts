/** What a command tells: lines for people, or with --json one document on standard output, as the command line has it. Lines go to standard
 *  error then. */
import { types } from 'node:util'
import { FAILURE_KINDS, Failure } from '../../contracts/failures'

export interface Telling {
  readonly json: boolean
}

export function tellLine(text: string, { json }: Telling): void {
  const stream = json ? process.stderr : process.stdout
  stream.write(`${text}\n`)
}

export function tellDocument(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document)}\n`)
}

/** Answers the exit code. The stack of a defect is for people alone: a document says what a program can use. */
export function tellFailure(error: unknown, { json }: Telling): number {
  const known = error instanceof Failure
  const message = types.isNativeError(error) ? error.message : String(error)
  if (json) {
    const { code, facts } = known ? error : { code: 'DEFECT', facts: {} }
    tellDocument({ version: 1, error: { code, message: known ? message : message.split('\n')[0], facts } })
  } else {
    process.stderr.write(`${known ? `✘ ${message}` : types.isNativeError(error) ? error.stack : message}\n`)
  }
  return FAILURE_KINDS[known ? error.kind : 'defect'].exit
}
