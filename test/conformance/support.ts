/** What the tests of adapters share: owners, refusals, and patience. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Owner } from '../../clouds/port'
import { Failure, type FailureCode } from '../../contracts/failures'

export const options = { signal: new AbortController().signal, mayChange: async () => {} }

export function owned(operation: string, step: string): { name: string; owner: Owner } {
  return { name: `cap-${operation}-${step}`, owner: { operation, step, expiresAt: '2027-01-31T12:00:00.000Z' } }
}

export const refusal = (code: FailureCode, message = ''): object =>
  expect.objectContaining({ code, message: expect.stringContaining(message) })

/** As a runbook would: looks until there is something to see. */
export async function until<T>(look: () => Promise<T | undefined>, everyMs = 30, looks = 2_000): Promise<T> {
  for (let n = 0; n < looks; n++) {
    const seen = await look()
    if (seen !== undefined) return seen
    await sleep(everyMs)
  }
  throw new Error('It did not come to pass.')
}

/** As a runbook would: what passes by itself is tried again. */
export async function retried<T>(act: () => Promise<T>, everyMs = 30): Promise<T> {
  const done = await until(async () => {
    try {
      return { value: await act() }
    } catch (error) {
      if (error instanceof Failure && error.kind === 'transient') return undefined
      throw error
    }
  }, everyMs)
  return done.value
}
