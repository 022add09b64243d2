/** What a switchover would do, for people: what stands in its way first; and the papers by which a person goes on without it. */
import type { BreakGlassPapers, PaperStep } from '../../../contracts/break-glass'
import type { DatabaseEntry } from '../../../contracts/fleet'
import type { Finding } from '../../../contracts/operation'
import type { SwitchoverPlan } from '../../../contracts/switchover'
import { counted } from '../../quantities'
import type { Paint } from '../io'
import { oneLine, wrap } from './quoted'

interface View {
  readonly paint: Paint
  readonly columns: number
}

const WIDTH_MAX = 140

export function switchoverPlanLines(plan: SwitchoverPlan, entry: Pick<DatabaseEntry, 'name'>, view: View): string[] {
  const { paint } = view
  const { source, standby, endpointAt, lagMs } = plan
  const [from, to] = [oneLine(source.instance), oneLine(standby.instance)]
  const leads =
    endpointAt === null
      ? 'nobody can be asked where applications are led: a person moves them'
      : `moves the endpoint from ${oneLine(endpointAt.host)}:${endpointAt.port} to ${oneLine(standby.host)}:${standby.port}`
  return [
    `${paint('bold', `plan to move writing of ${entry.name}`)}  from ${from} (${oneLine(source.engineVersion)}) to ${to} (${oneLine(standby.engineVersion)})`,
    `  carries ${counted(plan.tables, 'table')} and ${counted(plan.sequences, 'sequence')}; the standby is ${lagMs === null ? 'late by nobody knows how much' : `${seconds(lagMs)} late`}`,
    `  closes on ${from}: ${plan.closes.map(oneLine).join(', ') || 'nothing that is open'} (${oneLine(plan.fence)})`,
    `  ${leads}`,
    ...viewLines(plan, to),
    ...(plan.holds ? ['  clients of the endpoint wait meanwhile, and keep their connections'] : []),
    `  there is no writer for about ${seconds(plan.predictedOutageMs)}, as was measured on one machine, networks come on top`,
    ...backLines(plan, { from, to }),
    ...planEndLines(plan, view),
  ]
}

function backLines({ oneWay, back }: SwitchoverPlan, { from, to }: Readonly<Record<'from' | 'to', string>>): string[] {
  if (oneWay === undefined)
    return [`  makes the way back by ${oneLine(back.slot)}: ${from} follows ${to} from the first write on`]
  return [
    `  makes no way back, and nothing follows: ${from} stays closed, and going back loses what is written on ${to} from then on`,
    `  the reason that was given: ${oneLine(oneWay.reason)}`,
  ]
}

function viewLines({ views = [] }: SwitchoverPlan, to: string): string[] {
  if (views.length === 0) return []
  const shown = views.slice(0, VIEWS_MAX).map(oneLine).join(', ')
  const more = views.length > VIEWS_MAX ? ` and ${views.length - VIEWS_MAX} more` : ''
  return [`  fills on ${to} before: ${shown}${more}, which show what it has by then`]
}

const VIEWS_MAX = 5

/** What stands in the way, and the digest. */
export function planEndLines(plan: Pick<SwitchoverPlan, 'blocks' | 'warnings' | 'digest'>, view: View): string[] {
  const { paint } = view
  return [
    '',
    `  ${plan.blocks.length === 0 ? 'nothing stands in the way' : `${counted(plan.blocks.length, 'finding')} to be mended first: nothing is changed before`}`,
    ...plan.blocks.flatMap((finding) => findingLines(finding, paint('red', '✘'), view)),
    ...plan.warnings.flatMap((finding) => findingLines(finding, paint('yellow', '▲'), view)),
    '',
    `  plan digest ${plan.digest}`,
  ]
}

export function findingLines({ message }: Finding, mark: string, { columns }: Pick<View, 'columns'>): string[] {
  const [head = '', ...rest] = wrap(oneLine(message), Math.min(columns, WIDTH_MAX) - 4)
  return [`  ${mark} ${head}`, ...rest.map((line) => `    ${line}`)]
}

/** Whole, however wide: they are copied. */
export function paperLines(
  { forward, back, afterwards }: Pick<BreakGlassPapers, 'forward' | 'back' | 'afterwards'>,
  paint: Paint,
): string[] {
  const part = (title: string, steps: readonly PaperStep[]): string[] => [
    paint('bold', title),
    ...steps.flatMap(({ title: what, where, note, sql, done }) => [
      `  ${oneLine(what)}  (${oneLine(where)})`,
      ...(note === undefined ? [] : [`    ${oneLine(note)}`]),
      ...sql.map((line) => `    ${paint('cyan', oneLine(line))}`),
      ...(done === undefined ? [] : [paint('dim', `    done where this is true: ${oneLine(done)}`)]),
    ]),
  ]
  return [
    ...part('by hand, should Capstan not come back', forward),
    ...part('to take it back by hand', back),
    paint('bold', 'afterwards, in Capstan'),
    ...afterwards.map((line) => `  ${oneLine(line)}`),
  ]
}

const seconds = (ms: number): string => `${(ms / 1_000).toLocaleString('en-US', { maximumFractionDigits: 1 })} s`
