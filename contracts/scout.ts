/** What a scout is asked and answers, and what a worker does of it: inputs, results, and the checks of what PostgreSQL itself does not know. */
import type { Cloud } from './fleet'
import { CHECKS, type CheckId, type HealthFinding, type HealthReport, type NotKnown } from './health'
import type { Sha256 } from './operation'

export const SCOUT_WORKFLOW = 'scout'

/** What an instance's cloud knows, in the order in which it hurts. Names are stable, as those of `CHECKS`. */
const CLOUD_CHECKS = {
  'public-endpoint': 'who on the internet may reach it',
  backups: 'what could be restored',
  'deletion-protection': 'whether one call deletes it',
} as const satisfies Record<string, string>

type CloudCheck = keyof typeof CLOUD_CHECKS
export type ScoutCheck = 'proven-restore' | CloudCheck | CheckId

/** Every check, in the order in which it is told among others of its severity. */
export const SCOUT_CHECKS: Readonly<Record<ScoutCheck, string>> = {
  'proven-restore': 'whether its backups can be restored',
  ...CLOUD_CHECKS,
  ...CHECKS,
}

export interface ScoutFinding<Check extends ScoutCheck = ScoutCheck> extends Omit<HealthFinding, 'check'> {
  readonly check: Check
}

export interface ScoutUnknown<Check extends ScoutCheck = ScoutCheck> extends Omit<NotKnown, 'check'> {
  readonly check: Check
}

/** What an instance's cloud told of it. */
export interface CloudAnswer {
  readonly findings: readonly ScoutFinding<CloudCheck>[]
  readonly notKnown: readonly ScoutUnknown<CloudCheck>[]
}

/** Of an instance whose cloud nobody asked. */
export function cloudNotAsked(why: string): CloudAnswer {
  const checks = Object.keys(CLOUD_CHECKS) as CloudCheck[]
  return { findings: [], notKnown: checks.map((check) => ({ check, database: null, why })) }
}

export interface ScoutInput {
  /** The bundle in the ledger; only its fleet entry is read. */
  readonly bundle: Sha256
  readonly cloud: Cloud
  /** Look into every database of the instance, and not only into the one that the fleet file names. */
  readonly everyDatabase: boolean
  readonly heartbeatTimeoutMs: number
  /** How long work may lie in a queue before a worker is missed. */
  readonly unclaimedTimeoutMs: number
}

export interface SurveyedInstance extends CloudAnswer {
  /** Where the database is reached as `admin`. */
  readonly host: string
  readonly port: number
}

/** What workers saw. */
export interface WorkerScout {
  readonly instance: SurveyedInstance
  readonly health: HealthReport
}
