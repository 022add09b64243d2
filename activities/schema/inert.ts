/** Is the canary ours, and can it not act on the outside? */
import { Failure, failure } from '../../contracts/failures'
import type { Cloud } from '../../contracts/fleet'
import type { Session } from '../../postgres/connect/session'
import { CLOSED_STATE } from '../../postgres/fence/keyhole'
import { inertnessFindings } from '../../postgres/inspect/inertness'
import { readFence } from '../../postgres/migrate/fence'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { openContent } from '../fence/content'
import { notReadyYet } from '../waiting'
import type { SchemaActivities } from './contract'
import { openSession, withSession } from './open-session'

/** A cloud may answer `available` for a while before a new password counts: about five minutes of asking. */
const TAKEOVER_ATTEMPTS_MAX = 60

export async function proveInert(
  deps: ActivityDeps,
  { operation, step, bundle, canary }: Parameters<SchemaActivities['proveInert']>[0],
): Promise<{ summary: string }> {
  const { database: entry } = await deps.ledger.getBundle(bundle)
  const request = { entry, role: 'admin', operation, step, address: canary, canary: true } as const
  const prove = () => withSession(deps, request, (session) => assertInert(session, canary.instance, entry.cloud))
  try {
    const closed = await prove().then(
      () => false,
      (error: unknown) => {
        if (!(error instanceof Failure) || error.facts.sqlState !== CLOSED_STATE) throw error
        return true
      },
    )
    // Its backup may be from behind a fence, or from while one was raised or lowered. Nobody but us comes into a copy. Always asked: whoever was killed
    // in between has opened some of them.
    const opened = await openContent((database) => openSession(deps, { ...request, database }), readFence)
    if (closed || opened.length > 0) await prove()
  } catch (error) {
    const early =
      error instanceof Failure && error.code === 'CREDENTIALS_REJECTED' && currentAct().attempt < TAKEOVER_ATTEMPTS_MAX
    throw early ? notReadyYet(`Instance ${canary.instance}`, 'not yet answering to its new password') : error
  }
  return { summary: canary.instance }
}

async function assertInert(session: Session, instance: string, cloud: Cloud): Promise<void> {
  // What only a statement could set off is the migration's own business; what acts by itself must not run.
  const acting = (await inertnessFindings(session)).filter(({ severity }) => severity === 'acts')
  // Azure sets archive_mode to always on every server; a copy archives into its own storage.
  const findings = cloud === 'azure' ? acting.filter(({ id }) => id !== 'archiving') : acting
  if (findings.length === 0) return
  throw failure(
    'CANARY_NOT_INERT',
    `The restored copy ${instance} could act on the outside: ${findings.map(({ message }) => message).join(' ')} It is removed.`,
    {
      instance,
      findings: findings.length,
    },
  )
}
