/** The places of the network that the source is asked from beside the one where databases are served: the workers of clouds, and the standby. */
import { isCancellation } from '@temporalio/workflow'
import type { Probe } from '../../contracts/failover'
import type { Cloud } from '../../contracts/fleet'
import type { InstanceAddress } from '../../contracts/migrate'
import type { StandbySides } from '../../contracts/replicate'
import type { StepRef } from '../../contracts/step-ref'
import { isDefect } from '../kit/failures'
import type { FailingOver } from './over'

/** One that nobody carries out says nothing of the source. */
export async function unknownWhereNot(from: string, asked: Promise<Probe>): Promise<Probe> {
  try {
    return await asked
  } catch (error) {
    if (isDefect(error) || isCancellation(error)) throw error
    return { from, outcome: 'unknown', said: 'no worker took it up, or it did not end in time', rounds: 0 }
  }
}

/** Of a single try: a handshake across an ocean, and PostgreSQL's word. */
const KNOCK_MS = 2_000

export interface Knocking {
  readonly act: Pick<FailingOver['act'], 'knockingFrom' | 'knocking'>
  readonly input: Pick<FailingOver['input'], 'clouds'>
  /** It makes no subscription, by which a standby knocks. */
  readonly standbyIsReplica?: boolean
}

/** Once from each. */
export function knockFromAll(
  { act, input, standbyIsReplica = false }: Knocking,
  { source, standby }: StandbySides,
  ref: StepRef,
): Promise<Probe[]> {
  const once = { ...ref, patienceMs: KNOCK_MS, once: true } as const
  const byStandby = () => unknownWhereNot('the standby', act.knocking.probeByStandby({ ...once, standby, source }))
  return Promise.all([...knocksFromClouds(act, input.clouds, source, ref), ...(standbyIsReplica ? [] : [byStandby()])])
}

/** Once from the workers of each. */
export function knocksFromClouds(
  { knockingFrom }: Pick<FailingOver['act'], 'knockingFrom'>,
  clouds: readonly Cloud[],
  address: InstanceAddress,
  ref: StepRef,
): Promise<Probe>[] {
  const once = { ...ref, patienceMs: KNOCK_MS, once: true } as const
  return clouds.map((from) => unknownWhereNot(`the worker of ${from}`, knockingFrom(from).probeFrom({ ...once, from, address })))
}
