/** What runs in a thread of its own: plans the one migration that it was given, says so, and ends. */
import { parentPort, workerData } from 'node:worker_threads'
import { Failure, type FailureCode, type FailureFacts } from '../../contracts/failures'
import { type PlannedMigration, planScript } from './plan-script'
import type { ResolvedMigration } from './resolve'

/** A Failure does not keep its class on the way. Any other error ends the thread and arrives as it is. */
export type ThreadAnswer =
  | { readonly planned: PlannedMigration }
  | { readonly failure: { readonly code: FailureCode; readonly message: string; readonly facts: FailureFacts } }

async function answer(): Promise<ThreadAnswer> {
  try {
    return { planned: await planScript(workerData as ResolvedMigration) }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { failure: { code: error.code, message: error.message, facts: error.facts } }
  }
}

void answer().then((message) => parentPort?.postMessage(message))
