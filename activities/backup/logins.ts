/** L5, its second half: the application's own roles log in on the copy with the passwords of today, and may do what is declared. */
import { Failure, type FailureCode } from '../../contracts/failures'
import type { DeclaredLogin } from '../../contracts/fleet'
import type { Rung } from '../../contracts/verify-backup'
import { runChecks } from '../../postgres/verify/checks'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { openLogin, type SessionRequest } from '../schema/open-session'

export interface TriedLogin {
  readonly user: string
  readonly outcome: Rung['outcome']
  /** One sentence. */
  readonly message: string
}

/** Stopped by a limit, or by somebody: whether it may is not said by that. */
const UNSAID = /^(?:55P03|57\d\d\d|53\d\d\d)$/

/** What keeps us from asking, whatever the role may do. */
const UNSAID_BY: readonly FailureCode[] = ['SECRET_UNRESOLVED', 'DATABASE_REFUSED', 'OPTION_INVALID']

/** One after the other; a copy is small. Throws where the copy is out of reach. */
export async function tryLogins(
  deps: ActivityDeps,
  request: Omit<SessionRequest, 'role' | 'canary'>,
): Promise<readonly TriedLogin[]> {
  const tried: TriedLogin[] = []
  for (const login of request.entry.verification?.logins ?? []) tried.push(await tryLogin(deps, request, login))
  return tried
}

async function tryLogin(
  deps: ActivityDeps,
  request: Omit<SessionRequest, 'role' | 'canary'>,
  login: DeclaredLogin,
): Promise<TriedLogin> {
  const { user, sql } = login
  const { signal } = currentAct()
  try {
    const session = await openLogin(deps, request, login)
    try {
      if (sql === null) return { user, outcome: 'pass', message: `${user} logs in` }
      // Whether it returns a row is no matter of rights.
      const [result] = await runChecks(session, { smoke: [{ id: 'login', title: `What ${user} may do`, sql }] }, { signal })
      const { sqlState, message } = result ?? { message: '' }
      if (sqlState === undefined) return { user, outcome: 'pass', message: `${user} logs in and may do what is declared` }
      return { user, outcome: UNSAID.test(sqlState) ? 'not-proven' : 'fail', message }
    } finally {
      await session.close()
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    if (UNSAID_BY.includes(error.code)) return { user, outcome: 'not-proven', message: error.message }
    if (error.code !== 'CREDENTIALS_REJECTED') throw error
    const message = `Role ${user} cannot log in on the copy with the password that the fleet file names: it was made, or its password changed, after this backup.`
    return { user, outcome: 'fail', message }
  }
}
