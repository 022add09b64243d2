/** How findings are limited and ordered. */
import { CHECKS, type HealthFinding, SEVERITIES } from '../../contracts/health'

/** From where something counts. */
export interface HealthLimits {
  readonly idleInTransactionMs: number
  readonly transactionMs: number
  readonly preparedMs: number
  /** Findings that one check tells of one database; what is over that is counted. */
  readonly findingsMax: number
}

export const HEALTH_LIMITS: HealthLimits = {
  idleInTransactionMs: 5 * 60_000,
  transactionMs: 60 * 60_000,
  preparedMs: 10 * 60_000,
  findingsMax: 1_000,
}

const ORDER = Object.keys(CHECKS)

/** What hurts first stands first; within a check the order stays that in which it told them. */
export function byHurt(a: HealthFinding, b: HealthFinding): number {
  return SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || ORDER.indexOf(a.check) - ORDER.indexOf(b.check)
}
