/** Asks a worker which snapshots a database's instance has: doors hold no cloud's credentials. Changes nothing. */
import { randomUUID } from 'node:crypto'
import type { MigrationBundle } from '../contracts/bundle'
import { failure } from '../contracts/failures'
import { TASK_QUEUES } from '../contracts/messages'
import { LIST_SNAPSHOTS_WORKFLOW, type ListSnapshotsInput, type SnapshotList } from '../contracts/snapshot'
import type { Doors } from './decide'
import { hasTimedOut, temporalFailure } from './temporal'

/** A worker that is there answers in a second; the cloud may have to be asked a few times. */
const ANSWER_TIMEOUT_MS = 60_000

/** Fails with INSTANCE_NOT_FOUND, ACCOUNT_MISMATCH, NOT_READY_YET when no worker answers, and the codes of clouds, Temporal and ledger. */
export async function listSnapshots(
  { ledger, temporal }: Doors,
  request: { bundle: MigrationBundle; heartbeatTimeoutMs: number },
): Promise<SnapshotList> {
  const { cloud, name } = request.bundle.database
  const input: ListSnapshotsInput = {
    bundle: await ledger.putBundle(request.bundle),
    cloud,
    heartbeatTimeoutMs: request.heartbeatTimeoutMs,
  }
  try {
    return await temporal.client.workflow.execute<(input: ListSnapshotsInput) => Promise<SnapshotList>>(LIST_SNAPSHOTS_WORKFLOW, {
      workflowId: `list-snapshots-${randomUUID()}`,
      taskQueue: TASK_QUEUES.control,
      args: [input],
      workflowExecutionTimeout: ANSWER_TIMEOUT_MS,
      staticSummary: `Lists the snapshots of ${name}`,
    })
  } catch (error) {
    if (await hasTimedOut(error)) {
      const message = `No worker answered within ${ANSWER_TIMEOUT_MS / 1000} s; check that workers for control and ${cloud} run.`
      throw failure('NOT_READY_YET', message, { database: name }, { cause: error })
    }
    throw temporalFailure(error, temporal.target)
  }
}
