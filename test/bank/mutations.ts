/** A scenario on a copy of the program with one guard taken out: what is found has to be red. */
import { rmSync } from 'node:fs'
import { type Mutation, mutant } from '../crash/support/mutant'
import { chanceOf } from './chance'
import { Ground } from './ground'
import { OPENING } from './own-faults'
import { runOne } from './runs'
import type { Scenario } from './scenarios'

type Drawn = Pick<Scenario, 'seed' | 'fault' | 'from' | 'to'> & Partial<Pick<Scenario, 'own' | 'operation' | 'writers'>>

/** `seed`: of what the scenario draws while it runs. */
export async function foundWithout(mutations: readonly Mutation[], drawn: Drawn): Promise<string> {
  const folder = mutant(...mutations)
  try {
    const ground = await Ground.start(folder)
    const scenario = { operation: 'switchover', writers: 8, ...drawn, chance: chanceOf(drawn.seed) } as const
    const found = await runOne(ground, scenario).finally(() => ground.close())
    return found.join('\n')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const CROSSING = 'activities/switchover/cross.js'

const TIME_FOR_THE_WALSENDER: Mutation = {
  file: CROSSING,
  find: 'await (0, near_1.nearEnough)(deps, { operation: input.operation, pair, keyhole: hole.session, on, tokens });',
  put: 'await (0, near_1.nearEnough)(deps, { operation: input.operation, pair, keyhole: hole.session, on, tokens }); await new Promise((done) => setTimeout(done, 3000));',
}

export const WITHOUT_BARRIER: readonly Mutation[] = [
  TIME_FOR_THE_WALSENDER,
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

/** Time to stop the walsender in before the fence, and a worker as it opens what it has closed; no guard is missing. */
export const WITH_TIME_TO_STOP: readonly Mutation[] = [
  TIME_FOR_THE_WALSENDER,
  {
    file: 'postgres/fence/lower.js',
    find: 'const found = await openDatabase(session, closed, token);',
    put: `await session.query("${OPENING}"); await new Promise((done) => setTimeout(done, 4000)); const found = await openDatabase(session, closed, token);`,
  },
  { file: CROSSING, find: 'const OPENING_MS = 10_000;', put: 'const OPENING_MS = 600_000;' },
]

const WHO_MAY_ACT = 'postgres/migrate/fence.js'

/** Whoever was overtaken may act still, and nobody ends his sessions. */
export const WITHOUT_EPOCH: readonly Mutation[] = [
  { file: WHO_MAY_ACT, find: 'if (compareTokens(token, standing) >= 0)\n        return;', put: 'return;' },
  {
    file: WHO_MAY_ACT,
    find: 'WHERE (epoch, attempt) < ($1::bigint, $2::bigint)) AS older',
    put: 'WHERE false AND (epoch, attempt) < ($1::bigint, $2::bigint)) AS older',
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

/** Its cloud is told nothing, and whoever asks is told that it holds. */
export const WITHOUT_CLOUDS_FENCE: readonly Mutation[] = [
  {
    file: 'activities/instance-fence/means.js',
    find: 'const { done } = await cloud.setNetworkRules({ instance: (0, place_1.refOf)(access), networkRules: leftIn }, options);',
    put: 'const done = true;',
  },
  {
    file: 'activities/instance-fence/means.js',
    find: 'await cloud.startStop({ instance: (0, place_1.refOf)(access) }, options);',
    put: '',
  },
  { file: 'activities/instance-fence/proof.js', find: 'const proven = gone ?', put: 'const proven = true ? true : gone ?' },
]

export const WITHOUT_MARGIN: readonly Mutation[] = [
  { file: 'activities/failover/open.js', find: 'pair.request.sequenceMargin', put: '0' },
]
