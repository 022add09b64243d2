/** L5: can the application's own role log in with today's password, and do the declared checks hold? Invariants return their violations, smoke
 *  queries at least one row, and tables whose rows are counted have to be readable to their end. */
import { Failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { Finding } from '../../contracts/operation'
import { type Rung, VERIFY_BACKUP_DOCUMENTS } from '../../contracts/verify-backup'
import type { CheckEvidence } from '../../ledger/evidence-document'
import { tellsOfDamage } from '../../postgres/proof/damage'
import { type CheckResult, runChecks } from '../../postgres/verify/checks'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { withSession } from '../schema/open-session'
import type { BackupProofActivities } from './contract'
import { damagedOnPurpose } from './control-begun'
import { type TriedLogin, tryLogins } from './logins'

export async function checkUse(
  deps: ActivityDeps,
  { operation, step, bundle, copy }: Parameters<BackupProofActivities['checkUse']>[0],
): Promise<Rung> {
  const started = performance.now()
  const damaged = await damagedOnPurpose(deps.ledger, operation, 'use')
  if (damaged !== null) return damaged
  const { database: entry } = await deps.ledger.getBundle(bundle)
  const request = { entry, role: 'migrator', operation, step, address: copy, canary: true } as const
  const took = () => Math.round(performance.now() - started)
  let results: readonly CheckResult[]
  try {
    results = await withSession(deps, request, (session) => runChecks(session, declared(entry), { signal: currentAct().signal }))
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'CREDENTIALS_REJECTED') throw error
    const { user } = entry.connections.migrator
    const message = `Role ${user} cannot log in on the copy with the password that the fleet file names: if it was changed after this backup, whoever recovers from it has to change it there, too.`
    const findings = [{ rule: 'login:migrator', message }]
    return { id: 'use', outcome: 'fail', findings, summary: `${user} cannot log in`, durationMs: took() }
  }
  assertMayAct()
  const document: CheckEvidence & { readonly version: 1 } = { version: 1, results }
  await deps.ledger.putDocument({ operation, name: VERIFY_BACKUP_DOCUMENTS.checks, document })
  const logins = await tryLogins(deps, { entry, operation, step, address: copy })
  return { id: 'use', ...judgeChecks(results, `${entry.connections.migrator.user} logs in`, logins), durationMs: took() }
}

/** A table or a function that is not there. */
const MISSING = ['42P01', '42883']

/** A check that could not be made (out of time, or of memory, or of rights) says nothing of the backup; one whose table is gone does. Pure. */
export function judgeChecks(
  results: readonly CheckResult[],
  login: string,
  logins: readonly TriedLogin[] = [],
): Pick<Rung, 'outcome' | 'findings' | 'summary'> {
  if (results.length + logins.length === 0) {
    return { outcome: 'not-proven', findings: [], summary: `${login}; neither checks nor logins are declared` }
  }
  const isUnmade = ({ ok, sqlState }: CheckResult): boolean =>
    !ok && sqlState !== undefined && !tellsOfDamage(sqlState) && !MISSING.includes(sqlState)
  const unmade = results.filter(isUnmade)
  const failed = results.filter((one) => !one.ok && !isUnmade(one))
  const held = results.length - unmade.length - failed.length
  const thoseThat = (outcome: TriedLogin['outcome']) => logins.filter((one) => one.outcome === outcome)
  const findings = [
    ...failed.map(({ id, kind, message }): Finding => ({ rule: `${kind}:${id}`, message })),
    ...thoseThat('fail').map(({ user, message }): Finding => ({ rule: `login:${user}`, message })),
  ]
  const unsaid = [...unmade, ...thoseThat('not-proven')].map(({ message }) => message)
  const why = unsaid.length === 0 ? '' : `; not made: ${unsaid.join(' ')}`
  const others = thoseThat('pass').map(({ message }) => `, ${message}`)
  return {
    outcome: findings.length > 0 ? 'fail' : unsaid.length > 0 ? 'not-proven' : 'pass',
    findings,
    summary: `${login}${others.join('')}, ${held} of ${results.length} declared checks hold${why}`,
  }
}

/** Whoever restores an older backup finds fewer rows than production has: they are counted, and not compared. */
function declared({ checks: { rowCounts, invariants, smoke } }: DatabaseEntry) {
  return { rowCounts: rowCounts.map((table) => ({ table })), invariants, smoke }
}
