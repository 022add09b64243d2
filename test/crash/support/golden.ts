/** What a golden run found: read by the suites before their tests are named. */
import { readFileSync } from 'node:fs'
import type { OtherCloud } from '../../support/other-clouds'
import { PASSES, SCENARIOS, type Scenario } from './scenarios'

/** Where a scenario runs: on RDS, or elsewhere. */
export type Place = 'aws' | OtherCloud

export interface ActivityCall {
  /** `<activity>#<n>`, as failpoints name it. */
  readonly call: string
  /** Null: it runs inside a workflow task. */
  readonly queue: string | null
}

export interface GoldenScenario {
  readonly scenario: string
  readonly place: Place
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
  /** One of them changed something. */
  readonly effect: boolean
}

export interface Golden {
  readonly scenarios: readonly GoldenScenario[]
}

/** The file's path is handed to the suites' processes. */
export const GOLDEN_VARIABLE = 'CAPSTAN_CRASH_GOLDEN'

function goldenRun(scenario: string, place: Place): GoldenScenario {
  const file = process.env[GOLDEN_VARIABLE]
  if (file === undefined) throw new Error('there was no golden run: run these tests by `npm run test:crash`')
  const found = (JSON.parse(readFileSync(file, 'utf8')) as Golden).scenarios.find(
    (run) => run.scenario === scenario && run.place === place,
  )
  if (found === undefined) throw new Error(`there was no golden run of ${scenario} on ${place}`)
  return found
}

/** The calls at which a scenario is disturbed: all of the first's, and of the others what comes after they have parted from it. */
export function callsOf(scenario: Scenario, kind: 'local' | 'remote'): string[] {
  const own = goldenRun(scenario.name, 'aws').activities
  const first = SCENARIOS[0] === scenario ? [] : goldenRun(PASSES.name, 'aws').activities
  const parting = own.findIndex(({ call }, at) => first[at]?.call !== call)
  // what was asked last before they parted may be what made the difference
  return own.slice(Math.max(0, parting - 1)).flatMap(({ call, queue }) => ((queue === null) === (kind === 'local') ? call : []))
}

/** What another cloud does otherwise: activities that ask it, and those that RDS does not have. */
export function callsOnlyOn(cloud: Exclude<OtherCloud, 'aurora'>): string[] {
  const everywhere = goldenRun(PASSES.name, 'aws').activities.map(({ call }) => call)
  return goldenRun(PASSES.name, cloud).activities.flatMap(({ call, queue }) =>
    queue === cloud || (queue !== null && !everywhere.includes(call)) ? call : [],
  )
}

/** Where clusters are begun, taken over and removed, by the activities that RDS has as well: the first call of each. */
export function beginningsOnAurora(): string[] {
  return goldenRun(PASSES.name, 'aurora').activities.flatMap(({ call, queue }) =>
    queue === 'aws' && /^start\w+#1$/.test(call) ? call : [],
  )
}

/** The different calls to the cloud of a scenario's golden run. */
export function cloudCallsOf({ name }: Scenario, place: Place = 'aws'): readonly CloudCallKind[] {
  return goldenRun(name, place).cloudCalls
}
