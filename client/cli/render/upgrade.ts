/** What an upgrade would do, for people: what stands in its way first. */
import type { DatabaseEntry } from '../../../contracts/fleet'
import { type UpgradePlan, wantedWords } from '../../../contracts/upgrade'
import type { Paint } from '../io'
import { oneLine } from './quoted'
import { planEndLines } from './switchover'

interface View {
  readonly paint: Paint
  readonly columns: number
}

export function upgradePlanLines(plan: UpgradePlan, entry: Pick<DatabaseEntry, 'name'>, view: View): string[] {
  const { paint } = view
  const { blue, wanted, called, follows, why, byHand } = plan
  const from = oneLine(blue.instance)
  const how =
    called === null
      ? []
      : [
          `  by its cloud’s own way, ${oneLine(called)}: green follows ${follows}, and takes over name and address`,
          '  green costs what the instance costs until it is removed, or the old one is',
          '  everybody is disconnected when it takes over, and there is no writer for as long as the cloud takes, a minute as a rule: it cannot be told to stop',
          paint(
            'bold',
            `  from then on nothing leads back: the old instance stays beside it, read-only, as ${from}-old1, and gets nothing more`,
          ),
        ]
  return [
    `${paint('bold', `plan to upgrade ${entry.name}`)}  ${from} (${oneLine(blue.engineVersion)}) gets ${oneLine(wantedWords(wanted))}`,
    ...how,
    `  ${oneLine(why)}`,
    ...byHand.map((line) => `  by hand: ${paint('cyan', oneLine(line))}`),
    ...planEndLines(plan, view),
  ]
}
