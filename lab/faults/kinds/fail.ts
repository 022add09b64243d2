/** An error of the cloud's own, before anything is done. */
import { oneOf, text } from '../kind'
import { CALLS, type PlainKind, type Wording } from './acting'

export function fail({ errors }: Wording): PlainKind {
  return {
    ...CALLS,
    summary: 'the error that --code names, before anything is done',
    settings: { code: oneOf(errors.codes, errors.otherwise), message: text(500) },
    before: ({ settings }) =>
      errors.make(String(settings.code), String(settings.message ?? 'An error was ordered for this call.')),
  }
}
