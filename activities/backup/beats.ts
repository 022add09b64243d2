/** Heartbeats around a moment: two rows that the instance writes of itself, one before and one after it. What a recovery to that moment must have,
 *  and what it must not, is known only because somebody wrote it down. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { IsoInstant, OperationId } from '../../contracts/operation'
import { VERIFY_BACKUP_DOCUMENTS } from '../../contracts/verify-backup'
import type { Ledger } from '../../ledger/ledger'
import type { Session } from '../../postgres/connect/session'
import { BEATS_KEPT_DAYS, type Beat, beat, beatsIn, type FoundBeat } from '../../postgres/proof/heartbeat'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { endManifestBefore } from '../proof/manifest'
import { rememberOnce } from '../remember'
import { withSession } from '../schema/open-session'
import type { BackupProofActivities } from './contract'

/** The operation's document of them. */
export interface MarkedMoment {
  readonly version: 1
  /** A whole second between them, as every cloud takes it. */
  readonly at: IsoInstant
  /** The instance that wrote them: a name of the fleet file may stand for another one by and by. */
  readonly instanceId: string
  readonly beats: readonly Beat[]
  /** All that the database held behind the second one. */
  readonly held: readonly FoundBeat[]
}

const SECOND_MS = 1_000

/** As the migrations' role, which owns the control schema. */
export async function markMoment(
  deps: ActivityDeps,
  { operation, step, bundle, source }: Parameters<BackupProofActivities['markMoment']>[0],
): Promise<{ at: IsoInstant }> {
  // Whoever still reads what is to be from before the moment comes too late.
  await endManifestBefore(deps.ledger, operation)
  const { database: entry } = await deps.ledger.getBundle(bundle)
  const request = { entry, role: 'migrator', operation, step, address: source, canary: false } as const
  const { at } = await rememberOnce(deps.ledger, { operation, name: VERIFY_BACKUP_DOCUMENTS.beats }, () =>
    withSession(deps, request, (session) => markAround(session, { operation, instanceId: source.instanceId })),
  )
  return { at }
}

async function markAround(
  session: Session,
  { operation, instanceId }: { operation: OperationId; instanceId: string },
): Promise<MarkedMoment> {
  const { signal } = currentAct()
  const first = await beat(session, { operation, label: 'before', signal })
  // A second between the commit and the moment, and another one behind it: whatever a cloud rounds, they stay on their sides.
  const at = Math.ceil(Date.parse(first.after) / SECOND_MS) * SECOND_MS + SECOND_MS
  for (let now = Date.parse(first.after); now < at + SECOND_MS; now = await clockOf(session)) {
    await sleep(at + SECOND_MS - now, undefined, { signal })
  }
  const second = await beat(session, { operation, label: 'after', signal })
  return { version: 1, at: new Date(at).toISOString(), instanceId, beats: [first, second], held: await beatsIn(session) }
}

/** The server's, in milliseconds since 1970. */
async function clockOf(session: Session): Promise<number> {
  const [row] = await session.query<{ ms: number }>('SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms')
  if (row === undefined) throw new Error('a SELECT without FROM answered no row')
  return row.ms
}

const OPERATIONS_MAX = 1_000

/** Of every verification that marked a moment of that very instance, as long as the rows are kept there. */
export async function markedMoments(
  ledger: Ledger,
  { database, instanceId, at }: { database: string; instanceId: string; at: IsoInstant },
): Promise<MarkedMoment[]> {
  const since = new Date(Date.parse(at) - BEATS_KEPT_DAYS * 24 * 3_600_000).toISOString()
  const operations = await ledger.listOperations({ database, kind: 'verify-backup', mode: 'apply', since, limit: OPERATIONS_MAX })
  const found: MarkedMoment[] = []
  for (const { id } of operations) {
    const marked = (await ledger.getDocument({ operation: id, name: VERIFY_BACKUP_DOCUMENTS.beats })) as MarkedMoment | null
    if (marked !== null && marked.instanceId === instanceId) found.push(marked)
  }
  return found
}

/** What a copy of that moment can be held against. Somebody may have removed the rows in between, with their schema: those from before the moment
 *  count if the next moment that was marked still found them, and what bears the number of another row counts for neither side. Pure. */
export function expectedBeats(moments: readonly MarkedMoment[], at: IsoInstant, found: readonly FoundBeat[]): Beat[] {
  const target = Date.parse(at)
  const [next] = moments.filter((moment) => Date.parse(moment.at) >= target).sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
  const isSame = (one: FoundBeat) => (other: FoundBeat) => one.id === other.id && one.before === other.before
  return moments
    .flatMap(({ beats }) => beats)
    .filter((one) => Date.parse(one.before) > target || (next?.held.some(isSame(one)) ?? false))
    .filter((one) => !found.some((other) => other.id === one.id && !isSame(one)(other)))
}
