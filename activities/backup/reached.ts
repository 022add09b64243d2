/** L2: does the copy hold what was committed before the moment, and nothing that was committed after it? Asked as the migrations' role, which wrote
 *  the heartbeats and owns their schema. */
import type { Rung } from '../../contracts/verify-backup'
import { beatsIn, judgeTarget } from '../../postgres/proof/heartbeat'
import type { ActivityDeps } from '../deps'
import { withSession } from '../schema/open-session'
import { expectedBeats, markedMoments } from './beats'
import type { BackupProofActivities } from './contract'
import { damagedOnPurpose } from './control-begun'

export async function checkReached(
  deps: ActivityDeps,
  { operation, step, bundle, copy, at, instanceId }: Parameters<BackupProofActivities['checkReached']>[0],
): Promise<Rung> {
  const started = performance.now()
  const damaged = await damagedOnPurpose(deps.ledger, operation, 'reached')
  if (damaged !== null) return damaged
  const { database: entry } = await deps.ledger.getBundle(bundle)
  const request = { entry, role: 'migrator', operation, step, address: copy, canary: true } as const
  const found = await withSession(deps, request, beatsIn)
  const moments = await markedMoments(deps.ledger, { database: entry.name, instanceId, at })
  const expected = expectedBeats(moments, at, found)
  const { findings, present, absent, rpoMs } = judgeTarget({ at, expected, found })
  const decided = present > 0 && absent > 0
  const newest = rpoMs === null ? '' : `, the newest ${Math.round(rpoMs / 1000)} s before the moment`
  const heartbeats = (n: number): string => `${n} heartbeat${n === 1 ? '' : 's'}`
  return {
    id: 'reached',
    outcome: findings.length > 0 ? 'fail' : decided ? 'pass' : 'not-proven',
    findings,
    summary: `${heartbeats(present)} before it there, ${heartbeats(absent)} after it not${newest}`,
    durationMs: Math.round(performance.now() - started),
  }
}
