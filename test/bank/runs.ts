/** Scenarios one after the other on one stack; another stack is started once one has gone wrong, so that the next begins on ground that is known. */
import type { Cloud } from './fleet'
import { Ground } from './ground'
import { runScenario } from './run'
import { described, pairOf, type Scenario, scenarioOf } from './scenarios'

export interface Runs {
  /** What is wrong, and how to have it again. */
  readonly wrong: readonly string[]
  readonly done: number
}

/** `budgetMs`: each two clouds have their share of it, what it takes to set them up included; a scenario that began is ended, and at least one is run of each two. */
export async function runAll(seeds: readonly number[], budgetMs = Number.POSITIVE_INFINITY): Promise<Runs> {
  const scenarios = seeds.map(scenarioOf)
  const pairs = [...new Set(scenarios.map(pairOf))].sort()
  const wrong: string[] = []
  const stack = new Stack()
  let done = 0
  try {
    for (const pair of pairs) {
      const left = scenarios.filter((one) => pairOf(one) === pair)
      const until = Date.now() + budgetMs / pairs.length
      for (let n = 0; left.length > 0 && (n === 0 || Date.now() < until); n += 1) {
        const ground = await stack.ground()
        const scenario = taken(left, n === 0 ? null : ground.writes)
        const found = await runOne(ground, scenario)
        done += 1
        if (found.length === 0) continue
        wrong.push(...found.map((one) => `${one} (CAPSTAN_SEED=${scenario.seed} CAPSTAN_RUNS=1)`))
        await stack.close()
      }
    }
  } finally {
    await stack.close()
  }
  return { wrong, done }
}

/** Started when it is asked for, and anew once it was closed. */
export class Stack {
  #ground: Ground | null = null

  async ground(): Promise<Ground> {
    this.#ground ??= await Ground.start()
    return this.#ground
  }

  async close(): Promise<void> {
    const ground = this.#ground
    this.#ground = null
    await ground?.close()
  }
}

/** The first that begins where writing is now: another one would have to move it first. */
function taken(left: Scenario[], writes: Cloud | null): Scenario {
  const at = Math.max(
    0,
    left.findIndex(({ from }) => from === writes),
  )
  const [scenario] = left.splice(at, 1)
  if (scenario === undefined) throw new Error('none is left')
  return scenario
}

/** Says what came of it. */
export async function runOne(ground: Ground, scenario: Scenario): Promise<string[]> {
  const startedAt = Date.now()
  const told = (what: string) => process.stdout.write(`${described(scenario)}: ${what}, ${Date.now() - startedAt} ms\n`)
  try {
    const { wrong, ended, transactions } = await runScenario(ground, scenario)
    told(`${ended.join(', ')}; ${transactions} transactions${wrong.length === 0 ? '' : `; WRONG: ${wrong.join('; ')}`}`)
    return wrong.map((one) => `${described(scenario)}: ${one}`)
  } catch (error) {
    told(`it came to no end: ${error instanceof Error ? error.message : String(error)}`)
    return [`${described(scenario)}: ${error instanceof Error ? error.stack : String(error)}`]
  }
}
