/** The checks of a preflight that ask a source alone: what a cloud's own logical replication needs of it, and does not carry. What they call the standby is then whatever
 *  follows. Source: RDS user guide, "Limitations for blue/green deployments with logical replication", which names the same. */
import type { Cloud } from '../../../contracts/fleet'
import type { PreflightCheckId, PreflightFinding, PreflightUnknown } from '../../../contracts/preflight'
import type { Session } from '../../connect/session'
import { ask } from './ask'
import { FOREIGN_TABLES } from './checks/foreign-tables'
import { LARGE_OBJECTS } from './checks/large-objects'
import { MATERIALIZED_VIEWS } from './checks/materialized-views'
import { PREPARED_TRANSACTIONS } from './checks/prepared-transactions'
import { REPLICA_IDENTITY } from './checks/replica-identity'
import { SCHEDULED_JOBS } from './checks/scheduled-jobs'
import { SEQUENCES } from './checks/sequences'
import { SOURCE_ROOM } from './checks/source-room'
import { UNLOGGED_TABLES } from './checks/unlogged-tables'
import { WAL_LEVEL } from './checks/wal-level'
import { inOrder } from './in-order'
import { withDefaults } from './preflight'

const CHECKS = [
  WAL_LEVEL,
  SOURCE_ROOM,
  REPLICA_IDENTITY,
  UNLOGGED_TABLES,
  LARGE_OBJECTS,
  FOREIGN_TABLES,
  SEQUENCES,
  MATERIALIZED_VIEWS,
  PREPARED_TRANSACTIONS,
  SCHEDULED_JOBS,
] as const

export interface Followable {
  /** Those that block first. */
  readonly findings: readonly PreflightFinding[]
  readonly notKnown: readonly PreflightUnknown[]
  /** The SQL by which each check looked. */
  readonly asked: Readonly<Partial<Record<PreflightCheckId, readonly string[]>>>
}

/** As the source's admin. Reads only. Throws CONNECTION_LOST, or the signal's reason. */
export async function followable(source: Session, cloud: Cloud, signal: AbortSignal): Promise<Followable> {
  const sides = { source, standby: source, clouds: { source: cloud, standby: cloud }, signal }
  const { user } = source.endpoint
  const unknown = { source: null, standby: null }
  const asked = withDefaults({
    ...{ ...sides, publisher: { user, tls: 'require' }, dataBytesFree: unknown },
    ...{ retainedBytesMax: Number.MAX_SAFE_INTEGER, prepared: false },
  })
  const found: PreflightFinding[] = []
  const notKnown: PreflightUnknown[] = []
  const sql: Partial<Record<PreflightCheckId, readonly string[]>> = {}
  for (const check of CHECKS) {
    const answer = await ask(check, sides, asked)
    found.push(...answer.findings.filter(({ side }) => side === 'source'))
    notKnown.push(...answer.notKnown.filter(({ side }) => side === 'source'))
    sql[check.id] = answer.sql
  }
  return { findings: inOrder(found), notKnown, asked: sql }
}
