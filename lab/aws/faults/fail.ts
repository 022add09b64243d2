/** An error of RDS's own, before anything is done. */
import { oneOf, text } from '../../faults/kind'
import { AWS_ERRORS, AwsError, type AwsErrorCode } from '../errors'
import { type AwsFaultKind, CALLS } from './kind'

export const fail: AwsFaultKind = {
  ...CALLS,
  summary: 'the error that --code names, before anything is done',
  settings: { code: oneOf(Object.keys(AWS_ERRORS), 'InternalFailure'), message: text(500) },
  before: ({ settings }) =>
    new AwsError(settings.code as AwsErrorCode, String(settings.message ?? 'An error was ordered for this call.')),
}
