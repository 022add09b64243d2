/** What a scout found, for people: the worst first, each with what it does and the command to type. */
import type { Severity } from '../../../contracts/health'
import { SCOUT_CHECKS, type ScoutFinding, type ScoutUnknown } from '../../../contracts/scout'
import { counted, grouped } from '../../quantities'
import type { Scouted } from '../../scout'
import type { Paint, Style } from '../io'
import { oneLine, wrap } from './quoted'

interface ScoutView {
  readonly paint: Paint
  readonly columns: number
}

const MARKS = {
  critical: ['✘', 'red'],
  warning: ['▲', 'yellow'],
  note: ['·', 'cyan'],
} as const satisfies Record<Severity, readonly [string, Style]>

const NOUNS = { critical: 'critical finding', warning: 'warning', note: 'note' } as const satisfies Record<Severity, string>

/** Of the same check and severity; more would push the rest off the screen. */
const SHOWN_OF_A_KIND = 3
/** Sentences are read, not scanned: not over the whole width of a log. */
const WIDTH_MAX = 140

export function scoutedLines(scouted: Scouted, view: ScoutView): string[] {
  const { paint } = view
  return [
    `${paint('bold', titleOf(scouted))}: ${countedBySeverity(scouted.findings)}`,
    ...kinds(scouted.findings).flatMap((kind) => kindLines(kind, view)),
    ...coverageLines(scouted, view),
  ]
}

export function unreachedLines(
  { name, error }: { readonly name: string | null; readonly error: { readonly code: string; readonly message: string } },
  { paint }: ScoutView,
): string[] {
  return [
    `${paint('bold', oneLine(name ?? 'database'))}: ${paint('red', 'not looked at')}`,
    `  ${oneLine(error.message)} [${error.code}]`,
  ]
}

function titleOf({ name, host, port, database, role, engineVersion, standby }: Scouted): string {
  const where = `${host}:${port}/${database} as ${role}, PostgreSQL ${engineVersion}${standby ? ', a standby' : ''}`
  return oneLine(name === null ? where : `${name} (${where})`)
}

function countedBySeverity(findings: readonly ScoutFinding[]): string {
  const counts = (['critical', 'warning', 'note'] as const).flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length
    return count === 0 ? [] : [counted(count, NOUNS[severity])]
  })
  return counts.length === 0 ? 'nothing found' : counts.join(', ')
}

/** Neighbours of the same check and severity. */
function kinds(findings: readonly ScoutFinding[]): ScoutFinding[][] {
  const groups: ScoutFinding[][] = []
  for (const finding of findings) {
    const last = groups.at(-1)
    if (last?.[0]?.check === finding.check && last[0].severity === finding.severity) last.push(finding)
    else groups.push([finding])
  }
  return groups
}

/** What it does is said once, behind the last one shown that says so. */
function kindLines(findings: readonly ScoutFinding[], { paint, columns }: ScoutView): string[] {
  const shown = findings.slice(0, SHOWN_OF_A_KIND)
  const more = findings.length - shown.length
  const lines = shown.flatMap((finding, index) => {
    const [mark, style] = MARKS[finding.severity]
    const [head = '', ...rest] = wrap(oneLine(finding.message), Math.min(columns, WIDTH_MAX) - 4)
    const why = shown[index + 1]?.why === finding.why ? [] : wrap(oneLine(finding.why), Math.min(columns, WIDTH_MAX) - 6)
    return [
      `  ${paint(style, mark)} ${paint('bold', head)}`,
      ...rest.map((line) => `    ${paint('bold', line)}`),
      ...why.map((line) => `      ${line}`),
      // Whole, however wide: it is copied.
      `      ${paint('cyan', oneLine(finding.command))}`,
    ]
  })
  return more === 0 ? lines : [...lines, `    … and ${grouped(more)} more like these: --json has all`]
}

function coverageLines({ databases, notKnown, provenRestore }: Scouted, { paint, columns }: ScoutView): string[] {
  const width = Math.min(columns, WIDTH_MAX) - 4
  const unasked = databases.filter(({ looked, why }) => !looked && why === null).map(({ name }) => oneLine(name))
  const closed = databases.flatMap(({ name, why }) => (why === null ? [] : [`Database ${oneLine(name)}: ${why}`]))
  const seen = databases.filter(({ looked }) => looked).map(({ name }) => oneLine(name))
  const notes = [
    ...(provenRestore === null ? [] : [`Last checked restore: ${provenRestore.at} by ${provenRestore.operation}.`]),
    `Looked into ${listed(seen)}${unasked.length === 0 ? '.' : `, and not into ${listed(unasked)}: --every-database does.`}`,
    ...closed.map((line) => `Not known: ${line}`),
    ...forOneReason(notKnown).map(({ database, why, checks }) => {
      return `Not known${database === null ? '' : ` in ${oneLine(database)}`}: ${checks.join('; ')}. ${why}`
    }),
  ]
  return notes.flatMap((note) =>
    wrap(oneLine(note), width).map((line, index) => paint('dim', `  ${index === 0 ? '' : '  '}${line}`)),
  )
}

interface Reason extends Pick<ScoutUnknown, 'database' | 'why'> {
  readonly checks: string[]
}

/** Neighbours that are not known for the same reason are told together. */
function forOneReason(notKnown: readonly ScoutUnknown[]): Reason[] {
  const reasons: Reason[] = []
  for (const { check, database, why } of notKnown) {
    const last = reasons.at(-1)
    if (last?.why === why && last.database === database) last.checks.push(SCOUT_CHECKS[check])
    else reasons.push({ database, why, checks: [SCOUT_CHECKS[check]] })
  }
  return reasons
}

function listed(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ')
}
