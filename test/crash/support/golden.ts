/** What a golden run found: read by the suites before their tests are named. */
import { readFileSync } from 'node:fs'
import { PASSES, SCENARIOS, type Scenario } from './scenarios'

export interface ActivityCall {
  /** `<activity>#<n>`, as failpoints name it. */
  readonly call: string
  /** Runs inside a workflow task. */
  readonly local: boolean
}

export interface GoldenScenario {
  readonly scenario: string
  /** In the order of the history. */
  readonly activities: readonly ActivityCall[]
  /** Each different call to the cloud, in the order of their first. */
  readonly cloudCalls: readonly CloudCallKind[]
}

/** Calls of one operation of the cloud's API that name the same resource. */
export interface CloudCallKind {
  readonly operation: string
  /** `{operation}` stands for the id of ours. */
  readonly resource: string
}

export interface Golden {
  readonly scenarios: readonly GoldenScenario[]
}

/** The file's path is handed to the suites' processes. */
export const GOLDEN_VARIABLE = 'CAPSTAN_CRASH_GOLDEN'

function goldenRun(scenario: string): GoldenScenario {
  const file = process.env[GOLDEN_VARIABLE]
  if (file === undefined) throw new Error('there was no golden run: run these tests by `npm run test:crash`')
  const found = (JSON.parse(readFileSync(file, 'utf8')) as Golden).scenarios.find((run) => run.scenario === scenario)
  if (found === undefined) throw new Error(`there was no golden run of ${scenario}`)
  return found
}

/** The calls at which a scenario is disturbed: all of the first's, and of the others what comes after they have parted from it. */
export function callsOf(scenario: Scenario, kind: 'local' | 'remote'): string[] {
  const own = goldenRun(scenario.name).activities
  const first = SCENARIOS[0] === scenario ? [] : goldenRun(PASSES.name).activities
  const parting = own.findIndex(({ call }, at) => first[at]?.call !== call)
  // what was asked last before they parted may be what made the difference
  return own.slice(Math.max(0, parting - 1)).flatMap(({ call, local }) => (local === (kind === 'local') ? call : []))
}

/** The different calls to the cloud of a scenario's golden run. */
export function cloudCallsOf({ name }: Scenario): readonly CloudCallKind[] {
  return goldenRun(name).cloudCalls
}
