/** The ledger: the control plane's own PostgreSQL, which holds the record of every operation. Temporal forgets after its
 *  retention; this does not. Every write is safe to repeat, for activities are. It decides nothing: workflows do. */
import { sql } from 'kysely'
import type { MigrationBundle } from '../contracts/bundle'
import type { FencedInstance, FencePlace } from '../contracts/instance-fence'
import type { OperationDocument, OperationId, Sha256 } from '../contracts/operation'
import type { PlaceId, Sweep } from '../contracts/orphans'
import type { ScheduledRun } from '../contracts/schedule'
import type { StandbyDisk, StandbyId, StandbyLook, StandbyRecord } from '../contracts/standby'
import { getBundle, putBundle } from './bundles'
import { connectLedger, type LedgerDatabase, parseLedgerUrl } from './connect'
import {
  type DocumentRef,
  type Evidence,
  getDocument,
  getEvidence,
  putDocument,
  putDocumentOnce,
  writeEvidence,
} from './documents'
import { type EpochQuery, nextEpoch } from './epochs'
import { isMissingOperation, ledgerFailure } from './failures'
import { changeFence, type FenceChange, getFence, leaveFence, listFences, type NewFence, openFence } from './fenced-instances'
import { listKnownInstances } from './known-instances'
import { migrateLedger, requireLedgerSchema } from './migrate'
import {
  getOperation,
  getOrigin,
  listOperationIds,
  listOperations,
  type NewOperation,
  type OperationOrigin,
  type OperationsQuery,
  openOperation,
  operationUnknown,
  type StatusUpdate,
  setStatus,
} from './operations'
import { type CloudResource, listKeptInstances, listReplacedInstances, listResources, recordResource } from './resources'
import { listScheduledRuns, type RunsQuery } from './scheduled-runs'
import { readSnapshotProofs, type SnapshotProofs } from './snapshot-proofs'
import { type ComparisonNote, getComparison, noteComparison, putComparison } from './standby-comparisons'
import {
  changeStandby,
  getStandby,
  listStandbys,
  type NewStandby,
  noteDisk,
  noteLook,
  openStandby,
  type StandbyChange,
} from './standbys'
import { type AttemptNote, noteAttempt, noteProgress, type ProgressNote, recordStep, type StepUpdate } from './steps'
import { getSweep, putSweep } from './sweeps'

/** Fails with LEDGER_UNREACHABLE or CREDENTIALS_REJECTED, and as each method says. */
export interface Ledger {
  /** Brings the ledger's own tables to this version. Safe to repeat, and to run from several processes at once. */
  migrate(): Promise<void>
  /** Fails with LEDGER_UNREACHABLE unless its tables are there in this version. Reads only. */
  requireSchema(): Promise<void>
  /** Resolves when the ledger answers. */
  ping(): Promise<void>
  putBundle(bundle: MigrationBundle): Promise<Sha256>
  /** Fails with BUNDLE_MISSING. */
  getBundle(digest: Sha256): Promise<MigrationBundle>
  /** Fails with OPERATION_EXISTS when the id is taken by another content. */
  openOperation(operation: NewOperation): Promise<boolean>
  /** Fails with OPERATION_CLOSED when the operation is over under another status, OPERATION_UNKNOWN when there is none. */
  setStatus(update: StatusUpdate): Promise<void>
  recordStep(update: StepUpdate): Promise<void>
  /** Does nothing while the step is not recorded yet. */
  noteAttempt(note: AttemptNote): Promise<void>
  /** Does nothing unless the step is running. */
  noteProgress(note: ProgressNote): Promise<void>
  /** Fails with OPERATION_CLOSED when the operation is over and the document differs. */
  putDocument(d: DocumentRef & { document: unknown }): Promise<Sha256>
  /** Keeps the first document of that name and resolves to it. */
  putDocumentOnce(d: DocumentRef & { document: unknown }): Promise<unknown>
  getDocument(q: DocumentRef): Promise<unknown>
  nextEpoch(q: EpochQuery & { readonly above?: number }): Promise<number>
  writeEvidence(e: { operation: OperationId; document: unknown }): Promise<Sha256>
  getEvidence(operation: OperationId): Promise<Evidence | null>
  recordResource(resource: CloudResource): Promise<void>
  listResources(q: { operation: OperationId }): Promise<CloudResource[]>
  listKeptInstances(): Promise<CloudResource[]>
  listReplacedInstances(): Promise<CloudResource[]>
  /** Ids of the instances that a database of the fleet file has had. */
  listKnownInstances(q: { database: string; cloud: string }): Promise<string[]>
  /** What verifications say of the snapshots of that very instance. */
  readSnapshotProofs(q: { cloud: string; instanceId: string }): Promise<SnapshotProofs>
  getOperation(id: OperationId): Promise<OperationDocument | null>
  /** Fails with OPERATION_UNKNOWN. */
  getOrigin(id: OperationId): Promise<OperationOrigin>
  listOperations(q: OperationsQuery): Promise<OperationDocument[]>
  listOperationIds(q: { limit: number }): Promise<OperationId[]>
  /** By requester, newest first. */
  listScheduledRuns(q: RunsQuery): Promise<ReadonlyMap<string, readonly ScheduledRun[]>>
  /** Takes the place of the one before, of that place. */
  putSweep(sweep: Sweep): Promise<void>
  /** Null: none has ended yet. */
  getSweep(place: PlaceId): Promise<Sweep | null>
  /** Begins as `building`. Fails with STANDBY_EXISTS while there is one by another operation that is not gone. */
  openStandby(standby: NewStandby): Promise<StandbyRecord>
  /** Fails with STANDBY_CHANGED unless it is in the state from which it is changed, STANDBY_UNKNOWN. */
  changeStandby(change: StandbyChange): Promise<StandbyRecord>
  /** Keeps the newest, and says nothing of the state. Fails with STANDBY_UNKNOWN. */
  noteLook(look: StandbyId & { readonly look: StandbyLook }): Promise<void>
  /** Keeps the newest. Fails with STANDBY_UNKNOWN. */
  noteDisk(disk: StandbyId & { readonly disk: StandbyDisk }): Promise<void>
  /** Safe to repeat, and says nothing of the state. Fails with STANDBY_UNKNOWN. */
  noteComparison(noted: StandbyId & { readonly note: ComparisonNote }): Promise<StandbyRecord>
  /** How far the comparison is that is under way. Takes the place of the one before. */
  putComparison(comparison: StandbyId & { readonly document: unknown }): Promise<void>
  getComparison(id: StandbyId): Promise<unknown>
  /** Null: there has never been one. */
  getStandby(id: StandbyId): Promise<StandbyRecord | null>
  /** By their names, those that are gone too. */
  listStandbys(): Promise<StandbyRecord[]>
  /** Fails with FENCE_LIFTED where it was lifted from this operation, or is being lifted. */
  openFence(fence: NewFence): Promise<FencedInstance>
  leaveFence(left: Parameters<typeof leaveFence>[1]): ReturnType<typeof leaveFence>
  /** Fails with FENCE_LIFTED when it is in another state than one of `from` by now. */
  changeFence(change: FenceChange): Promise<FencedInstance>
  /** Null: it has never been fenced. */
  getFence(place: FencePlace): Promise<FencedInstance | null>
  /** By their places, those that were lifted too. */
  listFences(): Promise<FencedInstance[]>
  close(): Promise<void>
}

