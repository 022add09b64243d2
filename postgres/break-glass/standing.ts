/** Where things stand, asked without changing anything: for who has to decide. */
import type { BreakGlassPapers } from '../../contracts/break-glass'
import { Failure } from '../../contracts/failures'
import type { Session } from '../connect/session'
import { KEYHOLE } from '../fence/keyhole'
import { lookAtSource, lookAtStandby, type Standing, stageOf } from './look'
import type { Reach, SideName } from './sides'

const NAME = 'capstan break-glass look'

export interface SeenStanding extends Standing {
  /** Why a side could not be asked, one sentence each. */
  readonly unreached: Readonly<Partial<Record<SideName, string>>>
}

/** Never fails for a side that does not answer: that is told. */
export async function standingOf(reach: Reach, papers: BreakGlassPapers): Promise<SeenStanding> {
  const unreached: Partial<Record<SideName, string>> = {}
  const asked = async <T>(side: SideName, ask: (keyhole: Session) => Promise<T>): Promise<T | null> => {
    try {
      return await within(() => reach({ side, role: 'admin', database: KEYHOLE, applicationName: NAME }), ask)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      unreached[side] = error.message
      return null
    }
  }
  const source = await asked('source', (keyhole) => lookAtSource(keyhole, papers))
  const standby = await asked('standby', (keyhole) =>
    within(
      () => reach({ side: 'standby', role: 'admin', database: papers.sides.standby.database, applicationName: NAME }),
      (database) => lookAtStandby(keyhole, database, papers),
    ),
  )
  return { stage: stageOf(source, standby), source, standby, unreached }
}

async function within<T>(open: () => Promise<Session>, ask: (session: Session) => Promise<T>): Promise<T> {
  const session = await open()
  return ask(session).finally(() => session.close())
}
