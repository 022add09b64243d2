/** What setting up a standby would meet and make, for people: what stands in its way first, each with what mends it. */
import type { DatabaseEntry } from '../../../contracts/fleet'
import type { PreflightFinding, PreflightReport, PreflightSeverity } from '../../../contracts/preflight'
import type { ReplicatePlan } from '../../../contracts/replicate'
import { bytes, chosenBytes, chosenDuration, counted, grouped } from '../../quantities'
import type { Paint, Style } from '../io'
import { oneLine, wrap } from './quoted'

interface PlanView {
  readonly paint: Paint
  readonly columns: number
}

/** More would push the rest off the screen. */
const TABLES_SHOWN = 12
/** Of the same check and severity. */
const SHOWN_OF_A_KIND = 5
const WIDTH_MAX = 140

const MARKS = {
  blocks: ['✘', 'red'],
  warning: ['▲', 'yellow'],
  note: ['·', 'cyan'],
} as const satisfies Record<PreflightSeverity, readonly [string, Style]>

export function replicationPlanLines(plan: ReplicatePlan, entry: Pick<DatabaseEntry, 'name'>, view: PlanView): string[] {
  const { paint } = view
  const { preflight } = plan
  const [source, standby] = [oneLine(plan.source.instance), oneLine(plan.standby.instance)]
  const { versions } = preflight
  return [
    `${paint('bold', `plan for a standby of ${entry.name}`)}  ${standby} (PostgreSQL ${oneLine(versions.standby)}) follows ${source} (PostgreSQL ${oneLine(versions.source)})`,
    ...tableLines(preflight, view),
    `  ${schemaSentence(plan)}`,
    ...(plan.grow === undefined
      ? []
      : [
          `  makes the disk of ${standby} larger, from ${plan.grow.fromGib} GiB to ${plan.grow.toGib} GiB: it cannot be made smaller again`,
        ]),
    `  makes on ${source}: publication ${oneLine(plan.names.publication)}, replication slot ${oneLine(plan.names.slot)}`,
    `  makes on ${standby}: subscription ${oneLine(plan.names.subscription)}`,
    `  its slot may hold back ${chosenBytes(plan.retainedBytesMax)} of log on ${source}; above that it is dropped, and the standby has to be seeded anew`,
    `  it is told as late once it is more than ${chosenDuration(plan.lagMsMax)} behind`,
    ...wayBackLines(preflight, view),
    '',
    `  ${countedBySeverity(preflight.findings)}`,
    ...kinds(preflight.findings).flatMap((kind) => kindLines(kind, view)),
    ...unknownLines(preflight, view),
    '',
    `  plan digest ${plan.digest}`,
  ]
}

function tableLines({ tables, bytes: size }: PreflightReport, { columns }: PlanView): string[] {
  const shown = tables.slice(0, TABLES_SHOWN).map(oneLine).join(', ')
  const more = tables.length - TABLES_SHOWN
  const names = more > 0 ? `${shown} and ${grouped(more)} more: --json has all` : shown
  return wrapped(`copies ${counted(tables.length, 'table')}, ${bytes(size)}${tables.length === 0 ? '' : `: ${names}`}`, columns)
}

function schemaSentence({ migrations, standby }: ReplicatePlan): string {
  const [first, last] = [migrations[0], migrations.at(-1)]
  if (first === undefined || last === undefined)
    return `takes the schema of ${oneLine(standby.instance)} as it is: no script is to run`
  const which = migrations.length === 1 ? oneLine(first) : `${oneLine(first)} to ${oneLine(last)}`
  return `builds its schema by ${counted(migrations.length, 'script')}, ${which}`
}

function wayBackLines({ noWayBack }: PreflightReport, { paint, columns }: PlanView): string[] {
  if (noWayBack === null) return ['  once writing has moved to it, the source can follow it: there is a way back']
  const [head = '', ...rest] = wrapped(`there is no way back, once writing has moved to it: ${noWayBack}`, columns)
  return [paint('yellow', head), ...rest]
}

function countedBySeverity(findings: readonly PreflightFinding[]): string {
  const of = (severity: PreflightSeverity): number => findings.filter((finding) => finding.severity === severity).length
  const blocking = of('blocks')
  if (findings.length === 0) return 'nothing was found that stands in the way'
  const others = [
    ...(of('warning') === 0 ? [] : [counted(of('warning'), 'warning')]),
    ...(of('note') === 0 ? [] : [counted(of('note'), 'note')]),
  ]
  const blocks = `${counted(blocking, 'finding')} ${blocking === 1 ? 'blocks' : 'block'}: nothing is made before ${blocking === 1 ? 'it is' : 'they are'} mended`
  return [blocking === 0 ? 'nothing blocks' : blocks, ...others].join('; ')
}

/** Neighbours of the same check and severity. */
function kinds(findings: readonly PreflightFinding[]): PreflightFinding[][] {
  const groups: PreflightFinding[][] = []
  for (const finding of findings) {
    const last = groups.at(-1)?.[0]
    if (last?.check === finding.check && last.severity === finding.severity) groups.at(-1)?.push(finding)
    else groups.push([finding])
  }
  return groups
}

/** What it does is said once, behind the last one shown that says so. */
function kindLines(findings: readonly PreflightFinding[], { paint, columns }: PlanView): string[] {
  const shown = findings.slice(0, SHOWN_OF_A_KIND)
  const more = findings.length - shown.length
  const width = Math.min(columns, WIDTH_MAX)
  const lines = shown.flatMap((finding, index) => {
    const [mark, style] = MARKS[finding.severity]
    const [head = '', ...rest] = wrap(oneLine(`${finding.side}: ${finding.message}`), width - 4)
    const why = shown[index + 1]?.why === finding.why ? [] : wrap(oneLine(finding.why), width - 6)
    return [
      `  ${paint(style, mark)} ${paint('bold', head)}`,
      ...rest.map((line) => `    ${paint('bold', line)}`),
      ...why.map((line) => `      ${line}`),
      // Whole, however wide: it is copied.
      ...(finding.command === '' ? [] : [`      ${paint('cyan', oneLine(finding.command))}`]),
    ]
  })
  return more === 0 ? lines : [...lines, `    … and ${grouped(more)} more like these: --json has all`]
}

function unknownLines({ notKnown }: PreflightReport, { paint, columns }: PlanView): string[] {
  return notKnown.flatMap(({ check, side, why }) =>
    wrapped(`not known of the ${side}: ${check}. ${why}`, columns).map((line) => paint('dim', line)),
  )
}

/** Indented, what follows deeper. */
function wrapped(text: string, columns: number): string[] {
  return wrap(oneLine(text), Math.min(columns, WIDTH_MAX) - 4).map((line, index) => `${index === 0 ? '  ' : '    '}${line}`)
}
