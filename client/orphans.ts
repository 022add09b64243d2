/** Asks workers which temporary instances the accounts of a fleet file hold, and has those removed that nobody cares for: doors hold no cloud's
 *  credentials. */
import { randomUUID } from 'node:crypto'
import { failure } from '../contracts/failures'
import type { DatabaseEntry } from '../contracts/fleet'
import { TASK_QUEUES } from '../contracts/messages'
import { ORPHANS_WORKFLOW, type Orphans, type OrphansInput } from '../contracts/orphans'
import type { Doors } from './decide'
import { type Place, placesOf } from './places'
import { hasTimedOut, temporalFailure } from './temporal'

/** A worker that is there answers in seconds. */
const ANSWER_TIMEOUT_MS = 60_000
/** A removal may take a cloud a quarter of an hour, and they go one after the other. */
const REMOVAL_TIMEOUT_MS = 12 * 3_600_000

/** Of all accounts together. Fails with NOT_READY_YET when no worker answers, and the codes of clouds, Temporal and ledger. */
export async function findOrphans(
  doors: Doors,
  { databases, ...request }: { databases: readonly DatabaseEntry[]; remove: boolean; heartbeatTimeoutMs: number },
): Promise<Orphans> {
  const askAll = async (remove: boolean): Promise<Orphans[]> => {
    const answers: Orphans[] = []
    for (const place of placesOf(databases)) answers.push(await askOne(doors, { ...request, place, remove }))
    return answers
  }
  // Also before a removal, which is waited for: whether workers answer at all shows soon.
  const listed = await askAll(false)
  const found = request.remove ? await askAll(true) : listed
  return { instances: found.flatMap(({ instances }) => instances), removals: found.flatMap(({ removals }) => removals) }
}

async function askOne(
  { ledger, temporal }: Doors,
  { place, remove, heartbeatTimeoutMs }: { place: Place; remove: boolean; heartbeatTimeoutMs: number },
): Promise<Orphans> {
  const { entry: database, named } = place
  const { cloud, name } = database
  const bundle = await ledger.putBundle({ version: 1, database, migrations: [] })
  const timeoutMs = remove ? REMOVAL_TIMEOUT_MS : ANSWER_TIMEOUT_MS
  try {
    return await temporal.client.workflow.execute<(input: OrphansInput) => Promise<Orphans>>(ORPHANS_WORKFLOW, {
      workflowId: `orphans-${randomUUID()}`,
      taskQueue: TASK_QUEUES.control,
      args: [{ bundle, cloud, remove, heartbeatTimeoutMs, named }],
      workflowExecutionTimeout: timeoutMs,
      staticSummary: `${remove ? 'Removes' : 'Lists'} orphans in ${place.id}`,
    })
  } catch (error) {
    if (await hasTimedOut(error)) {
      const message = `No worker answered within ${timeoutMs / 1000} s; check that workers for control and ${cloud} run.`
      throw failure('NOT_READY_YET', message, { database: name }, { cause: error })
    }
    throw temporalFailure(error, temporal.target)
  }
}
