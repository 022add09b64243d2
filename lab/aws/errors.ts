/** The errors that simulated RDS can answer with: Code on the wire (often not the name of the SDK's class), HTTP status and
 *  the SDK's class. Closed: an operation cannot invent one; some only ever come from an ordered fault. Source: the RDS API's service model, version 2014-10-31. */

export const AWS_ERRORS = {
  AccessDenied: 403,
  DBInstanceAlreadyExists: 400,
  DBInstanceNotFound: 404,
  DBParameterGroupAlreadyExists: 400,
  DBParameterGroupNotFound: 404,
  DBSnapshotAlreadyExists: 400,
  DBSnapshotNotFound: 404,
  ExpiredToken: 403,
  InstanceQuotaExceeded: 400,
  InsufficientDBInstanceCapacity: 400,
  InternalFailure: 500,
  InvalidAction: 400,
  InvalidClientTokenId: 403,
  InvalidDBInstanceState: 400,
  InvalidDBParameterGroupState: 400,
  InvalidDBSnapshotState: 400,
  InvalidParameterCombination: 400,
  InvalidParameterValue: 400,
  MalformedQueryString: 404,
  MissingParameter: 400,
  RequestLimitExceeded: 400,
  ServiceUnavailable: 503,
  SignatureDoesNotMatch: 403,
  SnapshotQuotaExceeded: 400,
  StorageQuotaExceeded: 400,
  Throttling: 400,
} as const satisfies Record<string, number>

export type AwsErrorCode = keyof typeof AWS_ERRORS

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
