import type {
  CloudOfBoth,
  ExchangeEnd,
  ExchangePlanSummary,
  ExchangeQuestion,
  ExchangeSides,
  GivenUpSource,
  TakeOverExposure,
  TakeOverQuestion,
  WriterProven,
} from '../../contracts/exchange'
import type { LockRef } from '../../contracts/lock'
import type { InstanceAddress } from '../../contracts/migrate'
import type { IsoInstant } from '../../contracts/operation'
import type { StepRef } from '../../contracts/step-ref'

interface Told {
  /** One line. */
  readonly summary: string
}

interface OnBoth extends StepRef {
  readonly sides: ExchangeSides
}

/** On the queue of the cloud that holds both. */
export interface ExchangeActivities {
  /** Where both answer, and what stands in the way by the cloud's own word; NOT_READY_YET while one of both is changing. Changes nothing. Fails with CLOUD_REFUSED
   *  where the cloud has no such act. */
  lookAtBoth(input: StepRef): Promise<CloudOfBoth>
  /** As `lookAtBoth`, of a source that is given up: it is asked nothing, and the replica has to be ready. */
  lookAtGivenUp(input: StepRef & { readonly source: InstanceAddress }): Promise<CloudOfBoth>
  /** Has the cloud begin, having written down first that it may have. Safe to repeat: adopts what an attempt before has begun, whoever makes the next one. `refused`: by
   *  the cloud, outright; of an attempt after one that may have told it that proves nothing, and is NOT_READY_YET. */
  beginExchange(input: OnBoth): Promise<{ readonly refused: string | null }>
  /** Polls once; NOT_READY_YET until the cloud has brought it to an end, one way or the other. Changes nothing. */
  awaitExchange(input: OnBoth): Promise<ExchangeEnd>
  /** Which role each has by now, whoever gave it. `exchanged` wants a new writer that is ready, whatever the old one is doing; `stayed` a source that is, and a replica
   *  that is not being changed. Of one that is gone the other says it. NOT_READY_YET else, or while what was begun goes on; of one that was given up its replica alone says it. Changes nothing. */
  rolesNow(input: OnBoth): Promise<ExchangeEnd>
}

/** On the queue of those that serve databases. */
export interface ExchangeDataActivities {
  /** Asks both databases what would stand in the way, and stores the plan in the ledger. Changes nothing. */
  planExchange(input: StepRef & ExchangeQuestion): Promise<ExchangePlanSummary>
  /** As `planExchange`, of a source that is given up: only the replica is asked. */
  planTakeOver(input: StepRef & TakeOverQuestion): Promise<ExchangePlanSummary>
  /** Behind a fence that was proven at `fencedAt`, or given up: what may be lost by then, held against what was allowed or, of a source that is not dead, approved. Where
   *  that is more, the plan in the ledger says so and why somebody has to approve it; else it stays as it is. `agreed` null: nobody but an allowance has agreed. Safe to
   *  repeat, with the same digest while the replica gets no more. */
  stateTakeOver(
    input: OnBoth & {
      fencedAt: IsoInstant
      isProven: boolean
      agreed: Pick<TakeOverExposure, 'lossMsMax'> | null
    },
  ): Promise<ExchangePlanSummary>
  /** Raises the row of who may act on the source, and waits until the replica shows it: what follows, follows now. Fails with BARRIER_NOT_PASSED after
   *  `followMsMax` of the request. Safe to repeat. */
  raiseOnSource(input: OnBoth & { epoch: number }): Promise<Told>
  /** Of a source that was given up: raises the row of who may act on the new writer, above whatever came along. Safe to repeat. */
  raiseOnNewWriter(input: OnBoth & { lock: LockRef }): Promise<Told>
  /** Which of both takes writes, by their own word. `cloudSays` null: a person has taken the waiting out of our hands. Fails with NOT_READY_YET while they do not
   *  agree with the cloud, and with FENCE_NOT_PROVEN where both take writes, or the new writer lacks the mark. Changes nothing in either. */
  proveWriter(
    input: OnBoth & { epoch: number | null; cloudSays: ExchangeEnd['outcome'] | null; givenUp?: GivenUpSource },
  ): Promise<WriterProven>
}
