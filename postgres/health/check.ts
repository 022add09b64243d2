/** How a check is asked: what it is given, and what it answers. */
import type { CheckId, HealthFinding } from '../../contracts/health'
import type { Row } from '../connect/session'
import type { HealthLimits } from './finding'

export interface Look {
  /** One SELECT, in the read-only transaction that `read-only.ts` has begun. */
  query<T extends Row>(sql: string, values?: readonly unknown[]): Promise<T[]>
  /** The database that the session is in. */
  readonly database: string
  readonly limits: HealthLimits
}

export interface Found {
  /** The worst first. */
  readonly findings: readonly HealthFinding[]
  /** One sentence about what this role may not see; left out: it saw everything. */
  readonly unseen?: string
}

export interface Check {
  readonly id: CheckId
  /** `instance`: one database of it tells, whichever; `database`: each has to be asked. */
  readonly scope: 'instance' | 'database'
  find(look: Look): Promise<Found>
}
