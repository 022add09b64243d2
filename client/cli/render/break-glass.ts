/** Where a switchover stands without the control plane, and what would be done about it, for people. */
import {
  type BreakGlassDeed,
  type BreakGlassPapers,
  type BreakGlassStage,
  FINISH_STEPS,
  REVERT_STEPS,
} from '../../../contracts/break-glass'
import type { StepName } from '../../../contracts/operation'
import type { SeenStanding } from '../../../postgres/break-glass/standing'
import type { Paint } from '../io'
import { oneLine } from './quoted'

const STAGES: Readonly<Record<BreakGlassStage, string>> = {
  open: 'nothing is closed: the source is the writer',
  kept: 'the source is open to its own roles alone, and so is the standby: nobody writes',
  closed: 'the source is closed, and the standby is not open: nobody writes',
  'workers-only': 'the source is closed and follows the standby, which is not open: nobody writes',
  opened: 'the standby is the writer, and the source is closed',
  follows: 'the standby is the writer, and the old writer follows it',
  turned: 'the standby is the writer, the old writer follows it, and nothing is left of the way there',
  'both-open': 'applications may come into both: there may be two writers',
  unknown: 'a side does not answer',
}

/** Before anybody logs in there. */
export function addressLines({ operation, sides, writtenAt, endpoint }: BreakGlassPapers, paint: Paint): string[] {
  const at = (side: 'source' | 'standby'): string => {
    const { name, instance, host, port, database } = sides[side]
    return `  ${side}: ${oneLine(name)} is database ${oneLine(database)} of ${oneLine(instance)}, at ${paint('bold', `${oneLine(host)}:${port}`)}`
  }
  const led =
    endpoint.at === null
      ? []
      : [
          `  applications: were led to ${paint('bold', `${oneLine(endpoint.at.host)}:${endpoint.at.port}`)} (${oneLine(endpoint.kind)})`,
        ]
  return [`the papers of ${oneLine(operation)}, of ${oneLine(String(writtenAt))}, say`, at('source'), at('standby'), ...led]
}

export function standingLines(papers: BreakGlassPapers, seen: SeenStanding, paint: Paint): string[] {
  const { sides, operation, oneWay = false } = papers
  const { source, standby, stage, unreached } = seen
  const mark = (yes: boolean, what: string): string => `  ${yes ? paint('green', '✔') : paint('dim', '·')} ${what}`
  const away = (side: 'source' | 'standby'): string[] =>
    unreached[side] === undefined ? [] : [`  ${paint('red', '✘')} the ${side} cannot be asked: ${oneLine(unreached[side])}`]
  const at = (side: 'source' | 'standby'): string =>
    `${oneLine(sides[side].name)} (${oneLine(sides[side].instance)}, ${oneLine(sides[side].host)}:${sides[side].port})`
  return [
    `${paint('bold', `switchover ${operation}`)}  from ${at('source')} to ${at('standby')}`,
    `  ${paint(stage === 'both-open' || stage === 'unknown' ? 'red' : 'bold', STAGES[stage])}`,
    ...away('source'),
    ...(source === null
      ? []
      : [
          mark(source.actor?.startsWith('break-glass') === true, 'workers are kept off the source'),
          mark(source.keptOut, 'applications are kept out of the source by their grants'),
          mark(!source.open || source.closed !== null, `the source is closed (${source.sessions} sessions inside)`),
          mark(
            source.closed?.limit != null,
            oneWay
              ? 'the barrier was passed, and it stays closed'
              : 'the barrier was passed, and workers of the way back come in',
          ),
        ]),
    ...away('standby'),
    ...(standby === null
      ? []
      : [
          mark(standby.forward?.enabled !== true, 'the standby does not follow any more'),
          ...(oneWay ? [] : [mark(standby.backSlot?.active === true, 'the old writer follows the standby')]),
          mark(!standby.keptOut, 'applications may come into the standby'),
          mark(standby.forward === null, 'the way there is removed'),
        ]),
  ]
}

export function willDoLines(deed: BreakGlassDeed, { oneWay }: Pick<BreakGlassPapers, 'oneWay'>, paint: Paint): string[] {
  const { follow, remove, leave } = FINISH_STEPS
  const apart: readonly StepName[] = oneWay ? [follow, remove] : [leave]
  const steps = Object.values<StepName>(deed === 'finish' ? FINISH_STEPS : REVERT_STEPS).filter((step) => !apart.includes(step))
  return [
    paint('bold', `what "${deed}" does; a step that is done is found done`),
    ...steps.map(({ title }, at) => `  ${at + 1}. ${title}`),
  ]
}

/** What no statement does: of the papers, by their own step. */
export function endpointLines({ forward, back }: BreakGlassPapers, deed: BreakGlassDeed): string[] {
  const step = (deed === 'finish' ? forward : back).find(({ id }) => id === 'endpoint')
  return step === undefined
    ? []
    : [`Still to do: ${oneLine(step.title)}.`, ...(step.note === undefined ? [] : [`  ${oneLine(step.note)}`])]
}
