/** Restores for people: the plan, and the copies that there are. */
import type { DatabaseEntry } from '../../../contracts/fleet'
import type { PlannedPoint, RestorePlan } from '../../../contracts/restore'
import { shownSnapshot } from '../../../contracts/restore-point'
import { shownSize } from '../../../contracts/snapshot'
import { instant } from '../../quantities'
import type { CopyAccess, RestoredCopy } from '../../restored-copies'
import type { Paint } from '../io'
import { oneLine } from './quoted'
import { table } from './table'

export function restorePlanLines(plan: RestorePlan, entry: DatabaseEntry, paint: Paint): string[] {
  const [instance, engineVersion, copy] = [plan.instance, plan.engineVersion, plan.copy].map(oneLine)
  return [
    `${paint('bold', `plan for ${entry.name}`)}  ${instance} (PostgreSQL ${engineVersion}), ${shownSize(plan.storage.sizeGib)}; it is not touched`,
    ...pointLines(plan.point),
    `  makes ${copy}${plan.instanceClass === null ? '' : `, of class ${oneLine(plan.instanceClass)}`}, kept ${plan.keepHours} h once it is there, then removed`,
    `  lets in ${plan.networkRules.map(oneLine).join(', ')}, and nobody else${plan.subnetGroup === undefined ? '' : `; in subnet group ${oneLine(plan.subnetGroup)}`}`,
    '  it is to be looked at, not to serve: without the instance’s parameters, high availability, backups, alarms, replicas and tags,',
    '  and without background work: no subscription, no scheduled job; all of its master’s passwords but its own are those of that moment',
    ...(plan.inertCopy === 'after-start'
      ? [
          '  it runs for minutes with its source’s settings before it is inert: somebody vouched that nothing acted by itself then',
        ]
      : []),
    '',
    `  plan digest ${plan.digest}`,
  ]
}

/** What is restored. */
export function pointLines(point: PlannedPoint): string[] {
  if (point.kind === 'snapshot') {
    const deleted =
      '  that instance is gone or was replaced: the copy has what the snapshot holds of its settings, else the cloud’s own parameters and default network'
    return [`  restores ${shownPoint(point)}`, ...(point.deleted ? [deleted] : []), ...elsewhereLines(point.region)]
  }
  return [
    `  restores ${shownPoint(point)}`,
    `  could restore any moment from ${instant(point.earliest)} to ${instant(point.latest)}`,
  ]
}

function elsewhereLines(region: string | undefined): string[] {
  if (region === undefined) return []
  return [
    `  there and not beside the instance: the copy has the cloud’s own parameters, and the network that the fleet file names for ${oneLine(region)}`,
  ]
}

function shownPoint(point: PlannedPoint): string {
  if (point.kind === 'moment') return `the moment ${instant(point.at)}`
  return `${oneLine(shownSnapshot(point))}${point.createdAt === null ? '' : `, of ${instant(point.createdAt)}`}`
}

export function copyListLines(copies: readonly RestoredCopy[], paint: Paint): string[] {
  if (copies.length === 0) return ['There are no restored copies.']
  const headings = ['OPERATION', 'DATABASE', 'CLOUD', 'ADDRESS', 'HOLDS', 'UNTIL']
  return table(headings, copies.map(row), paint)
}

function row({ operation, database, cloud, address, point, until }: RestoredCopy): string[] {
  const where = address === null ? 'being made' : `${address.host}:${address.port}`
  return [operation, database, cloud, where, point === null ? '' : shownPoint(point), instant(until)]
}

export function accessLines({ instance, address, dbname, user, tls, password, until }: CopyAccess): string[] {
  const url = `postgres://${encodeURIComponent(user)}@${address.host}:${address.port}/${encodeURIComponent(dbname)}?sslmode=${tls}`
  return [
    `${oneLine(instance)}, until ${instant(until)}`,
    `  url       ${oneLine(url)}`,
    `  password  ${password}`,
    '  Only who may reach a canary of this database gets in; its other roles have their passwords of that moment.',
  ]
}
