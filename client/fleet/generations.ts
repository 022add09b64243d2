/** Generations of snapshots as people write them: how many days, weeks, months and years. */
import type { GenerationPolicy } from '../../contracts/fleet'
import { GENERATION_MAX, GENERATIONS, type Generation } from '../../contracts/generations'

export interface ParsedGenerations {
  /** With what was right, and one day where that was not. */
  readonly policy: GenerationPolicy
  /** `name`: what is wrong; null: something is missing. */
  readonly problems: readonly { readonly name: string | null; readonly rule: string }[]
}

export function parseGenerations(written: Readonly<Record<string, unknown>>): ParsedGenerations {
  const problems: { name: string | null; rule: string }[] = []
  const policy: Record<Generation, number> = { daily: 1, weekly: 0, monthly: 0, yearly: 0 }
  if (!Object.hasOwn(written, 'daily')) {
    problems.push({ name: null, rule: 'generations with `daily`, the days that each snapshot is kept at least' })
  }
  for (const [name, value] of Object.entries(written)) {
    const generation = GENERATIONS.find((one) => one === name)
    if (generation === undefined) problems.push({ name, rule: `left out: the generations are ${GENERATIONS.join(', ')}` })
    else if (isCount(value, generation)) policy[generation] = value
    else problems.push({ name, rule: `a whole number, ${least(generation)} to ${GENERATION_MAX[generation]}` })
  }
  return { policy, problems }
}

function isCount(value: unknown, generation: Generation): value is number {
  return Number.isInteger(value) && Number(value) >= least(generation) && Number(value) <= GENERATION_MAX[generation]
}

function least(generation: Generation): number {
  return generation === 'daily' ? 1 : 0
}
