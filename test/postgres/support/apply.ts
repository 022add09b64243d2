/** Applies scripts given as `{ name: sql }` with short limits. */
import { Failure, type FailureCode } from '../../../contracts/failures'
import { type ApplyInput, type ApplyResult, applyMigrations } from '../../../postgres/migrate/apply'
import type { ApplyEvent } from '../../../postgres/migrate/events'
import { type ResolvedMigration, resolveMigrations } from '../../../postgres/migrate/resolve'
import type { TestDatabase } from './server'

export type Scripts = Readonly<Record<string, string>>

export function resolve(scripts: Scripts): ResolvedMigration[] {
  return resolveMigrations(Object.entries(scripts).map(([script, content]) => ({ script, content })))
}

export const SHORT_LIMITS = {
  lockTimeoutMs: 200,
  concurrentWaitMs: 5_000,
  lockRetries: { attempts: 3, delayMs: 20, delayMsMax: 50 },
}

export interface Applied extends ApplyResult {
  readonly events: readonly ApplyEvent[]
}

export async function apply(database: TestDatabase, scripts: Scripts, more: Partial<ApplyInput> = {}): Promise<Applied> {
  const events: ApplyEvent[] = []
  const result = await applyMigrations({
    connect: () => database.connect('test migrate'),
    resolved: resolve(scripts),
    limits: SHORT_LIMITS,
    lockWaitMs: 500,
    ...more,
    onEvent: (event) => {
      events.push(event)
      more.onEvent?.(event)
    },
  })
  return { ...result, events }
}

/** The failure that `work` ends with. */
export async function failureOf(work: Promise<unknown>, code?: FailureCode): Promise<Failure> {
  const outcome = await work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if (!('error' in outcome)) throw new Error(`expected a failure${code === undefined ? '' : ` ${code}`}`)
  if (!(outcome.error instanceof Failure)) throw outcome.error
  if (code !== undefined && outcome.error.code !== code) throw outcome.error
  return outcome.error
}
