/** Keeps the time of an instance that was replaced. It removes nothing, ever: when the time is over the ledger's entry says so, which `capstan restore list`
 *  shows, and it looks once a day whether a person has removed the instance. People may change the time as long as it is there, and ask what
 *  speaks against its removal. No refusal ends it. */
import {
  type ActivityOptions,
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineUpdate,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { LedgerActivities } from '../../activities/ledger/contract'
import type { ReplacementActivities, ReplacementDataActivities } from '../../activities/replacement/contract'
import type { TrafficActivities } from '../../activities/traffic/contract'
import { samePlace } from '../../contracts/endpoint'
import { TASK_QUEUES } from '../../contracts/messages'
import { type KeepOldInput, OLD_UPDATES, type OldInstanceLook, type RetireOldInput } from '../../contracts/old-instance'
import type { IsoInstant } from '../../contracts/operation'
import { isRefusal, REFUSALS_MAX, restMs } from '../kit/patience'
import { lookAct, quickAct } from '../kit/proxies'
import { answered, keptStill } from './answers'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** A history's length, with what people ask in between. */
const LOOKS_MAX = 200

export async function retireOld(input: RetireOldInput): Promise<void> {
  const { operation, cloud, bundle, old, copy, heartbeatTimeoutMs } = input
  const ref = { operation, bundle, step: 'retire-old' }
  const ledger = proxyActivities<LedgerActivities>(quickAct(TASK_QUEUES.control, heartbeatTimeoutMs))
  const { lookAtOld } = proxyActivities<ReplacementActivities>(looking(TASK_QUEUES[cloud], heartbeatTimeoutMs))
  const time = new KeptTime(input)
  setHandler(defineUpdate<OldInstanceLook>(OLD_UPDATES.look), () =>
    answered(old.instance, async () => {
      const found = await lookAtOld({ ...ref, old, copy })
      const more = found.standing === 'there' ? await speaksAgainst(input) : NOTHING
      const { until } = time
      const against = [...keptStill(until, Date.now()), ...found.against, ...more.against]
      const address = { host: old.host, port: old.port }
      return { ...found, against, unasked: more.unasked, address, asOf: new Date().toISOString(), until }
    }),
  )
  let [looks, refusals] = [0, 0]
  /** Does what is due next; false: nothing is any more. */
  const goOn = async (until: IsoInstant | null): Promise<boolean> => {
    const record = (gone: boolean) => ledger.recordReplaced({ ...ref, cloud, name: old.instance, until, by: time.by, gone })
    if (time.isNews()) {
      await record(false)
      time.isRecorded(until)
      return true
    }
    if (until === null) return false
    if (Date.parse(until) > Date.now()) {
      await condition(() => time.isNews() || workflowInfo().continueAsNewSuggested, Date.parse(until) - Date.now())
      return true
    }
    const { standing } = await lookAtOld({ ...ref, old, copy })
    if (standing !== 'there') {
      await record(true)
      return false
    }
    looks += 1
    await condition(() => time.isNews() || workflowInfo().continueAsNewSuggested, DAY_MS)
    return true
  }
  for (;;) {
    const isLong = looks >= LOOKS_MAX || refusals >= REFUSALS_MAX || workflowInfo().continueAsNewSuggested
    if (isLong) {
      // who is waited for may wait for what has to be recorded first
      await condition(() => allHandlersFinished() || time.isNews())
      if (allHandlersFinished()) await continueAsNew<typeof retireOld>({ ...input, carriedOn: { until: time.until } })
    }
    const { until } = time
    try {
      if (!(await goOn(until))) break
    } catch (error) {
      if (!isRefusal(error)) throw error
      refusals += 1
      // what people say meanwhile is heard at once
      await condition(() => time.until !== until, restMs(input.carriedOn !== undefined))
    }
  }
  time.end()
  await condition(allHandlersFinished)
}

/** So long nobody has begun: no worker serves the queue, or all are busy. */
const UNCLAIMED_MS = 60_000

/** Somebody waits, or may want to say something else meanwhile. An endpoint's program may take ten minutes. */
function looking(taskQueue: string, heartbeatTimeoutMs: number): ActivityOptions {
  const options = lookAct(taskQueue, { heartbeatTimeoutMs, unclaimedTimeoutMs: UNCLAIMED_MS })
  return { ...options, startToCloseTimeout: '11 minutes', scheduleToCloseTimeout: '12 minutes' }
}

const NOTHING: Pick<OldInstanceLook, 'against' | 'unasked'> = { against: [], unasked: [] }

/** What the instance itself and the endpoint say. */
async function speaksAgainst({
  operation,
  bundle,
  old,
  heartbeatTimeoutMs,
  endpointOn,
}: RetireOldInput): Promise<typeof NOTHING> {
  const ref = { operation, bundle, step: 'retire-old' }
  const asking = looking(TASK_QUEUES.postgres, heartbeatTimeoutMs)
  const { lookIntoOld } = proxyActivities<ReplacementDataActivities>(asking)
  const { whereTo } = proxyActivities<TrafficActivities>(looking(endpointOn ?? TASK_QUEUES.postgres, heartbeatTimeoutMs))
  const { against } = await lookIntoOld({ ...ref, old })
  const { at } = await whereTo(ref)
  if (at === null)
    return { against, unasked: [`Nobody can be asked where applications are led, be it to ${old.host}:${old.port}.`] }
  return {
    against: [...against, ...(samePlace(at, old) ? [`The endpoint leads to it: ${at.host}:${at.port}.`] : [])],
    unasked: [],
  }
}

/** Until when it is kept; null: for good. */
class KeptTime {
  private over = false
  private recorded: IsoInstant | null | undefined
  private readonly name: string
  until: IsoInstant | null
  /** Who said so; null: the operation. */
  by: string | null = null

  constructor({ keepHours, carriedOn, old }: RetireOldInput) {
    this.name = old.instance
    this.until = carriedOn === undefined ? new Date(Date.now() + keepHours * HOUR_MS).toISOString() : carriedOn.until
    setHandler(
      defineUpdate<void, [KeepOldInput]>(OLD_UPDATES.keep),
      async ({ until, by }) => {
        this.until = until
        this.by = by
        await condition(() => this.over || this.recorded === until || this.until !== until)
        if (this.over && this.recorded !== until && this.until === until) throw this.closed()
      },
      {
        validator: ({ until }) => {
          if (until !== null && Number.isNaN(Date.parse(until))) {
            throw ApplicationFailure.nonRetryable(`until is ${until}; it has to be an instant.`, 'OPTION_INVALID')
          }
          if (this.over) throw this.closed()
        },
      },
    )
  }

  private closed(): ApplicationFailure {
    return ApplicationFailure.nonRetryable(`Nobody keeps the time of ${this.name} any more.`, 'OPERATION_CLOSED')
  }
  isNews(): boolean {
    return this.until !== this.recorded
  }
  isRecorded(until: IsoInstant | null): void {
    this.recorded = until
  }
  end(): void {
    this.over = true
  }
}
