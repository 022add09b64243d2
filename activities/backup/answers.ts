/** L1: does the copy take a connection, and is it what was backed up? */
import { Failure } from '../../contracts/failures'
import type { Finding } from '../../contracts/operation'
import type { Rung } from '../../contracts/verify-backup'
import { ServerError } from '../../postgres/connect/errors'
import { type ServerFacts, serverFacts } from '../../postgres/inspect/server'
import type { ActivityDeps } from '../deps'
import { reachedAs, withSession } from '../schema/open-session'
import type { BackupProofActivities } from './contract'
import { othersInside } from './others'

export async function checkAnswers(
  deps: ActivityDeps,
  { operation, step, bundle, copy, engineVersion, inPlace }: Parameters<BackupProofActivities['checkAnswers']>[0],
): Promise<Rung> {
  const started = performance.now()
  const { database: entry } = await deps.ledger.getBundle(bundle)
  const request = { entry, role: 'admin', operation, step, address: copy, ...reachedAs({ inPlace }) } as const
  const { findings, summary } = await withSession(deps, request, async (session) => {
    const looked = judge(await serverFacts(session), engineVersion)
    const others = inPlace === true ? await othersInside(session, operation) : null
    return others === null ? looked : { ...looked, summary: `${looked.summary}; others are inside already: ${others}` }
  }).catch(refused)
  return {
    id: 'answers',
    outcome: findings.length === 0 ? 'pass' : 'fail',
    findings,
    summary,
    durationMs: Math.round(performance.now() - started),
  }
}

type Looked = Pick<Rung, 'findings' | 'summary'>

function judge({ version, inRecovery, database, databaseBytes }: ServerFacts, expected: string): Looked {
  const findings: Finding[] = []
  if (inRecovery) {
    const message = 'The copy is still a standby: it replays a log, and takes no writes.'
    findings.push({ rule: 'answers:recovery', message })
  }
  if (major(version) !== major(expected)) {
    const message = `The copy runs PostgreSQL ${version}, the instance ${expected}: a backup of another major version was restored.`
    findings.push({ rule: 'answers:version', message })
  }
  return { findings, summary: `PostgreSQL ${version}, database ${database} of ${(databaseBytes / 1e6).toFixed(1)} MB` }
}

/** The server is there and says no: without the database, or unable to read its catalogs. Everything else is no answer. */
function refused(error: unknown): Looked {
  const says = error instanceof ServerError || (error instanceof Failure && error.code === 'DATABASE_REFUSED')
  if (!says) throw error
  const message = `The copy took no connection to its database: ${error.message}`
  return { findings: [{ rule: 'answers:refused', message }], summary: 'no connection' }
}

function major(version: string): string {
  return version.split('.')[0] ?? version
}
