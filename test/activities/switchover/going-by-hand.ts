/** A person who goes on by the papers that the standby's keyhole holds. */
import { failure } from '../../../contracts/failures'
import { finishByHand } from '../../../postgres/break-glass/finish'
import { findPapers } from '../../../postgres/break-glass/keep'
import { revertByHand } from '../../../postgres/break-glass/revert'
import type { Reach, Role, SideName } from '../../../postgres/break-glass/sides'
import { connect } from '../../../postgres/connect/session'
import { KEYHOLE } from '../../../postgres/fence/keyhole'
import type { Movers, Moving } from './moving'

/** What does not answer. */
export type Away = (side: SideName, role: Role) => boolean

export async function goingByHand({ servers }: Pick<Movers, 'servers'>, it: Moving, away: Away = () => false) {
  const optionsOf = (side: SideName) => {
    const { host, port } = servers[side]
    return { host, port, user: 'master', password: 'secret', database: it.names[side], applicationName: 'by hand' }
  }
  const keyhole = await connect({ ...optionsOf('standby'), database: KEYHOLE })
  const papers = await findPapers(keyhole, it.operation).finally(() => keyhole.close())
  if (papers === null) throw new Error('there are no papers')
  const reach: Reach = ({ side, role, database, applicationName }) => {
    if (away(side, role)) throw failure('DATABASE_UNREACHABLE', `${side} does not answer.`, { side })
    return connect({ ...optionsOf(side), user: role === 'admin' ? 'master' : 'mover', database, applicationName })
  }
  const led: boolean[] = []
  const told = async () => undefined
  const run = {
    ...{ papers, reach, run: 'a', before: told, after: told, failed: told, neverFailedOver: async () => 'nobody did' },
    async lead(isCurrent: () => Promise<boolean>) {
      led.push(await isCurrent())
      return { moved: true, said: 'they are there' }
    },
  }
  return { led, papers, finish: () => finishByHand(run), revert: () => revertByHand(run) }
}

export const mayWrite = (it: Moving, side: SideName): Promise<boolean> =>
  it.on(side, 'app', `INSERT INTO orders (what) VALUES ('on')`).then(
    () => true,
    () => false,
  )
