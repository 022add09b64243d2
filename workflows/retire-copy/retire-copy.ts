/** Removes a restored copy once its time is over. It outlives the operation that made the copy, and it alone knows until when that is kept: the
 *  ledger's instant is written after this one. So no refusal ends it, neither the ledger's nor the cloud's: it asks again. From the moment at which the removal begins nobody is told any more that it is kept. Of an operation
 *  that was undone it finds nothing, or what came to be after its undo, which nobody else would remove. */
import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineUpdate,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow'
import type { InstanceActivities } from '../../activities/instance/contract'
import type { LedgerActivities } from '../../activities/ledger/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import { COPY_UPDATES, type KeepCopyInput, type RetireCopyInput } from '../../contracts/restore'
import { patient } from '../kit/patience'
import { quickAct } from '../kit/proxies'

const HOUR_MS = 3_600_000

export async function retireCopy(input: RetireCopyInput): Promise<void> {
  const { operation, cloud, bundle, copy, keepHours, heartbeatTimeoutMs } = input
  const step = 'retire-copy'
  const ledger = proxyActivities<LedgerActivities>(quickAct(TASK_QUEUES.control, heartbeatTimeoutMs))
  const { awaitCanaryRemoval } = proxyActivities<InstanceActivities>(quickAct(TASK_QUEUES[cloud], heartbeatTimeoutMs))
  const time = new KeptTime(input)
  const ask = patient({
    carriedOn: input.carriedOn !== undefined,
    carryOn: () => continueAsNew<typeof retireCopy>({ ...input, carriedOn: time.carriedOn() }),
  })
  if (!time.isOver()) {
    const { endedAt } = await ask(() => ledger.awaitOperationEnd({ operation, step }))
    time.begin(Date.parse(endedAt) + keepHours * HOUR_MS)
  }
  while (!time.isOver()) {
    if (time.isNews()) {
      const untilMs = time.untilMs
      const expiresAt = new Date(untilMs).toISOString()
      await ask(() => ledger.recordExpiry({ operation, step, name: copy, expiresAt }))
      time.isRecorded(untilMs)
    } else if (time.untilMs <= Date.now()) time.end()
    else await condition(() => time.isNews(), time.untilMs - Date.now())
  }
  await ask(() => awaitCanaryRemoval({ operation, step, bundle }))
  await condition(allHandlersFinished)
}

/** Until when the copy is kept, which people may change until it is being removed. What they say before the operation has ended holds from then on. */
class KeptTime {
  private going: boolean
  private recordedMs = Number.NaN
  untilMs: number

  constructor({ copy, carriedOn }: RetireCopyInput) {
    this.going = carriedOn?.removing ?? false
    this.untilMs = Date.parse(carriedOn?.until ?? '')
    setHandler(
      defineUpdate<void, [KeepCopyInput]>(COPY_UPDATES.keep),
      async ({ until }) => {
        const asked = Date.parse(until)
        this.untilMs = asked
        await condition(() => this.recordedMs === asked || this.untilMs !== asked)
      },
      {
        validator: ({ until }) => {
          if (Number.isNaN(Date.parse(until))) refuse('OPTION_INVALID', `until is ${until}; it has to be an instant.`)
          if (this.going) refuse('OPERATION_CLOSED', `Copy ${copy} is being removed already; it cannot be kept any more.`)
        },
      },
    )
  }

  begin(untilMs: number): void {
    if (Number.isNaN(this.untilMs)) this.untilMs = untilMs
  }
  isNews(): boolean {
    return this.untilMs !== this.recordedMs
  }
  isRecorded(untilMs: number): void {
    this.recordedMs = untilMs
  }
  end(): void {
    this.going = true
  }
  isOver(): boolean {
    return this.going
  }
  carriedOn(): NonNullable<RetireCopyInput['carriedOn']> {
    const until = Number.isNaN(this.untilMs) ? null : new Date(this.untilMs).toISOString()
    return { until, removing: this.going }
  }
}

function refuse(code: string, message: string): never {
  throw ApplicationFailure.nonRetryable(message, code)
}