export function openLedger(options: { url: string; applicationName?: string }): Ledger {
  const target = parseLedgerUrl(options.url, options.applicationName ?? 'capstan')
  const where = `${target.host}:${target.port}`
  const db = connectLedger(target)

  /** Runs one query function with failures named; `operation` is the id that a foreign key may find missing. */
  async function ask<T>(work: (db: LedgerDatabase) => Promise<T>, operation?: OperationId): Promise<T> {
    try {
      return await work(db)
    } catch (error) {
      if (operation !== undefined && isMissingOperation(error)) throw operationUnknown(operation)
      throw ledgerFailure(error, where)
    }
  }

  return {
    migrate: () => ask(() => migrateLedger(target)),
    requireSchema: () => ask(() => requireLedgerSchema(target)),
    ping: () => ask(async (tx) => void (await sql`SELECT 1`.execute(tx))),
    putBundle: (bundle) => ask((tx) => putBundle(tx, bundle)),
    getBundle: (digest) => ask((tx) => getBundle(tx, digest)),
    openOperation: (operation) => ask((tx) => openOperation(tx, operation)),
    setStatus: (update) => ask((tx) => setStatus(tx, update), update.operation),
    recordStep: (update) => ask((tx) => recordStep(tx, update), update.operation),
    noteAttempt: (note) => ask((tx) => noteAttempt(tx, note)),
    noteProgress: (note) => ask((tx) => noteProgress(tx, note)),
    putDocument: (d) => ask((tx) => putDocument(tx, d), d.operation),
    putDocumentOnce: (d) => ask((tx) => putDocumentOnce(tx, d), d.operation),
    getDocument: (q) => ask((tx) => getDocument(tx, q)),
    nextEpoch: (q) => ask((tx) => nextEpoch(tx, q)),
    writeEvidence: (e) => ask((tx) => writeEvidence(tx, e), e.operation),
    getEvidence: (operation) => ask((tx) => getEvidence(tx, operation)),
    recordResource: (resource) => ask((tx) => recordResource(tx, resource), resource.operation),
    listResources: (q) => ask((tx) => listResources(tx, q)),
    listKeptInstances: () => ask((tx) => listKeptInstances(tx)),
    listReplacedInstances: () => ask((tx) => listReplacedInstances(tx)),
    listKnownInstances: (q) => ask((tx) => listKnownInstances(tx, q)),
    readSnapshotProofs: (q) => ask((tx) => readSnapshotProofs(tx, q)),
    getOperation: (id) => ask((tx) => getOperation(tx, id)),
    getOrigin: (id) => ask((tx) => getOrigin(tx, id)),
    listOperationIds: (q) => ask((tx) => listOperationIds(tx, q)),
    listScheduledRuns: (q) => ask((tx) => listScheduledRuns(tx, q)),
    listOperations: (q) => ask((tx) => listOperations(tx, q)),
    putSweep: (sweep) => ask((tx) => putSweep(tx, sweep)),
    getSweep: (place) => ask((tx) => getSweep(tx, place)),
    openStandby: (standby) => ask((tx) => openStandby(tx, standby)),
    changeStandby: (change) => ask((tx) => changeStandby(tx, change)),
    noteLook: (look) => ask((tx) => noteLook(tx, look)),
    noteDisk: (disk) => ask((tx) => noteDisk(tx, disk)),
    noteComparison: (noted) => ask((tx) => noteComparison(tx, noted)),
    putComparison: (comparison) => ask((tx) => putComparison(tx, comparison)),
    getComparison: (id) => ask((tx) => getComparison(tx, id)),
    getStandby: (id) => ask((tx) => getStandby(tx, id)),
    listStandbys: () => ask((tx) => listStandbys(tx)),
    openFence: (fence) => ask((tx) => openFence(tx, fence)),
    leaveFence: (left) => ask((tx) => leaveFence(tx, left)),
    changeFence: (change) => ask((tx) => changeFence(tx, change)),
    getFence: (place) => ask((tx) => getFence(tx, place)),
    listFences: () => ask((tx) => listFences(tx)),
    close: () => db.destroy(),
  }
}
