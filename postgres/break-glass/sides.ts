/** Both sides as `capstan break-glass` reaches them, and the row of who may act, raised above whatever stands: whoever acted before is shut out from then on. */
import type { PaperSide } from '../../contracts/break-glass'
import { Failure, failure } from '../../contracts/failures'
import type { Session } from '../connect/session'
import { openKeyhole } from '../fence/keyhole'
import { endOlderBackends, type FenceToken, fencedName, raiseFence, standingEpoch } from '../migrate/fence'
import { BREAK_GLASS } from './words'

export type SideName = 'source' | 'standby'
export type Role = 'admin' | 'migrator'

/** Connects at the side's own address. Throws as `connect` does. */
export type Reach = (on: { side: SideName; role: Role; database: string; applicationName: string }) => Promise<Session>

/** Every managed server has it. */
const MAINTENANCE = 'postgres'
const NAME = 'capstan break-glass'

export interface Keyhole {
  readonly session: Session
  readonly token: FenceToken
}

/** As whom rows are raised. `run`: of this very run of the command, since of two that take the same number at once only one may have it. */
export const actorOf = (operation: string, run: string): string => `${BREAK_GLASS} ${operation} ${run}`

export interface Raising {
  readonly at: PaperSide
  readonly actor: string
}

/** Its keyhole, in which nobody else may act any more. The caller closes it. */
export async function raisedKeyhole(reach: Reach, side: SideName, { at, actor }: Raising): Promise<Keyhole> {
  const connectTo = (database: string) => reach({ side, role: 'admin', database, applicationName: NAME })
  const session = await openKeyhole({ connectTo, from: [at.database, MAINTENANCE] })
  try {
    return { session, token: await raised(session, actor) }
  } catch (error) {
    await session.close()
    throw error
  }
}

/** Above what stands, each time anew: of two people who do this at once the later one goes on. */
async function raised(session: Session, actor: string): Promise<FenceToken> {
  const epoch = (await standingEpoch(session)) + 1
  const { token } = await raiseFence(session, { epoch, attempt: 0, operation: actor })
  await session.set('application_name', fencedName(token, NAME))
  return token
}

/** The row of the database itself, as its migrator. A worker that stands still may hold it by a session of the master's, which no migrator may end. */
export async function raisedInside(reach: Reach, side: SideName, { at, actor }: Raising): Promise<FenceToken> {
  const session = await reach({ side, role: 'migrator', database: at.database, applicationName: NAME })
  try {
    return await raised(session, actor).catch(async (error: unknown) => {
      if (!(error instanceof Failure) || error.code !== 'MIGRATION_LOCK_HELD') throw error
      const above = { epoch: (await standingEpoch(session)) + 1, attempt: 0 }
      const master = await reach({ side, role: 'admin', database: at.database, applicationName: NAME })
      try {
        await endOlderBackends(master, above)
      } finally {
        await master.close()
      }
      return raised(session, actor)
    })
  } finally {
    await session.close()
  }
}

export function inside(
  reach: Reach,
  side: SideName,
  { at, role, token }: { readonly at: PaperSide; readonly role: Role; readonly token: FenceToken },
): Promise<Session> {
  return reach({ side, role, database: at.database, applicationName: fencedName(token, NAME) })
}

/** A side that did not answer, in words that say whose matter that is. */
export function unreached(side: SideName, { instance, host, port }: PaperSide, error: unknown): Failure {
  const said = error instanceof Failure ? error : null
  if (said === null) throw error
  const then =
    side === 'source'
      ? 'Nobody can prove that it is closed, so the standby is not opened: a second writer is worse than none. Where it is gone for good, that is "capstan failover", not this.'
      : 'Nobody can see whether applications were let in there: try again once it answers.'
  return failure(
    said.code,
    `The ${side} ${instance} (${host}:${port}) cannot be asked: ${said.message} ${then}`,
    { side, host, port },
    { cause: error },
  )
}
