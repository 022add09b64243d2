/** L3: is every index true to its table, and every block readable? */
import type { Rung } from '../../contracts/verify-backup'
import { checkIntegrity } from '../../postgres/proof/integrity'
import type { NotProven } from '../../postgres/proof/not-proven'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { openSession, reachedAs } from '../schema/open-session'
import type { BackupProofActivities } from './contract'

/** A copy of the smallest class has two processors. */
export const JOBS = 2
const NAMED_MAX = 3

export async function checkIntact(
  deps: ActivityDeps,
  { operation, step, bundle, copy, inPlace }: Parameters<BackupProofActivities['checkIntact']>[0],
): Promise<Rung> {
  const started = performance.now()
  const { database: entry } = await deps.ledger.getBundle(bundle)
  const request = { entry, role: 'admin', operation, step, address: copy, ...reachedAs({ inPlace }) } as const
  const { signal } = currentAct()
  const { findings, untold, notProven, complete, indexes, heaps } = await checkIntegrity({
    connect: () => openSession(deps, request),
    jobs: JOBS,
    signal,
    inPlace,
  })
  const more = untold === 0 ? '' : `, and ${untold} findings more that are not told`
  return {
    id: 'intact',
    // An index of another method than amcheck knows is named, and takes nothing from the rest; one that it should have checked does.
    outcome: findings.length > 0 ? 'fail' : complete && indexes + heaps > 0 ? 'pass' : 'not-proven',
    findings,
    summary: `${heaps} tables and ${indexes} indexes read to their end${more}${shownUnproven(notProven)}`,
    durationMs: Math.round(performance.now() - started),
  }
}

/** `; not proven: public.a (why) and 4 more` */
export function shownUnproven(notProven: readonly NotProven[]): string {
  if (notProven.length === 0) return ''
  const named = notProven.slice(0, NAMED_MAX).map(({ what, why }) => `${what} (${why})`)
  const more = notProven.length > NAMED_MAX ? ` and ${notProven.length - NAMED_MAX} more` : ''
  return `; not proven: ${named.join(', ')}${more}`
}
