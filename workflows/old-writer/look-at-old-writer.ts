/** An old writer and what took its place, seen by workers: those of both clouds, those that serve databases, and whoever can say where the endpoint leads. No operation: it changes nothing,
 *  takes no lock and leaves no record. */
import { proxyActivities } from '@temporalio/workflow'
import type { OldWriterCloudActivities, OldWriterDataActivities } from '../../activities/old-writer/contract'
import type { TrafficActivities } from '../../activities/traffic/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { LookAtOldWriterInput, NotAsked, OldWriterSeen } from '../../contracts/old-writer'
import { lookAct } from '../kit/proxies'
import { taken } from '../kit/taken'

export async function lookAtOldWriter(input: LookAtOldWriterInput): Promise<OldWriterSeen> {
  const { old, writer, moved } = input
  const { describeOldWriter } = proxyActivities<OldWriterCloudActivities>(lookAct(TASK_QUEUES[old.cloud], input))
  const { bundle, instanceId, leftIn } = old
  const found = await taken(TASK_QUEUES[old.cloud], describeOldWriter({ bundle, instanceId, leftIn }))
  const asOf = () => new Date().toISOString()
  if (found.standing !== 'there') return { old: found, rest: null, asOf: asOf() }
  const { describeNewWriter } = proxyActivities<OldWriterCloudActivities>(lookAct(TASK_QUEUES[writer.cloud], input))
  const data = proxyActivities<OldWriterDataActivities>(lookAct(TASK_QUEUES.postgres, input))
  const { whereTo } = proxyActivities<TrafficActivities>(lookAct(TASK_QUEUES[writer.endpointOn], input))
  const ref = { operation: moved, step: 'old-writer' }
  const successor = await taken(TASK_QUEUES[writer.cloud], describeNewWriter({ bundle: writer.bundle }))
  const { at } = await taken(TASK_QUEUES[writer.endpointOn], whereTo({ ...ref, bundle: writer.bundle, onlyLook: true }))
  const { publishers } = old
  const inside =
    found.address === null
      ? notThere(found.cloudState)
      : await taken(TASK_QUEUES.postgres, data.lookIntoOldWriter({ ...ref, bundle, address: found.address, publishers }))
  const writerInside =
    successor.address === null
      ? notThere(successor.cloudState)
      : await taken(TASK_QUEUES.postgres, data.lookIntoNewWriter({ ...ref, bundle: writer.bundle, address: successor.address }))
  return { old: found, rest: { inside, writer: successor, writerInside, endpointAt: at }, asOf: asOf() }
}

const notThere = (cloudState: string | null): NotAsked => ({ asked: false, why: `it is ${cloudState ?? 'not there'}` })
