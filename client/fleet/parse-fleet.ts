/** Validates a fleet file's text. Every problem names file, line and column, the field, what was found and what would be
 *  right. Secrets are not resolved, and what looks like one is not repeated in a message. */
import { Compile } from 'typebox/compile'
import { Settings } from 'typebox/system'
import { failure } from '../../contracts/failures'
import type { Fleet } from '../../contracts/fleet'
import { type FleetFile, FleetFileSchema } from '../../contracts/fleet.schema'
import { printable } from '../../postgres/printable'
import { toEntries } from './entries'
import { explainErrors, type FleetProblem } from './problems'
import { parseFleetSource } from './source'

/** `name`: how messages call the file. Fails with FLEET_FILE_INVALID. */
export function parseFleet(text: string, name: string): Fleet {
  const parsed = parseFleetSource(text)
  if ('problems' in parsed) {
    throw invalid(
      name,
      parsed.problems.map((problem) => ({ ...problem, field: '' })),
    )
  }
  const { source } = parsed
  // Without this the validator stops after eight.
  Settings.Set({ maxErrors: 500 })
  const validator = Compile(FleetFileSchema)
  const value: unknown = source.value
  if (!validator.Check(value)) throw invalid(name, explainErrors(source, validator.Errors(value)))
  const { entries, problems } = toEntries(value satisfies FleetFile, source)
  if (problems.length > 0) throw invalid(name, problems)
  return { version: 1, databases: entries }
}

function invalid(file: string, problems: readonly FleetProblem[]): Error {
  const sentence = ({ line, column, message }: FleetProblem): string => `${file}:${line}:${column}: ${printable(message)}`
  const message = problems.map((one) => `${sentence(one)}${one.message.endsWith('?') ? '' : '.'}`).join('\n')
  const [first] = problems
  const facts = { file, line: first?.line ?? 1, column: first?.column ?? 1, field: first?.field ?? '', problems: problems.length }
  return failure('FLEET_FILE_INVALID', message, facts)
}
