/** Keeps the time of an instance that was replaced. It removes nothing, ever: when the time is over the ledger's entry says so, which `capstan restore list`
 *  shows, and it looks once a day whether a person has removed the instance. People may change the time as long as it is there, and ask what
 *  speaks against its removal. No refusal ends it. */
import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineUpdate,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow'
import type { LedgerActivities } from '../../activities/ledger/contract'
import type { ReplacementActivities, ReplacementDataActivities } from '../../activities/replacement/contract'
import type { TrafficActivities } from '../../activities/traffic/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import { type KeepOldInput, OLD_UPDATES, type OldInstanceLook, type RetireOldInput } from '../../contracts/old-instance'
import { patient } from '../kit/patience'
import { askFirst, quickAct } from '../kit/proxies'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** A history's length, with what people ask in between. */
const LOOKS_MAX = 200

export async function retireOld(input: RetireOldInput): Promise<void> {
  const { operation, cloud, bundle, old, copy, heartbeatTimeoutMs } = input
  const ref = { operation, bundle, step: 'retire-old' }
  const ledger = proxyActivities<LedgerActivities>(quickAct(TASK_QUEUES.control, heartbeatTimeoutMs))
  const { lookAtOld } = proxyActivities<ReplacementActivities>(askFirst(quickAct(TASK_QUEUES[cloud], heartbeatTimeoutMs)))
  const time = new KeptTime(input)
  const carryOn = () => continueAsNew<typeof retireOld>({ ...input, carriedOn: { until: time.until } })
  setHandler(defineUpdate<OldInstanceLook>(OLD_UPDATES.look), async () => {
    const found = await lookAtOld({ ...ref, old, copy })
    const more = found.standing === 'there' ? await speaksAgainst(input) : []
    const { until } = time
    const early = until !== null && Date.parse(until) > Date.now() ? [`Its time is not over: it is kept until ${until}.`] : []
    return { ...found, against: [...early, ...found.against, ...more], asOf: new Date().toISOString(), until }
  })
  const ask = patient({ carriedOn: input.carriedOn !== undefined, carryOn })
  const record = (until: string | null, gone: boolean) =>
    ask(() => ledger.recordReplaced({ ...ref, cloud, name: old.instance, until, gone }))
  for (let looks = 0; ; ) {
    const { until } = time
    if (time.isNews()) {
      await record(until, false)
      time.isRecorded(until)
    } else if (until === null) break
    else if (Date.parse(until) > Date.now()) await condition(() => time.isNews(), Date.parse(until) - Date.now())
    else {
      const { standing } = await ask(() => lookAtOld({ ...ref, old, copy }))
      if (standing !== 'there') {
        await record(until, true)
        break
      }
      looks += 1
      await condition(() => time.isNews(), DAY_MS)
      if (looks >= LOOKS_MAX && !time.isNews()) {
        await condition(allHandlersFinished)
        await carryOn()
      }
    }
  }
  time.end()
  await condition(allHandlersFinished)
}

/** What the instance itself and the endpoint say. */
async function speaksAgainst({ operation, bundle, old, heartbeatTimeoutMs }: RetireOldInput): Promise<string[]> {
  const ref = { operation, bundle, step: 'retire-old' }
  const asking = askFirst(quickAct(TASK_QUEUES.postgres, heartbeatTimeoutMs))
  const { lookIntoOld } = proxyActivities<ReplacementDataActivities>(asking)
  const { whereTo } = proxyActivities<TrafficActivities>(asking)
  const { against } = await lookIntoOld({ ...ref, old })
  const { at } = await whereTo(ref)
  const led = at !== null && nameOf(at) === nameOf(old) && at.port === old.port
  return [...against, ...(led ? [`The endpoint leads to it: ${at.host}:${at.port}.`] : [])]
}

/** However it is written. */
function nameOf({ host }: { readonly host: string }): string {
  return host.toLowerCase().replace(/\.$/, '')
}

/** Until when it is kept; null: for good. */
class KeptTime {
  private over = false
  private recorded: string | null | undefined
  until: string | null

  constructor({ keepHours, carriedOn, old }: RetireOldInput) {
    this.until = carriedOn === undefined ? new Date(Date.now() + keepHours * HOUR_MS).toISOString() : carriedOn.until
    setHandler(
      defineUpdate<void, [KeepOldInput]>(OLD_UPDATES.keep),
      async ({ until }) => {
        this.until = until
        await condition(() => this.recorded === until || this.until !== until)
      },
      {
        validator: ({ until }) => {
          if (until !== null && Number.isNaN(Date.parse(until))) {
            throw ApplicationFailure.nonRetryable(`until is ${until}; it has to be an instant.`, 'OPTION_INVALID')
          }
          if (!this.over) return
          throw ApplicationFailure.nonRetryable(`Nobody keeps the time of ${old.instance} any more.`, 'OPERATION_CLOSED')
        },
      },
    )
  }

  isNews(): boolean {
    return this.until !== this.recorded
  }
  isRecorded(until: string | null): void {
    this.recorded = until
  }
  end(): void {
    this.over = true
  }
}
