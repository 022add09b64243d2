/** Whether a side is out of reach: what is asked of it is told as left there then, and fails nothing. */
import { Failure } from '../../contracts/failures'

const AWAY: readonly string[] = ['DATABASE_UNREACHABLE', 'CONNECTION_LOST']

export const isAway = (error: Failure): boolean => AWAY.includes(error.code) || isLockedOut(error)

/** It lets nobody in from here (invalid_authorization_specification), or the server is there and has no such database: no password would help, and no
 *  second attempt. */
export const isLockedOut = ({ code, facts }: Failure): boolean =>
  code === 'DATABASE_UNKNOWN' || (code === 'CREDENTIALS_REJECTED' && facts.sqlState === '28000')

/** For what was asked of a side: null where that is out of reach. */
export function unlessAway(error: unknown): null {
  if (error instanceof Failure && isAway(error)) return null
  throw error
}
