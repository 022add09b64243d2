/** Operations behind whose fence nobody is served: since when, and of which somebody has to hear. Codes are for machines and stay as they are. */
import { EXCHANGE_STEPS } from '../contracts/exchange'
import { FAILOVER_STEPS } from '../contracts/failover'
import type { OperationDocument, OperationKind, StepRecord } from '../contracts/operation'
import { OVERWRITE_STEPS } from '../contracts/overwrite'
import { REPLACE_STEPS } from '../contracts/replace'
import { SWITCHOVER_STEPS } from '../contracts/switchover'
import type { Alert as AlertOf } from './prometheus'
import { duration, instant } from './quantities'

export const FENCE_ALERT_CODES = ['fence-up', 'fence-needs-operator'] as const
export type FenceAlert = AlertOf<(typeof FENCE_ALERT_CODES)[number]>

/** A switchover is through in seconds, and gives itself up after its drain. */
export const FENCED_MS_MAX = 2 * 60_000

/** By which step it goes up, and with whose end writers are served again: at the latest, since some of its steps may find nobody to serve. Of an overwriting it stands for as
 *  long as the restoring takes, by its own plan; of a failover for as long as its cloud takes to fence the source; an exchange is its cloud's, which says minutes. */
const FENCES: Readonly<Partial<Record<OperationKind, { readonly up: string; readonly down: string; readonly msMax: number }>>> = {
  switchover: { up: SWITCHOVER_STEPS.cross.id, down: SWITCHOVER_STEPS.resume.id, msMax: FENCED_MS_MAX },
  failover: { up: FAILOVER_STEPS.fence.id, down: FAILOVER_STEPS.move.id, msMax: 10 * 60_000 },
  exchange: { up: EXCHANGE_STEPS.exchange.id, down: EXCHANGE_STEPS.move.id, msMax: 15 * 60_000 },
  replace: { up: REPLACE_STEPS.fence.id, down: REPLACE_STEPS.move.id, msMax: 15 * 60_000 },
  overwrite: { up: OVERWRITE_STEPS.fence.id, down: OVERWRITE_STEPS.admit.id, msMax: 4 * 60 * 60_000 },
}

/** A person who has left it out has seen to it himself. */
const OVER: readonly (StepRecord['state'] | undefined)[] = ['done', 'undo-skipped']

export const FENCING_KINDS = Object.keys(FENCES) as OperationKind[]

export interface FencedOperation {
  readonly operation: string
  readonly kind: OperationKind
  /** Whose writers wait. */
  readonly database: string
  readonly status: OperationDocument['status']
  /** Since then nobody is served. */
  readonly since: string
  readonly msMax: number
}

/** Null: none of its is up, as far as its record says. One whose undo was left out stays closed, and is told as long as it is open. */
export function fencedBy({ id, kind, databases, status, steps, finishedAt }: OperationDocument): FencedOperation | null {
  const fence = FENCES[kind]
  if (fence === undefined || finishedAt !== null) return null
  const stepOf = (wanted: string): StepRecord | undefined => steps.find((step) => step.id === wanted)
  const up = stepOf(fence.up)
  if (up === undefined || up.state === 'undone' || OVER.includes(stepOf(fence.down)?.state)) return null
  return { operation: id, kind, database: databases[0] ?? '', status, since: up.startedAt, msMax: fence.msMax }
}

/** In the order of the codes. `now`: in milliseconds. Pure. */
export function fenceAlerts(fenced: FencedOperation, now: number): readonly FenceAlert[] {
  const { operation, database, since, msMax, status } = fenced
  const ms = now - Date.parse(since)
  const where = `"capstan ops show ${operation}"; where the control plane is ill, "capstan break-glass show ${operation}"`
  const alerts: FenceAlert[] = []
  if (ms > msMax)
    alerts.push({
      code: 'fence-up',
      message: `Nobody can write to ${database} since ${instant(since)} (${duration(ms)}): ${operation} has closed it and not opened anything: ${where}.`,
    })
  // a question behind the fence is none that whoever allowed it beforehand expects
  if (status === 'needs-operator' || status === 'awaiting-approval')
    alerts.push({
      code: 'fence-needs-operator',
      message: `${operation} has closed ${database} and waits for a person to decide, while nobody can write: ${where}.`,
    })
  return alerts
}
