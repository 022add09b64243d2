/** Asks workers which temporary instances the accounts of a fleet file hold, and has those removed that nobody cares for: doors hold no cloud's
 *  credentials. */
import { randomUUID } from 'node:crypto'
import { WORDS_OF_A_REGION } from '../contracts/copies-place'
import { Failure, type FailureCode, failure } from '../contracts/failures'
import type { DatabaseEntry } from '../contracts/fleet'
import { TASK_QUEUES } from '../contracts/messages'
import { ORPHANS_WORKFLOW, type Orphans, type OrphansInput } from '../contracts/orphans'
import type { Doors } from './decide'
import { type Place, placesOf } from './places'
import { hasTimedOut, temporalFailure } from './temporal'

/** Of one place alone: no worker serves that cloud, or one that has another account's credentials. */
const WORDS_OF_A_PLACE: readonly FailureCode[] = [...WORDS_OF_A_REGION, 'NOT_READY_YET', 'ACCOUNT_MISMATCH']
/** A worker that is there answers in seconds. */
const ANSWER_TIMEOUT_MS = 60_000
/** A removal may take a cloud a quarter of an hour, and they go one after the other. */
const REMOVAL_TIMEOUT_MS = 12 * 3_600_000

/** Of all accounts together, with the regions that copies of snapshots are restored in. Fails with NOT_READY_YET when no worker answers,
 *  ACCOUNT_MISMATCH, and the codes of clouds, Temporal and ledger: where there are several places only if none of them can be asked. */
export async function findOrphans(
  doors: Doors,
  { databases, ...request }: { databases: readonly DatabaseEntry[]; remove: boolean; heartbeatTimeoutMs: number },
): Promise<Orphans> {
  const places = placesOf(databases)
  // Also before a removal, which is waited for: whether workers answer at all shows soon.
  const listed = await askAll(doors, places, { ...request, remove: false })
  // One that did not answer would be waited for as long as a removal may take.
  const answering = places.filter((_, at) => listed[at]?.unreached === undefined)
  const silent = listed.filter((one) => one.unreached !== undefined)
  const found = request.remove ? [...(await askAll(doors, answering, { ...request, remove: true })), ...silent] : listed
  const unreached = found.flatMap((one) => one.unreached ?? [])
  return {
    instances: found.flatMap(({ instances }) => instances),
    removals: found.flatMap(({ removals }) => removals),
    ...(unreached.length > 0 && { unreached }),
  }
}

/** In the order of the places. */
async function askAll(
  doors: Doors,
  places: readonly Place[],
  request: { remove: boolean; heartbeatTimeoutMs: number },
): Promise<Orphans[]> {
  const answers: Orphans[] = []
  const silent: Failure[] = []
  for (const place of places) {
    try {
      answers.push(await askOne(doors, { ...request, place }))
    } catch (error) {
      if (!(error instanceof Failure) || !WORDS_OF_A_PLACE.includes(error.code)) throw error
      const { cloud, account, region } = place.entry
      silent.push(error)
      answers.push({ instances: [], removals: [], unreached: [{ cloud, account, region, why: error.message }] })
    }
  }
  const [said] = silent
  if (said !== undefined && silent.length === places.length) throw said
  return answers
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
