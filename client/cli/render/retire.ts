/** What retiring an old writer would do, for people: what an approval approves. */
import type { RetirePlan } from '../../../contracts/retire'
import type { Paint } from '../io'
import { oneLine } from './quoted'

export function retirePlanLines(plan: RetirePlan, { paint }: { readonly paint: Paint }): string[] {
  const { old, writer, movedBy, instance, follows, fencedByCloud, stop, removal } = plan
  const name = oneLine(instance.instance)
  return [
    `${paint('bold', `plan to retire ${old}`)}  from which ${movedBy} moved writing to ${writer}`,
    `  takes a last snapshot of ${name}${fencedByCloud ? ', which its cloud starts for the control plane alone' : ''}`,
    ...(follows ? [`  removes what ${old} follows ${writer} by`] : []),
    '  closes its database to everybody',
    ...(stop || fencedByCloud ? [`  has its cloud close and stop all of ${name}, and keeps it so`] : []),
    '  removes nothing; once nobody needs it, a person does, who looks at the last snapshot first:',
    ...removal.map((command) => `    ${paint('cyan', oneLine(command))}`),
    '',
    `  plan digest ${plan.digest}`,
  ]
}
