/** What PostgreSQL knows of what would hurt, asked by a worker. Reads only. */
import type { CheckId, HealthReport, NotKnown } from '../../contracts/health'
import { connect } from '../../postgres/connect/session'
import { examine } from '../../postgres/health/examine'
import { HEALTH_LIMITS } from '../../postgres/health/finding'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import type { DatabaseHealthActivities } from './contract'

type Deps = Pick<ActivityDeps, 'ledger' | 'resolveSecret' | 'sourceAddress'>

/** Of one check and one database; whoever connects by himself is told more. */
const FINDINGS_MAX = 100
/** A result of an activity may have 2 MB. */
const REPORT_BYTES_MAX = 1_000_000

export function createDatabaseHealthActivities({ ledger, resolveSecret, sourceAddress }: Deps): DatabaseHealthActivities {
  return {
    async examineDatabase({ bundle, host, port, everyDatabase }) {
      const { database: entry } = await ledger.getBundle(bundle)
      const { user, secret, tls } = entry.connections.admin
      const options = {
        ...{ host, port, database: entry.database, user, tls },
        password: await resolveSecret(secret),
        applicationName: 'capstan scout',
        ...(sourceAddress === null ? {} : { sourceAddress }),
      }
      const report = await examine({
        connect: (database) => connect({ ...options, database: database ?? entry.database }),
        everyDatabase,
        limits: { ...HEALTH_LIMITS, findingsMax: FINDINGS_MAX },
        signal: currentAct().signal,
      })
      return fitting(report)
    },
  }
}

/** Where all of it would be too much for one answer: as many findings as have room, the worst first, then what is not known, then the databases. How
 *  many more there are is said of each, in a line that is not counted. */
export function fitting(report: HealthReport, bytesMax = REPORT_BYTES_MAX): HealthReport {
  const frame = bytesOf({ ...report, findings: [], notKnown: [], databases: [] })
  const findings = withRoom(report.findings, bytesMax - frame)
  const notKnown = withRoom(report.notKnown, findings.room)
  const databases = withRoom(report.databases, notKnown.room)
  const left = findings.left.length + notKnown.left.length + databases.left.length
  if (left === 0) return report
  const why = (more: number, what: string) =>
    `${more} more ${what}, are too much for a worker's answer: look at each database by itself.`
  const line = ({ left: [first, ...others] }: { left: readonly { check: CheckId }[] }, what: string): NotKnown[] =>
    first === undefined ? [] : [{ check: first.check, database: null, why: why(others.length + 1, what) }]
  const database = { name: '…', looked: false, why: why(databases.left.length, 'databases, looked into or not') }
  return {
    ...report,
    findings: findings.kept,
    notKnown: [
      ...notKnown.kept,
      ...line(findings, 'findings, of this check and others'),
      ...line(notKnown, 'things that are not known, of this check and others'),
    ],
    databases: databases.left.length === 0 ? databases.kept : [...databases.kept, database],
  }
}

interface Fitted<T> {
  readonly kept: readonly T[]
  readonly left: readonly T[]
  /** In bytes, for what comes next. */
  readonly room: number
}

function withRoom<T>(all: readonly T[], bytes: number): Fitted<T> {
  let room = bytes
  for (const [index, one] of all.entries()) {
    const size = bytesOf(one) + 1
    if (size > room) return { kept: all.slice(0, index), left: all.slice(index), room }
    room -= size
  }
  return { kept: all, left: [], room }
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}
