/** Who calls: whoever bears the token of `credentials.json`, or that of an identity (lab/access/). Its audience and its age are not checked: a token
 *  here is an opaque text, not a signed one of Entra ID. */
import { bears } from '../../credentials'
import { AzureError } from '../errors'

/** @throws AzureError AuthenticationFailed without a token, InvalidAuthenticationToken for another one. */
export function authenticate(authorization: string | undefined, token: string): void {
  if (!authorization || !/^bearer +\S/i.test(authorization)) {
    throw new AzureError(
      'AuthenticationFailed',
      "Authentication failed. The 'Authorization' header is missing or is not of the scheme 'Bearer'.",
    )
  }
  if (!bears(`Bearer ${authorization.replace(/^bearer +/i, '')}`, token)) {
    throw new AzureError('InvalidAuthenticationToken', 'The access token is invalid.')
  }
}

/** Sent with a 401. */
export function challenge(tenant: string, code: string): string {
  const uri = `https://login.microsoftonline.com/${tenant}`
  return `Bearer authorization_uri="${uri}", error="invalid_token", error_description="${code}"`
}
