/** L2 is shown a copy that lacks a heartbeat from before its moment and has one from after it. */
import type { IsoInstant } from '../../contracts/operation'
import type { NegativeControl } from '../../contracts/verify-backup'
import { falsifyBeats, serverMark } from '../../postgres/proof/challenge'
import { type Beat, beatsIn, type FoundBeat, judgeTarget, type TargetProof } from '../../postgres/proof/heartbeat'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import { withSession } from '../schema/open-session'
import { expectedBeats, markedMoments } from './beats'
import type { BackupProofActivities } from './contract'
import { beginControl } from './control-begun'

export async function challengeReached(
  deps: ActivityDeps,
  { operation, step, bundle, copy, at, instanceId }: Parameters<BackupProofActivities['challengeReached']>[0],
): Promise<NegativeControl> {
  const { database: entry } = await deps.ledger.getBundle(bundle)
  const about = { entry, operation, step, address: copy, canary: true } as const
  const moments = await markedMoments(deps.ledger, { database: entry.name, instanceId, at })
  // Only a copy lets its master in by the password that the takeover gave it: what answers it is no production.
  const mark = await withSession(deps, { ...about, role: 'admin' }, serverMark)
  return withSession(deps, { ...about, role: 'migrator' }, async (session) => {
    const chosen = chooseBeats(expectedBeats(moments, at, await beatsIn(session)), at)
    if (chosen === null) return notMade('no two heartbeats to falsify')
    await beginControl(deps.ledger, operation)
    const { signal } = assertMayAct()
    const isDone = await falsifyBeats(session, { ...chosen, mark, signal })
    if (!isDone) return notMade('no damage: the server was started again, or is another one')
    const found: readonly FoundBeat[] = await beatsIn(session)
    return judgeChallenge(judgeTarget({ at, expected: expectedBeats(moments, at, found), found }), chosen)
  })
}

function notMade(why: string): NegativeControl {
  return { rung: 'reached', outcome: 'not-made', summary: `L2: ${why}` }
}

interface Chosen {
  readonly missing: Beat
  readonly tooLate: Beat
}

/** The same ones when it is repeated, whatever the copy holds by then. Pure. */
function chooseBeats(expected: readonly Beat[], at: IsoInstant): Chosen | null {
  const target = Date.parse(at)
  const missing = expected.filter(({ after }) => Date.parse(after) <= target).sort((a, b) => b.id - a.id)[0]
  const tooLate = expected.filter(({ before }) => Date.parse(before) > target).sort((a, b) => a.id - b.id)[0]
  return missing === undefined || tooLate === undefined ? null : { missing, tooLate }
}

/** Both have to be said, each of its own heartbeat. Pure. */
export function judgeChallenge({ findings }: Pick<TargetProof, 'findings'>, { missing, tooLate }: Chosen): NegativeControl {
  const says = (rule: string, { id }: Beat): boolean =>
    findings.some((one) => one.rule === rule && one.message.startsWith(`Heartbeat ${id} `))
  const noticed = says('target:beat-missing', missing) && says('target:beat-too-late', tooLate)
  const damage = `L2: heartbeat ${missing.id} removed from the copy and ${tooLate.id} put into it`
  return noticed
    ? { rung: 'reached', outcome: 'noticed', summary: `${damage}: noticed` }
    : { rung: 'reached', outcome: 'missed', summary: `${damage}: not noticed` }
}
