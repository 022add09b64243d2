/** What an exchange with a read replica would do, for people: what stands in its way first. */
import type { ExchangePlan, TakeOverExposure } from '../../../contracts/exchange'
import type { DatabaseEntry } from '../../../contracts/fleet'
import type { Paint } from '../io'
import { placesOf, probeLine, seconds } from './failover'
import { oneLine } from './quoted'
import { planEndLines } from './switchover'

interface View {
  readonly paint: Paint
  readonly columns: number
}

export function exchangePlanLines(plan: ExchangePlan, entry: Pick<DatabaseEntry, 'name'>, view: View): string[] {
  const { paint } = view
  const { source, standby, endpointAt, lagBytes, act } = plan
  const [from, to] = [oneLine(source.instance), oneLine(standby.instance)]
  const next = standby.afterwards ?? standby
  const given = plan.takeOver
  const leads =
    endpointAt === null
      ? 'nobody can be asked where applications are led: a person moves them, or they use a name that the cloud moves'
      : `moves the endpoint from ${oneLine(endpointAt.host)}:${endpointAt.port} to ${oneLine(next.host)}:${next.port}`
  if (given)
    return [
      `${paint('bold', `plan to fail ${entry.name} over`)}  to the read replica ${to} (${oneLine(standby.engineVersion)}) of ${from}`,
      `  by its cloud’s own way, ${oneLine(act.called)}`,
      `  ${oneLine(plan.why)}`,
      `  the source is ${paint('bold', given.probed.verdict)}${placesOf(given.probed)}; ${oneLine(given.probed.cloudSays)}`,
      ...given.probed.probes.map(probeLine),
      lossLine(given.exposure, view),
      `  ${leads}`,
      `  ${given.asks === null ? 'nobody is asked: what may be lost was allowed beforehand' : `somebody else has to approve it: ${oneLine(given.asks)}`}`,
      ...act.byHand.map((line) => `  by hand: ${paint('cyan', oneLine(line))}`),
      ...planEndLines(plan, view),
    ]
  return [
    `${paint('bold', `plan to move writing of ${entry.name}`)}  from ${from} to its read replica ${to} (${oneLine(standby.engineVersion)})`,
    `  by its cloud’s own way, ${oneLine(act.called)}; the replica is ${lagBytes === null ? 'late by nobody knows how much' : `${lagBytes} bytes behind`}`,
    `  ${oneLine(plan.why)}`,
    '  everybody is disconnected, and there is no writer for as long as the cloud takes: it cannot be told to stop',
    `  ${leads}`,
    `  afterwards ${from} is the replica of ${to}; the same command with the other name moves writing back`,
    ...act.byHand.map((line) => `  by hand: ${paint('cyan', oneLine(line))}`),
    ...planEndLines(plan, view),
  ]
}

function lossLine({ had, lossMsMax }: TakeOverExposure, { paint }: View): string {
  if (had === null)
    return paint('red', '  nobody knows what may be lost: the replica has replayed no commit since it was started')
  if (lossMsMax === null)
    return paint(
      'red',
      `  nobody knows what may be lost: the newest commit that the replica has, of ${had.at}, is later than our clock`,
    )
  return `  the replica has all that was committed before ${had.at}; ${paint('bold', `up to ${seconds(lossMsMax)} of writes may be lost`)}`
}
