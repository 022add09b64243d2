/** The life of an operation: pending, running, done. One that failed is done, with errors. */
import type { GcpCloud } from './cloud'

/** Begun once; what a crash cut short goes on as it was. */
export async function startOperation({ state, save }: GcpCloud, name: string | null, wait: () => Promise<void>): Promise<void> {
  const operation = name === null ? undefined : state.operations[name]
  if (operation?.status !== 'PENDING') return
  await wait()
  operation.status = 'RUNNING'
  operation.startedAt = new Date().toISOString()
  await save()
}

/** Changes the state, and leaves it to the caller to write it down. */
export function endOperation({ state }: GcpCloud, name: string | null): void {
  const operation = name === null ? undefined : state.operations[name]
  if (!operation) return
  operation.status = 'DONE'
  operation.endedAt = new Date().toISOString()
  operation.startedAt ??= operation.endedAt
}

/** It failed; it may still have something to put right before it is done. Changes the state, and leaves it to the caller to write it down. */
export function noteFailure({ state }: GcpCloud, name: string | null, message: string): void {
  const operation = name === null ? undefined : state.operations[name]
  operation?.errors.push({ code: 'INTERNAL_ERROR', message })
}
