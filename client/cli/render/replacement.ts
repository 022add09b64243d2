/** A replacement for people: the plan, and what it would lose. */
import type { DatabaseEntry } from '../../../contracts/fleet'
import type { DeltaReport, ReplacePlan, TableDelta } from '../../../contracts/replace'
import { shownSize } from '../../../contracts/snapshot'
import { counted, grouped, instant } from '../../quantities'
import type { Paint } from '../io'
import { oneLine } from './quoted'
import { pointLines } from './restore'

export function replacementPlanLines(plan: ReplacePlan, entry: DatabaseEntry, paint: Paint): string[] {
  const [instance, engineVersion, copy, state] = [plan.instance, plan.engineVersion, plan.copy, plan.cloudState].map(oneLine)
  const { fence, endpoint } = plan
  return [
    `${paint('bold', `plan for ${entry.name}`)}  ${copy} takes the place of ${instance} (PostgreSQL ${engineVersion}), ${shownSize(plan.storage.sizeGib)}, now ${state}`,
    ...pointLines(plan.point),
    '  loses whatever was committed in the instance after that: how much, row by row, is reported before anybody is asked',
    `  sets it up as the instance is, of class ${oneLine(plan.instanceClass)}, which lets in ${plan.networkRules.map(oneLine).join(', ') || 'nobody'}`,
    ...(plan.notCarried.length === 0 ? [] : ['  and without', ...plan.notCarried.map((one) => `    ${oneLine(one)}`)]),
    fence === null
      ? `  does not fence the old instance: somebody says that it is gone`
      : `  fences the old instance: ${oneLine(fence.summary)}`,
    `  endpoint: ${oneLine(endpoint.summary)}`,
    ...(endpoint.warnings ?? []).map((warning) => `  endpoint: ${oneLine(warning)}`),
    '  waits for an approval of the plan and of that report, whatever the environment; the old instance stays, closed, and is not removed',
    ...(plan.keepOldHours === null
      ? []
      : [`  after ${plan.keepOldHours} h "capstan restore list" says that the old instance's time is over`]),
    ...(plan.acceptLaterWrites ? ['  what comes to be after the report may be lost as well: somebody says so'] : []),
    ...(plan.inertCopy === 'after-start'
      ? [
          '  it runs for minutes with its source’s settings before it is inert: somebody vouched that nothing acted by itself then',
        ]
      : []),
    '',
    `  plan digest ${plan.digest}`,
  ]
}

export function deltaLines(report: DeltaReport, paint: Paint): string[] {
  const { asOf, from, unasked, tables, equalTables, notCompared, structure, roles, missingDatabases, caveats } = report
  const since = from === null ? '' : ` from ${instant(from)} to`
  const heading = `${paint('bold', 'what would be lost')}${since} ${instant(asOf)}, and what is written until the fence`
  if (unasked !== null)
    return [heading, `  ${paint('red', '✘')} nobody can say: ${oneLine(unasked)}`, '', `  report digest ${report.digest}`]
  return [
    heading,
    ...tables.flatMap((table) => tableLines(table, paint)),
    ...(equalTables.length === 0 ? [] : [`  ${paint('green', '✔')} ${counted(equalTables.length, 'table')} the same`]),
    ...notCompared.map(({ table, why }) => `  ${paint('yellow', '○')} ${oneLine(table)}: not compared by row: ${oneLine(why)}`),
    ...report.counted.flatMap((database) => countedLines(database, paint)),
    ...missingDatabases.map((name) => `  ${paint('red', '✘')} database ${oneLine(name)} is not in the copy`),
    ...[...structure, ...roles, ...caveats].map((one) => `  ${paint('yellow', '○')} ${oneLine(one)}`),
    '',
    `  report digest ${report.digest}`,
  ]
}

function tableLines({ table, onlyInLive, onlyInCopy, changed, exact, rows }: TableDelta, paint: Paint): string[] {
  const kinds = [
    ...(onlyInLive === 0 ? [] : [`${grouped(onlyInLive)} only in the instance`]),
    ...(changed === 0 ? [] : [`${grouped(changed)} different`]),
    ...(onlyInCopy === 0 ? [] : [`${grouped(onlyInCopy)} only in the copy`]),
  ]
  const said = kinds.length === 0 ? 'rows differ' : kinds.join(', ')
  return [
    `  ${paint('red', '✘')} ${oneLine(table)}: ${exact ? '' : 'at least '}${said}`,
    ...rows.map((row) => `      ${oneLine(row)}`),
  ]
}

function countedLines({ database, tables, why }: DeltaReport['counted'][number], paint: Paint): string[] {
  if (why !== null) return [`  ${paint('yellow', '○')} database ${oneLine(database)} could not be counted: ${oneLine(why)}`]
  return tables
    .filter(({ live, copy }) => live !== copy || live === null)
    .map(({ table, live, copy }) => {
      const rows = (count: number | null) => (count === null ? 'none there' : grouped(count))
      return `  ${paint('red', '✘')} ${oneLine(`${database} ${table}`)}: ${rows(live)} in the instance, ${rows(copy)} in the copy`
    })
}
