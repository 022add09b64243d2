/** Plans one migration in a thread of its own, for as long as that takes: PostgreSQL's grammar cannot be interrupted, and a worker whose
 *  heartbeats stop counts as dead. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import { failure } from '../../contracts/failures'
import { type PlannedMigration, planScript } from './plan-script'
import type { ThreadAnswer } from './plan-thread'
import type { ResolvedMigration } from './resolve'

const HEAP_MB_MAX = 2048

/** As `planScript`. Throws MIGRATION_UNSUPPORTED too when the file needs more memory than the thread may have. */
export async function planInThread(migration: ResolvedMigration): Promise<PlannedMigration> {
  const file = threadFile()
  if (file === null) return planScript(migration)
  const worker = new Worker(file, { workerData: migration, resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX } })
  try {
    const answer = await new Promise<ThreadAnswer>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', (error) => reject(isOutOfMemory(error) ? tooLarge(migration) : error))
      worker.once('exit', (code) => reject(new Error(`the planning thread ended with code ${code} and no answer`)))
    })
    if ('planned' in answer) return answer.planned
    throw failure(answer.failure.code, answer.failure.message, answer.failure.facts)
  } finally {
    await worker.terminate()
  }
}

/** A thread has no compiler: where the sources run as they are, as in tests, it runs what was compiled from them last. */
function threadFile(): string | null {
  const found = require.resolve('./plan-thread')
  if (!found.endsWith('.ts')) return found
  const compiled = path.resolve(__dirname, '../../dist/postgres/migrate/plan-thread.js')
  return existsSync(compiled) ? compiled : null
}

function isOutOfMemory(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
}

function tooLarge({ script }: ResolvedMigration): Error {
  return failure(
    'MIGRATION_UNSUPPORTED',
    `${script} needs more than ${HEAP_MB_MAX} MB of memory to be parsed: split its longest statements, or bring their rows as COPY … FROM stdin.`,
    { script, heapMbMax: HEAP_MB_MAX },
  )
}
