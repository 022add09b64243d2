/** Who calls: the lab's own access token or that of an identity (lab/access/), as OAuth 2 sends it. Takes as long for a wrong token as for the right one. */
import { bears } from '../../credentials'
import { GcpError } from '../errors'

const EXPECTED =
  'Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.'

/** @throws GcpError authError. */
export function authenticate(authorization: string | undefined, accessToken: string): void {
  if (bears(authorization, accessToken)) return
  const problem =
    authorization === undefined
      ? 'Request is missing required authentication credential.'
      : 'Request had invalid authentication credentials.'
  throw new GcpError('authError', `${problem} ${EXPECTED}`, { location: 'Authorization' })
}
