/** A migration's plan for people: every statement that would run, the limits it has to keep, and the steps to come. */
import type { DatabaseEntry } from '../../../contracts/fleet'
import { shownRetention } from '../../../contracts/generations'
import { MIGRATE_STEPS, type MigrationPlan, type PlannedScript, type PlannedStandby } from '../../../contracts/migrate'
import { chosenBytes, chosenDuration, counted, grouped } from '../../quantities'
import type { Paint } from '../io'
import { oneLine, wrap } from './quoted'
import { copyLines, snapshotLines } from './traits'

export interface PlanView {
  readonly paint: Paint
  readonly columns: number
  /** The operation has ended: it has no steps to come. */
  readonly over?: boolean
}

export function planLines(plan: MigrationPlan, entry: DatabaseEntry, view: PlanView): string[] {
  const { paint } = view
  const from = plan.current === null ? 'nothing applied yet' : `at version ${plan.current}`
  const statements = plan.pending.reduce((sum, script) => sum + script.statements.length, 0)
  const width = Math.min(view.columns, 140)
  const lines = [
    `${paint('bold', `plan for ${entry.name}`)}  ${entry.instance} (PostgreSQL ${oneLine(plan.engineVersion)}), ${from}`,
    plan.pending.length === 0
      ? '  nothing is pending'
      : `  ${counted(plan.pending.length, 'script')}, ${counted(statements, 'statement')}, to version ${plan.target ?? 'unchanged'}`,
  ]
  for (const script of plan.pending) {
    const there = script.onStandbys === undefined ? '' : `  ${paint('dim', ON_STANDBYS[script.onStandbys])}`
    lines.push('', `  ${paint('bold', oneLine(script.script))}${there}`)
    for (const statement of script.statements) {
      const mode = statement.transactional ? 'in a transaction' : 'outside a transaction'
      lines.push(
        `    ${oneLine(script.script)}:${statement.line}  ${paint('cyan', oneLine(statement.kind))}  ${paint('dim', mode)}`,
      )
      lines.push(...wrap(oneLine(statement.sql), width - 6).map((line) => `      ${line}`))
    }
  }
  return [
    ...lines,
    '',
    ...policyLines(entry),
    ...(plan.standbys ?? []).map(standbyLine),
    ...(plan.pending.length === 0 ? [] : [...snapshotLines(plan.traits), ...copyLines(plan.traits)]),
    '',
    ...(view.over ? [] : stepsToCome(entry, plan, width)),
    '  constants are left out ($1, $2, …); capstan ops show OPERATION --files prints the scripts whole',
    `  plan digest ${plan.digest}`,
  ]
}

export function policyLines({ policy, checks }: DatabaseEntry): string[] {
  const { limits } = policy
  const limit = (value: number | null, show: (value: number) => string): string =>
    value === null ? 'any' : `at most ${show(value)}`
  return [
    `  limits: writes blocked ${limit(limits.writeBlockMsMax, chosenDuration)}, rows rewritten ${limit(limits.rewriteRowsMax, grouped)}, ` +
      `a statement ${limit(limits.statementMsMax, chosenDuration)}, WAL ${limit(limits.walBytesMax, chosenBytes)}`,
    `  locks: ${counted(policy.lockAttempts, 'attempt')} of ${chosenDuration(policy.lockTimeoutMs)} each; watched for ${policy.bakeSeconds} s afterwards; ` +
      `snapshot kept ${shownRetention(policy)}`,
    `  checks: schema fingerprint, ${counted(checks.invariants.length, 'invariant')}, ` +
      `${counted(checks.rowCounts.length, 'row count')}, ${checks.smoke.length} smoke`,
  ]
}

const ON_STANDBYS: Readonly<Record<NonNullable<PlannedScript['onStandbys']>, string>> = {
  schema: 'on standbys at its line',
  mixed: 'on standbys at its line, without its rows, which follow',
  free: 'on standbys too, while rows come in',
  rows: 'not on standbys: its rows come from here',
}

function standbyLine({ standby, does, why, waitsMsMax }: PlannedStandby): string {
  const waited = waitsMsMax === undefined ? '' : `, is waited for at each for ${chosenDuration(waitsMsMax)} at most`
  const carried = why === null ? `gets each file after this database${waited}` : 'is brought to where this database is'
  const deed = { 'carry-over': carried, wait: 'waits at its line', 'seed-anew': 'gets nothing' }[does]
  return `  standby ${oneLine(standby)}: ${deed}${why === null ? '' : `, since ${oneLine(why)}`}`
}

/** The runbook's own titles, without those that this database's policy, or the want of a standby, leaves out. */
function stepsToCome({ policy }: DatabaseEntry, { pending, standbys = [] }: MigrationPlan, width: number): string[] {
  if (pending.length === 0) return []
  const leftOut = new Set<string>([
    MIGRATE_STEPS.plan.id,
    ...(policy.approval === 'none' ? [MIGRATE_STEPS.approve.id] : []),
    ...(policy.bakeSeconds === 0 ? [MIGRATE_STEPS.bake.id] : []),
    ...(standbys.some(({ does }) => does === 'carry-over') ? [] : [MIGRATE_STEPS.carryOver.id]),
  ])
  const steps = Object.values(MIGRATE_STEPS).filter(({ id }) => !leftOut.has(id))
  return ['  steps to come:', ...wrap(steps.map(({ title }) => title).join(' → '), width - 4).map((line) => `    ${line}`)]
}
