/** What an exchange with a read replica would do, for people: what stands in its way first. */
import type { ExchangePlan } from '../../../contracts/exchange'
import type { DatabaseEntry } from '../../../contracts/fleet'
import type { Paint } from '../io'
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
  const leads =
    endpointAt === null
      ? 'nobody can be asked where applications are led: a person moves them, or they use a name that the cloud moves'
      : `moves the endpoint from ${oneLine(endpointAt.host)}:${endpointAt.port} to ${oneLine(standby.host)}:${standby.port}`
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
