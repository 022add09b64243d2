/** What several poolers answer to the same question: one that is silent hides neither what the others say nor that it was silent. */
import type { Pooler } from '../../../contracts/endpoint'
import { Failure, failure } from '../../../contracts/failures'
import { shownPlace } from '../port'
import type { PoolerOf } from './pooler'

export type Each = <T>(work: (of: PoolerOf) => Promise<T>, signal?: AbortSignal) => Promise<Answers<T>>

export interface Answers<T> {
  /** In the order of the poolers. */
  readonly answers: readonly T[]
  /** Of those that did not answer, or refused. */
  readonly silent: Failure | null
}

export function allOf<T>({ answers, silent }: Answers<T>): readonly T[] {
  if (silent !== null) throw silent
  return answers
}

/** Waits for all of them, so that nothing goes on behind a failure. Rejects with what is no answer of a pooler: an abort, a defect. */
export async function answersOf<T>(works: readonly Promise<T>[], poolers: readonly Pooler[]): Promise<Answers<T>> {
  const ends = await Promise.allSettled(works)
  const failed = ends.flatMap((end, index) => {
    const pooler = poolers[index]
    return end.status === 'rejected' && pooler !== undefined ? [{ reason: end.reason as unknown, pooler }] : []
  })
  const defect = failed.find(({ reason }) => !(reason instanceof Failure))
  if (defect !== undefined) throw defect.reason
  const failures = failed.flatMap(({ reason }) => (reason instanceof Failure ? [reason] : []))
  const answers = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []))
  return { answers, silent: worstOf(failures, { poolers: failed.map(({ pooler }) => shownPlace(pooler)).join(', ') }) }
}

/** One that fails as the worst of them does, and says all. */
export function worstOf(given: readonly (Failure | null)[], facts: Failure['facts'] = {}): Failure | null {
  const failures = given.flatMap((one) => one ?? [])
  const worst = failures.find(({ kind }) => kind !== 'transient') ?? failures[0]
  if (worst === undefined) return null
  if (failures.length === 1) return worst
  return failure(worst.code, failures.map((one) => one.message).join(' '), { ...worst.facts, ...facts })
}
