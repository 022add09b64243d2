/** Validates a fleet file's text. Every problem names file, line and column, the field, what was found and what would be
 *  right. Secrets are not resolved, and what looks like one is not repeated in a message. */
import { Compile, type Validator } from 'typebox/compile'
import type { TLocalizedValidationError } from 'typebox/error'
import { Settings } from 'typebox/system'
import { failure } from '../../contracts/failures'
import { type FleetFile, FleetFileSchema } from '../../contracts/fleet.schema'
import type { DeclaredFleet } from '../../contracts/schedule'
import { printable } from '../../postgres/printable'
import { toEntries } from './entries'
import { databaseSchemaAt, explainErrors, type FleetProblem } from './problems'
import { type FleetSource, parseFleetSource } from './source'

/** `name`: how messages call the file. Fails with FLEET_FILE_INVALID. */
export function parseFleet(text: string, name: string): DeclaredFleet {
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
  const errors = errorsIn(source)
  if (errors.length > 0) throw invalid(name, explainErrors(source, errors))
  const file = source.value as FleetFile
  const { entries, schedules, verification, problems } = toEntries(file, source)
  if (problems.length > 0) throw invalid(name, problems)
  return { version: 1, databases: entries, schedules, ...(verification && { verification }) }
}

/** Of the file as a whole, and of each database by the schema of its cloud. Empty: the value is a `FleetFile`. */
function errorsIn(source: FleetSource): TLocalizedValidationError[] {
  const { value } = source
  const whole = Compile(FleetFileSchema)
  const errors = whole.Check(value) ? [] : [...whole.Errors(value)]
  const databases: unknown = typeof value === 'object' && value !== null && 'databases' in value ? value.databases : null
  if (!Array.isArray(databases)) return errors
  const compiled = new Map<object, Validator>()
  for (const [index, database] of databases.entries()) {
    const schema = databaseSchemaAt(source, index)
    const validator: Validator = compiled.get(schema) ?? Compile(schema)
    compiled.set(schema, validator)
    if (validator.Check(database)) continue
    for (const error of validator.Errors(database))
      errors.push({ ...error, instancePath: `/databases/${index}${error.instancePath}` })
  }
  return errors
}

function invalid(file: string, problems: readonly FleetProblem[]): Error {
  const sentence = ({ line, column, message }: FleetProblem): string => `${file}:${line}:${column}: ${printable(message)}`
  const message = problems.map((one) => `${sentence(one)}${one.message.endsWith('?') ? '' : '.'}`).join('\n')
  const [first] = problems
  const facts = { file, line: first?.line ?? 1, column: first?.column ?? 1, field: first?.field ?? '', problems: problems.length }
  return failure('FLEET_FILE_INVALID', message, facts)
}
