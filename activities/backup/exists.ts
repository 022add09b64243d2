/** L0: is the backup there, usable, and of that very instance? By the cloud's own listing. */
import type { ManagedPostgres, SnapshotDescription } from '../../clouds/port'
import { placeOfCopies, regionOfCopies } from '../../contracts/copies-place'
import { failure } from '../../contracts/failures'
import type { Finding, IsoInstant } from '../../contracts/operation'
import type { RestorePoint } from '../../contracts/restore-point'
import { shownSize } from '../../contracts/snapshot'
import type { Rung } from '../../contracts/verify-backup'
import type { Ledger } from '../../ledger/ledger'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import type { Window } from '../instance/restorable'
import { isRemovedByUs } from '../snapshot/owner'
import { findTarget } from '../target'
import type { BackupActivities } from './contract'
import { newestSnapshot } from './point'
import { assertSameInstance } from './source'

type Asked = Parameters<BackupActivities['checkExists']>[0]

export async function checkExists(
  { ledger, cloudOf }: Pick<ActivityDeps, 'ledger' | 'cloudOf'>,
  { bundle, point, instanceId, now }: Asked,
): ReturnType<BackupActivities['checkExists']> {
  const started = performance.now()
  const bundled = await ledger.getBundle(bundle)
  const { database } = bundled
  const region = regionOfCopies(bundled)
  if (region !== null && point.kind === 'snapshot') {
    const cloud = cloudOf(placeOfCopies(bundled))
    const found = await describeKept({ ledger, cloud }, { instance: database.instance, snapshot: point.snapshot, region })
    // How much a recovery would have lost is the first region's to say, which is not asked.
    return { rung: rungOf(started, lookAtSnapshot(found, { name: point.snapshot, instanceId, now })), rpoMs: null }
  }
  const options = { signal: currentAct().signal }
  const source = await findTarget(cloudOf, database, options)
  assertSameInstance(source, instanceId)
  const cloud = cloudOf(database)
  const window = await cloud.restoreWindow({ name: source.name }, options)
  const looked =
    point.kind === 'snapshot'
      ? lookAtSnapshot(await describeKept({ ledger, cloud }, { instance: source.name, snapshot: point.snapshot, region: null }), {
          name: point.snapshot,
          instanceId,
          now,
        })
      : lookAtWindow(window, point)
  const newest = await newestSnapshot({ cloud, source, options })
  return { rung: rungOf(started, looked), rpoMs: lostMs(cloud, { window, newest: newest?.createdAt ?? null, now }) }
}

function rungOf(started: number, looked: Looked): Rung {
  const outcome = looked.findings.length === 0 ? 'pass' : 'fail'
  return { id: 'exists', outcome, ...looked, durationMs: Math.round(performance.now() - started) }
}

/** Null: somebody removed it. Where it was we ourselves, nothing is wrong with the backups. @throws PLAN_DRIFTED. */
async function describeKept(
  { ledger, cloud }: { ledger: Ledger; cloud: ManagedPostgres },
  { instance, snapshot, region }: { instance: string; snapshot: string; region: string | null },
): Promise<SnapshotDescription | null> {
  const found = await cloud.describeSnapshot({ instance, name: snapshot }, { signal: currentAct().signal })
  if (found !== null || !(await isRemovedByUs(ledger, snapshot, region))) return found
  const message = `Snapshot ${snapshot} was removed by its own retention since the plan was made; start the verification again.`
  throw failure('PLAN_DRIFTED', message, { snapshot })
}

type Looked = Pick<Rung, 'findings' | 'summary'>

function lookAtSnapshot(
  found: SnapshotDescription | null,
  { name, instanceId, now }: { name: string; instanceId: string; now: IsoInstant },
): Looked {
  if (found === null) {
    const message = `Snapshot ${name} is not there any more: somebody removed it.`
    return { findings: [{ rule: 'backup:missing', message }], summary: 'not there' }
  }
  const findings: Finding[] = []
  if (found.instanceId !== instanceId) {
    const message = `Snapshot ${name} is of ${found.instance} (${found.instanceId}), and not of the instance that the fleet file names (${instanceId}).`
    findings.push({ rule: 'backup:instance', message })
  }
  if (found.state !== 'ready') {
    findings.push({ rule: 'backup:state', message: `Snapshot ${name} is ${found.cloudState} and cannot be restored.` })
  }
  const kind = found.storage.encrypted ? 'encrypted' : 'not encrypted'
  const age = found.createdAt === null ? 'of unknown age' : `${shownAge(Date.parse(now) - Date.parse(found.createdAt))} old`
  return { findings, summary: `${name}, ${found.cloudState}, ${shownSize(found.storage.sizeGib)}, ${kind}, ${age}` }
}

function lookAtWindow(window: Window | null, { at }: Extract<RestorePoint, { kind: 'moment' }>): Looked {
  if (window === null) {
    const message = 'No moment can be restored: the cloud keeps no log of the instance any more.'
    return { findings: [{ rule: 'backup:missing', message }], summary: 'no log is kept' }
  }
  const { earliest, latest } = window
  const within = Date.parse(at) >= Date.parse(earliest) && Date.parse(at) <= Date.parse(latest)
  const message = `${at} is outside the window that can be restored, ${earliest} to ${latest}.`
  return {
    findings: within ? [] : [{ rule: 'backup:window', message }],
    summary: `${at}, of a window from ${earliest} to ${latest}`,
  }
}

/** What was written after the newest moment or snapshot. Null where the cloud names no newest moment. */
function lostMs(
  { capabilities }: ManagedPostgres,
  { window, newest, now }: { window: Window | null; newest: IsoInstant | null; now: IsoInstant },
): number | null {
  if (window !== null && !capabilities.newestMomentTold) return null
  const recoverable = [window?.latest ?? null, newest].flatMap((at) => (at === null ? [] : [Date.parse(at)]))
  return recoverable.length === 0 ? null : Math.max(0, Date.parse(now) - Math.max(...recoverable))
}

const MINUTE_MS = 60_000

function shownAge(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / MINUTE_MS))
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`
}
