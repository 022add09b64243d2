/** A migration's plan for people: every statement that would run, the limits it has to keep, and the steps to come. */
import type { DatabaseEntry } from '../../../contracts/fleet'
import { MIGRATE_STEPS, type MigrationPlan } from '../../../contracts/migrate'
import type { Paint } from '../io'
import { countOf, cutTo, showBytes, showCount, showLimitMs, wrap } from './quantities'

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
    `${paint('bold', `plan for ${entry.name}`)}  ${entry.instance} (PostgreSQL ${plan.engineVersion}), ${from}`,
    plan.pending.length === 0
      ? '  nothing is pending'
      : `  ${countOf(plan.pending.length, 'script')}, ${countOf(statements, 'statement')}, to version ${plan.target ?? 'unchanged'}`,
  ]
  for (const script of plan.pending) {
    lines.push('', `  ${paint('bold', script.script)}`)
    for (const statement of script.statements) {
      const mode = statement.transactional ? 'in a transaction' : 'outside a transaction'
      lines.push(`    ${script.script}:${statement.line}  ${paint('cyan', statement.kind)}  ${paint('dim', mode)}`)
      lines.push(`      ${cutTo(statement.sql, width - 6)}`)
    }
  }
  return [
    ...lines,
    '',
    ...policyLines(entry),
    '',
    ...(view.over ? [] : stepsToCome(entry, plan.pending.length, width)),
    `  plan digest ${plan.digest}`,
  ]
}

export function policyLines({ policy, checks }: DatabaseEntry): string[] {
  const { limits } = policy
  const limit = (value: number | null, show: (value: number) => string): string =>
    value === null ? 'any' : `at most ${show(value)}`
  return [
    `  limits: writes blocked ${limit(limits.writeBlockMsMax, showLimitMs)}, rows rewritten ${limit(limits.rewriteRowsMax, showCount)}, ` +
      `a statement ${limit(limits.statementMsMax, showLimitMs)}, WAL ${limit(limits.walBytesMax, showBytes)}`,
    `  locks: ${countOf(policy.lockAttempts, 'attempt')} of ${showLimitMs(policy.lockTimeoutMs)} each; watched for ${policy.bakeSeconds} s afterwards; ` +
      `snapshot kept ${policy.snapshotRetentionHours} h`,
    `  checks: schema fingerprint, ${countOf(checks.invariants.length, 'invariant')}, ` +
      `${countOf(checks.rowCounts.length, 'row count')}, ${checks.smoke.length} smoke`,
  ]
}

/** The runbook's own titles, without those that this database's policy leaves out. */
function stepsToCome({ policy }: DatabaseEntry, pending: number, width: number): string[] {
  if (pending === 0) return []
  const leftOut = new Set<string>([
    MIGRATE_STEPS.plan.id,
    ...(policy.approval === 'none' ? [MIGRATE_STEPS.approve.id] : []),
    ...(policy.bakeSeconds === 0 ? [MIGRATE_STEPS.bake.id] : []),
  ])
  const steps = Object.values(MIGRATE_STEPS).filter(({ id }) => !leftOut.has(id))
  return ['  steps to come:', ...wrap(steps.map(({ title }) => title).join(' → '), width - 4).map((line) => `    ${line}`)]
}
