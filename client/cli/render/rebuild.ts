/** What rebuilding an old writer would throw away, for people: what an approval approves. */
import type { RebuildPlan } from '../../../contracts/rebuild'
import type { Paint } from '../io'
import { oneLine } from './quoted'

export function rebuildPlanLines(plan: RebuildPlan, { paint }: { readonly paint: Paint }): string[] {
  const { old, writer, givenUpBy, instance, fencedBy, salvage, discard, left, growToGib, asks } = plan
  const looked =
    discard !== null && salvage === null
      ? `nobody has looked what it has alone: ${oneLine(discard)}`
      : salvage === null
        ? 'nothing is in it alone that goes to a standby'
        : `${salvage} has looked what it has alone`
  return [
    `${paint('bold', `plan to rebuild ${old}`)}  as a standby of ${writer}, in the place of which ${givenUpBy} has put that`,
    `  throws away all that ${oneLine(instance.instance)} holds; ${looked}`,
    ...left.map((one) => `  ${paint('yellow', '▲')} there alone, and thrown away: ${oneLine(one)}`),
    fencedBy === 'cloud'
      ? '  its cloud starts it, and lets in nobody but the control plane until it follows'
      : '  its database is opened to its own roles alone',
    ...(growToGib === null ? [] : [`  makes its disk larger where the rows would not fit, to ${growToGib} GiB at most`]),
    ...(asks === null ? [] : [`  somebody else has to approve it: ${oneLine(asks)}`]),
    '',
    `  plan digest ${plan.digest}`,
  ]
}
