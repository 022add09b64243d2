/** A standby as long as there is one: looks at both sides every few seconds, writes down what it finds, and lets go of the source's log before that fills
 *  its disk; and has the rows of both compared, a slice at a time, which no look waits for. It holds no lock. It ends when the ledger says that the standby is gone, and by nothing else: a side that is silent, a ledger that is away and
 *  a worker that dies are looked past. */
import {
  CancellationScope,
  condition,
  continueAsNew,
  defineSignal,
  patched,
  proxyActivities,
  setHandler,
  TemporalFailure,
  workflowInfo,
} from '@temporalio/workflow'
import type { InstanceActivities } from '../../activities/instance/contract'
import type { ReplicationActivities, StandbyPlaceActivities } from '../../activities/replication/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import { STANDBY_SIGNALS, type StandbySides, type StandbyWatch } from '../../contracts/replicate'
import { isDefect } from '../kit/failures'
import { claimedSoon, longAct, lookTwice, quickAct } from '../kit/proxies'

/** Between two rounds; a round looks every few seconds for about a minute. */
const REST_MS = 1_000
/** After one that failed: whatever failed it has to have time to pass. */
const REST_AFTER_FAILURE_MS = 5_000
/** About an hour. */
const ROUNDS_OF_A_DISK = 60

export async function standby(input: StandbyWatch): Promise<void> {
  let watched = input
  let told = false
  setHandler(defineSignal<[StandbyWatch]>(STANDBY_SIGNALS.watch), (now) => {
    watched = now
    told = true
  })
  const slices = new Slices()
  for (let rounds = 0; ; rounds += 1) {
    told = false
    if (rounds % ROUNDS_OF_A_DISK === 0 && patched('disk-by-clock')) void lookAtDisk(watched)
    const { round, due } = await look(watched, slices.running || slices.failed)
    // one that was told meanwhile what to look at is not gone: it is another of that name
    if (round === 'gone' && !told) return
    if (round === 'unreached' && !told) {
      const sides = await describedAgain(watched)
      // what was told meanwhile is newer
      if (!told) watched = { ...watched, sides }
    }
    slices.throwDefect()
    if (!workflowInfo().continueAsNewSuggested) {
      if (due && patched('compare-by-clock')) slices.begin(watched)
    } else if (!slices.running) await continueAsNew<typeof standby>(watched)
    await condition(() => told, round === 'failed' ? REST_AFTER_FAILURE_MS : REST_MS)
  }
}

/** One at a time, beside the looks: between two the entity may continue as new. */
class Slices {
  running = false
  /** The newest one was: whatever failed it has to have time to pass. */
  failed = false
  #defect: unknown = null

  begin(watched: StandbyWatch): void {
    if (this.running) return
    this.running = true
    this.failed = false
    void this.#run(watched)
  }

  /** Of whatever else keeps it from being compared the ledger tells by its silence. */
  throwDefect(): void {
    if (this.#defect !== null) throw this.#defect
  }

  async #run(watched: StandbyWatch): Promise<void> {
    const options = { ...lookTwice(claimedSoon(longAct(TASK_QUEUES.postgres, watched.heartbeatTimeoutMs))), ...SLICE_AT_MOST }
    const { compareByClock } = proxyActivities<ReplicationActivities>(options)
    try {
      await compareByClock(watched)
    } catch (error) {
      this.failed = true
      if (!isPassing(error)) this.#defect = error
    } finally {
      this.running = false
    }
  }
}

/** As long as a comparison may last (`within` of the fleet file). While one runs the entity cannot continue as new, and after some three days of rounds the
 *  server would end it: nobody would look any more, nor drop a slot. */
const SLICE_AT_MOST = { startToCloseTimeout: '1 day' } as const

/** Beside the looks, and without a word where it cannot be asked. */
async function lookAtDisk(watched: StandbyWatch): Promise<void> {
  const { bundle, standbyCloud, heartbeatTimeoutMs } = watched
  const options = (queue: string) => ({ ...lookTwice(quickAct(queue, heartbeatTimeoutMs)), ...NOT_LONG })
  const { describeDisk } = proxyActivities<StandbyPlaceActivities>(options(TASK_QUEUES[standbyCloud]))
  const replication = proxyActivities<ReplicationActivities>(options(TASK_QUEUES.postgres))
  try {
    const disk = await describeDisk({ operation: WATCH, step: WATCH, bundle, side: 'standby' })
    await replication.lookAtDisk({ ...watched, disk })
  } catch (error) {
    if (!(error instanceof TemporalFailure)) throw error
  }
}

type Round = 'looked' | 'unreached' | 'gone' | 'failed'

async function look(watched: StandbyWatch, wholeRound: boolean): Promise<{ round: Round; due: boolean }> {
  const { lookAtStandby } = proxyActivities<ReplicationActivities>(
    lookTwice(quickAct(TASK_QUEUES.postgres, watched.heartbeatTimeoutMs)),
  )
  try {
    const { gone, unreached, due } = await lookAtStandby({ ...watched, wholeRound })
    return { round: gone ? 'gone' : unreached ? 'unreached' : 'looked', due }
  } catch (error) {
    if (!isPassing(error)) throw error
    return { round: 'failed', due: false }
  }
}

/** An instance may have another address by now; one whose cloud does not answer keeps the one that is known. */
async function describedAgain({ bundle, cloud, standbyCloud, sides, heartbeatTimeoutMs }: StandbyWatch): Promise<StandbySides> {
  const ref = { operation: WATCH, step: WATCH, bundle }
  const options = (queue: string) => ({ ...lookTwice(quickAct(queue, heartbeatTimeoutMs)), ...NOT_LONG })
  const { describeTarget } = proxyActivities<InstanceActivities>(options(TASK_QUEUES[cloud]))
  const { describeStandby } = proxyActivities<StandbyPlaceActivities>(options(TASK_QUEUES[standbyCloud]))
  const known = <Address>(asked: Promise<Address>, before: Address): Promise<Address> =>
    asked.catch((error: unknown) => {
      if (!isPassing(error)) throw error
      return before
    })
  const [source, target] = [known(describeTarget(ref), sides.source), known(describeStandby(ref), sides.standby)]
  return { source: await source, standby: await target }
}

/** One call each: while it is waited for nobody looks. A queue that nobody serves is not waited for either. */
const NOT_LONG = { startToCloseTimeout: '20 seconds', scheduleToStartTimeout: '20 seconds' } as const

/** It is no operation, and has no record. */
const WATCH = 'watch'

/** Whatever an activity failed with, its worker's own end among it: that is told by its worker, and the next round may go well. */
const isPassing = (error: unknown): boolean => !isDefect(error) && !CancellationScope.current().consideredCancelled
