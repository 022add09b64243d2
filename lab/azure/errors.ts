/** The errors that simulated Azure can answer with: code and HTTP status. Closed: an operation cannot invent one; some only ever come
 *  from an ordered fault, some only as the end of an operation that was accepted. Sources: "Common Azure deployment errors" and
 *  "Resource Manager request limits" for those of Resource Manager; for the provider's own, what azurerm, azure-cli and Bicep
 *  users report (azurerm #16622, #29219; azure-postgresql #134). */

export const AZURE_ERRORS = {
  AuthenticationFailed: 401,
  AuthorizationFailed: 403,
  BadRequest: 400,
  DatabaseAlreadyExists: 409,
  GatewayTimeout: 504,
  InternalServerError: 500,
  InvalidApiVersionParameter: 400,
  InvalidAuthenticationToken: 401,
  InvalidParameterValue: 400,
  InvalidRequestContent: 400,
  InvalidResourceLocation: 409,
  InvalidResourceNamespace: 404,
  InvalidResourceType: 404,
  InvalidSubscriptionId: 400,
  LinkedAuthorizationFailed: 403,
  LocationNotAvailableForResourceType: 400,
  LocationRequired: 400,
  MethodNotAllowed: 405,
  MissingApiVersionParameter: 400,
  MissingSubscription: 404,
  NotFound: 404,
  OperationNotAllowed: 409,
  ParentResourceNotFound: 404,
  PasswordNotComplex: 400,
  PasswordTooLong: 400,
  PasswordTooShort: 400,
  PreconditionFailed: 412,
  QuotaExceeded: 409,
  RequestEntityTooLarge: 413,
  ResourceAlreadyExists: 409,
  ResourceGroupNotFound: 404,
  ResourceNotFound: 404,
  ServerGroupDropping: 409,
  ServerIsBusy: 409,
  ServerIsNotReady: 409,
  ServerNameAlreadyExists: 409,
  ServerParameterToCMSUnAllowedParameterValue: 400,
  ServiceUnavailable: 503,
  SkuNotAvailable: 409,
  SubscriptionNotFound: 404,
  SubscriptionRequestsThrottled: 429,
  UnsupportedMediaType: 415,
} as const satisfies Record<string, number>

export type AzureErrorCode = keyof typeof AZURE_ERRORS

export class AzureError extends Error {
  override readonly name = 'AzureError'

  constructor(
    readonly code: AzureErrorCode,
    message: string,
    /** Seconds, for the header Retry-After. */
    readonly retryAfterS?: number,
  ) {
    super(message)
  }

  get status(): number {
    return AZURE_ERRORS[this.code]
  }
}

/** In the provider's own words, which name the parameter and nothing else. */
export function invalidParameter(parameter: string, more = ''): AzureError {
  const message = `Invalid value given for parameter ${parameter}. Specify a valid parameter value.${more && ` ${more}`}`
  return new AzureError('InvalidParameterValue', message)
}

export function busy(server: string): AzureError {
  return new AzureError(
    'ServerIsBusy',
    `Cannot complete operation while server '${server}' is busy processing another operation. Try again later.`,
  )
}
