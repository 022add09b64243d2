/** A scenario on a copy of the program with one guard taken out: what is found has to be red. */
import { rmSync } from 'node:fs'
import { type Mutation, mutant } from '../crash/support/mutant'
import { chanceOf } from './chance'
import { Ground } from './ground'
import { runOne } from './runs'
import type { Scenario } from './scenarios'

/** `seed`: of what the scenario draws while it runs. */
export async function foundWithout(
  mutations: readonly Mutation[],
  { seed, fault, from, to }: Pick<Scenario, 'seed' | 'fault' | 'from' | 'to'>,
): Promise<string> {
  const folder = mutant(...mutations)
  try {
    const ground = await Ground.start(folder)
    const scenario = { seed, from, to, fault, operation: 'switchover', writers: 8, chance: chanceOf(seed) } as const
    const found = await runOne(ground, scenario).finally(() => ground.close())
    return found.join('\n')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const CROSSING = 'activities/switchover/cross.js'

export const WITHOUT_BARRIER: readonly Mutation[] = [
  // time to stop the walsender in
  {
    file: CROSSING,
    find: 'await (0, near_1.nearEnough)(deps, { operation: input.operation, pair, keyhole: hole.session, on, tokens });',
    put: 'await (0, near_1.nearEnough)(deps, { operation: input.operation, pair, keyhole: hole.session, on, tokens }); await new Promise((done) => setTimeout(done, 3000));',
  },
  {
    file: CROSSING,
    find: '(0, barrier_1.awaitBarrier)({ ...awaited, deadlineMs: Math.min(pair.request.drainMsMax, left()), signal: either })',
    put: "Promise.resolve({ confirmedLsn: '0/0', waitedMs: 0 })",
  },
]

export const WITHOUT_FENCE_STEP: readonly Mutation[] = [
  {
    file: CROSSING,
    find: '() => fence(crossing, hot?.guests ?? [])',
    put: "() => ({ proof: { writer: { user: 'nobody' } }, took: (0, stopwatch_1.stopwatch)(), left: hold_1.endless })",
  },
]

const WORKERS_ONLY = 'postgres/fence/workers-only.js'

/** It lets everybody in again once the way back stands, and none of those who look says so. */
export const WITHOUT_LIMIT: readonly Mutation[] = [
  {
    file: WORKERS_ONLY,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the program's text
    find: 'ALLOW_CONNECTIONS true CONNECTION LIMIT ${exports.NOBODY}',
    put: 'ALLOW_CONNECTIONS true',
  },
  { file: WORKERS_ONLY, find: 'throw notWorkersOnly(database, against)', put: 'return' },
  { file: WORKERS_ONLY, find: 'const { open, limit, ours } = found;', put: 'return [];' },
]
