/** What is done to the bank, each a function of its seed: from which cloud to which, which operation, disturbed how, with how many writers. */
import { type Chance, chanceOf } from './chance'
import { DEATHS } from './deaths'
import { FAULTS, type Fault } from './faults'
import { CLOUDS, type Cloud } from './fleet'

/** An abort comes at, or shortly after, the step. */
export const SWITCHOVERS = [
  'switchover',
  'there-and-back',
  'abort:compare',
  'abort:papers',
  'abort:way-back',
  'abort:cross',
] as const
export const OPERATIONS = [...SWITCHOVERS, 'failover'] as const
export type Operation = (typeof OPERATIONS)[number]

export const WAYS = CLOUDS.flatMap((from) => CLOUDS.filter((to) => to !== from).map((to) => ({ from, to })))
/** Where nothing is aborted most can go wrong. */
const MOVES = ['switchover', 'there-and-back'] as const
const WRITERS = [4, 8, 16] as const
const FAILOVERS_OF = 5

/** Of a failover it is a death of its source. */
export type FaultName = keyof typeof FAULTS | keyof typeof DEATHS

/** One that chance never draws. */
export interface OwnFault {
  readonly name: string
  readonly fault: Fault
}

export const faultOf = ({ own, fault }: Pick<Scenario, 'own' | 'fault'>): Fault => own?.fault ?? { ...FAULTS, ...DEATHS }[fault]

export interface Scenario {
  readonly seed: number
  readonly from: Cloud
  readonly to: Cloud
  readonly operation: Operation
  readonly fault: FaultName
  /** In the place of `fault`. */
  readonly own?: OwnFault
  readonly writers: number
  /** For all that is drawn while it runs. */
  readonly chance: Chance
}

export function scenarioOf(seed: number): Scenario {
  const chance = chanceOf(seed)
  const way = WAYS[chance.below(WAYS.length)]
  if (way === undefined) throw new Error('there is no way')
  const fails = chance.below(FAILOVERS_OF) === 0
  const fault = chance.of(Object.keys(fails ? DEATHS : FAULTS) as [FaultName, ...FaultName[]])
  return {
    seed,
    ...way,
    operation: fails ? 'failover' : chance.of(chance.below(2) === 0 ? MOVES : SWITCHOVERS),
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

export function described({ seed, from, to, operation, fault, own, writers }: Scenario): string {
  return `seed ${seed}: ${operation} from ${from} to ${to}, ${own?.name ?? fault}, ${writers} writers`
}

/** The two clouds, whichever of them is written to first. */
export const pairOf = ({ from, to }: Pick<Scenario, 'from' | 'to'>): string => [from, to].sort().join('-')
