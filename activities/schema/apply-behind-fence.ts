/** One passage for canary and target: raise the fence, apply behind it, and stop where the history is no longer the one that was planned
 *  on. Attempts are told apart by when the server scheduled them: one that was overtaken cannot raise the fence again, however late it
 *  comes and whatever it still believes of itself. */
import type { MigrationPlan } from '../../contracts/migrate'
import type { OperationId } from '../../contracts/operation'
import type { Session } from '../../postgres/connect/session'
import { type ApplyInput, applyMigrations } from '../../postgres/migrate/apply'
import { fencedName, type RaisedFence, type RaiseFenceInput, raiseFence } from '../../postgres/migrate/fence'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { openSession, type SessionRequest } from './open-session'
import { historyDrift } from './plan-document'

export interface FencedApply extends Pick<ApplyInput, 'resolved' | 'limits' | 'observer' | 'onEvent' | 'upTo'> {
  readonly planned: MigrationPlan
  readonly epoch: number
  /** What its two connections are called, behind the fence's tag. */
  readonly name: string
}

/** `session` raises the fence and is not needed afterwards. Throws PLAN_DRIFTED, and what `raiseFence` and `applyMigrations` throw. */
export async function applyBehindFence(
  deps: ActivityDeps,
  on: SessionRequest,
  session: Session,
  { planned, epoch, name, ...input }: FencedApply,
): Promise<void> {
  const { token } = await raiseOwnFence(session, on.operation, epoch)
  const { signal } = currentAct()
  await applyMigrations({
    ...input,
    connect: () => openSession(deps, { ...on, applicationName: fencedName(token, name) }),
    fence: token,
    signal,
    onPlan: (_plan, history) => {
      const drift = historyDrift(planned, history)
      if (drift !== null) throw drift
    },
  })
}

/** For the attempt in progress: every older attempt of the operation is shut out and its backends are ended. */
export function raiseOwnFence(
  session: Session,
  operation: OperationId,
  epoch: number,
  more: Pick<RaiseFenceInput, 'name' | 'ensured'> = {},
): Promise<RaisedFence> {
  const { scheduledAtMs, signal } = assertMayAct()
  return raiseFence(session, { epoch, attempt: scheduledAtMs, operation, signal, ...more })
}
