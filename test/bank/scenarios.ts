/** What is done to the bank, each a function of its seed: from which cloud to which, which operation, disturbed how, with how many writers. */
import { type Chance, chanceOf } from './chance'
import { FAULTS, type FaultName } from './faults'
import { CLOUDS, type Cloud } from './fleet'

/** An abort comes at, or shortly after, the step. A failover has its place here once there is one. */
export const OPERATIONS = [
  'switchover',
  'there-and-back',
  'abort:compare',
  'abort:papers',
  'abort:way-back',
  'abort:cross',
] as const
export type Operation = (typeof OPERATIONS)[number]

export const WAYS = CLOUDS.flatMap((from) => CLOUDS.filter((to) => to !== from).map((to) => ({ from, to })))
/** Where nothing is aborted most can go wrong. */
const MOVES = ['switchover', 'there-and-back'] as const
const WRITERS = [4, 8, 16] as const

export interface Scenario {
  readonly seed: number
  readonly from: Cloud
  readonly to: Cloud
  readonly operation: Operation
  readonly fault: FaultName
  readonly writers: number
  /** For all that is drawn while it runs. */
  readonly chance: Chance
}

export function scenarioOf(seed: number): Scenario {
  const chance = chanceOf(seed)
  const way = WAYS[chance.below(WAYS.length)]
  if (way === undefined) throw new Error('there is no way')
  const fault = chance.of(Object.keys(FAULTS) as [FaultName, ...FaultName[]])
  return {
    seed,
    ...way,
    operation: chance.of(chance.below(2) === 0 ? MOVES : OPERATIONS),
    fault,
    writers: chance.of(WRITERS),
    chance,
  }
}

/** As `pairwise` takes it. */
export function drawn(seed: number): Readonly<Record<string, string>> {
  const { from, to, operation, fault, writers } = scenarioOf(seed)
  return { way: `${from}-${to}`, operation, fault, writers: String(writers) }
}

export function described({ seed, from, to, operation, fault, writers }: Scenario): string {
  return `seed ${seed}: ${operation} from ${from} to ${to}, ${fault}, ${writers} writers`
}

/** The two clouds, whichever of them is written to first. */
export const pairOf = ({ from, to }: Pick<Scenario, 'from' | 'to'>): string => [from, to].sort().join('-')
