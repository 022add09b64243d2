/** What a door does, done for a schedule: the operation is opened in the ledger under an id that follows from the run. */
import { failure } from '../../contracts/failures'
import { FINAL_STATUSES, type OperationDocument, type OperationId, operationIdOf } from '../../contracts/operation'
import { type OperationSchedule, SCHEDULED_STARTERS, scheduleRequester } from '../../contracts/schedule'
import { commonInput, openingRecord, searchAttributeValues } from '../../contracts/start'
import { sha256Of } from '../../ledger/digest'
import type { ActivityDeps } from '../deps'
import type { ScheduleActivities } from './contract'

/** 48 bits of what tells runs apart, in the ten characters that an id has room for: nightly runs of ten years meet once in forty million. */
function operationOf({ kind, database }: OperationSchedule, run: string): OperationId {
  const distinct = Number.parseInt(sha256Of({ run }).slice(0, 12), 16).toString(36).padStart(10, '0')
  return operationIdOf(kind, database, distinct)
}

function assertSame({ id, kind, databases }: OperationDocument, name: OperationSchedule, run: string): void {
  if (kind === name.kind && databases.join(' ') === name.database) return
  const message = `${run} would be operation ${id}, which is a ${kind} of ${databases.join(', ')}; start it by hand this time.`
  throw failure('OPERATION_EXISTS', message, { operation: id, run })
}

export function createScheduleActivities({ ledger }: Pick<ActivityDeps, 'ledger'>): ScheduleActivities {
  return {
    async openScheduled({ run, ...input }) {
      const operation = operationOf(input, run)
      const held = await ledger.getOperation(operation)
      if (held !== null) assertSame(held, input, run)
      if (held !== null && FINAL_STATUSES.includes(held.status)) return { operation, start: null }
      // The schedule may have been given another bundle since this run was first taken up.
      const bundle = held === null ? input.bundle : (await ledger.getOrigin(operation)).bundle
      const entry = (await ledger.getBundle(bundle)).database
      const starter = SCHEDULED_STARTERS[input.kind](entry, 'apply')
      const { heartbeatTimeoutMs, waitForLockMs } = input
      const requestedBy = held?.requestedBy ?? scheduleRequester(input)
      const asked = { operation, entry, bundle, mode: 'apply', requestedBy, heartbeatTimeoutMs, waitForLockMs } as const
      await ledger.openOperation(openingRecord(asked, starter, new Date().toISOString()))
      const common = commonInput(asked)
      const { workflow, summary } = starter
      const attributes = searchAttributeValues(common, starter.kind)
      return { operation, start: { workflow, summary, input: starter.inputOf(common), attributes } }
    },
  }
}
