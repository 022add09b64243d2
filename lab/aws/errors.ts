/** The errors that simulated RDS can answer with, by their Code on the wire (often not the name of the SDK's class). Closed: an
 *  operation cannot invent one; some only ever come from an ordered fault. */
import { MODEL_ERRORS } from './generated/model'

/** Of any operation, whatever the model says of it. Source: RDS API reference, "Common Errors"; those marked are answered in life
 *  although that page does not have them. */
const COMMON = {
  AccessDenied: 403,
  ExpiredToken: 403,
  IncompleteSignature: 400,
  InternalFailure: 500,
  InvalidAction: 400,
  InvalidClientTokenId: 403,
  InvalidParameterCombination: 400,
  InvalidParameterValue: 400,
  InvalidQueryParameter: 400,
  /** github.com/boto/boto/issues/1051 */
  MalformedInput: 400,
  MalformedQueryString: 404,
  MissingAction: 400,
  MissingAuthenticationToken: 403,
  MissingParameter: 400,
  OptInRequired: 403,
  RequestExpired: 400,
  /** Transport: before there is a request to speak of. */
  RequestEntityTooLarge: 413,
  RequestLimitExceeded: 400,
  ServiceUnavailable: 503,
  SignatureDoesNotMatch: 403,
  Throttling: 400,
  ValidationError: 400,
} as const satisfies Record<string, number>

/** Of Route 53. Source: its API reference, each operation's errors. */
const ROUTE53 = {
  HostedZoneNotEmpty: 400,
  HostedZoneAlreadyExists: 409,
  InvalidChangeBatch: 400,
  InvalidDomainName: 400,
  InvalidInput: 400,
  NoSuchChange: 404,
  NoSuchHostedZone: 404,
  PriorRequestNotComplete: 400,
} as const satisfies Record<string, number>

type CommonCode = keyof typeof COMMON | keyof typeof ROUTE53
type ModelCode = keyof typeof MODEL_ERRORS

export type AwsErrorCode = CommonCode | ModelCode

/** Code → HTTP status. */
export const AWS_ERRORS = {
  ...COMMON,
  ...ROUTE53,
  ...Object.fromEntries(Object.entries(MODEL_ERRORS).map(([code, [status]]) => [code, status])),
} as Readonly<Record<AwsErrorCode, number>>

export class AwsError extends Error {
  override readonly name = 'AwsError'

  constructor(
    readonly code: AwsErrorCode,
    message: string,
  ) {
    super(message)
  }

  get status(): number {
    return AWS_ERRORS[this.code]
  }
}

export function invalidValue(message: string): AwsError {
  return new AwsError('InvalidParameterValue', message)
}

export function invalidCombination(message: string): AwsError {
  return new AwsError('InvalidParameterCombination', message)
}
