import type { LockRef } from '../../contracts/lock'
import type { InstanceAddress } from '../../contracts/migrate'
import type { Finding, Sha256 } from '../../contracts/operation'
import type { GivenUpWriter } from '../../contracts/rebuild'
import type {
  DiskGrowth,
  DiskOfInstance,
  ReplicatePlanSummary,
  StandbyEpochs,
  StandbySides,
  StandbyWatch,
} from '../../contracts/replicate'
import type { StandbyState } from '../../contracts/standby'
import type { StepRef } from '../../contracts/step-ref'

/** On which sides, and under which epochs. */
export interface Replicating extends StepRef {
  readonly sides: StandbySides
  readonly epochs: StandbyEpochs
}

/** One side may be out of reach: null. */
export interface Reached extends StepRef {
  readonly sides: { readonly source: InstanceAddress | null; readonly standby: InstanceAddress | null }
  readonly epochs: StandbyEpochs
}

/** One of the standbys of a database that is migrated. */
export interface Follower extends StepRef {
  /** Its name in the fleet file. */
  readonly standby: string
  readonly sides: StandbySides
}

interface Told {
  /** One line. */
  readonly summary: string
}

/** Of both sides. Absent: nobody has asked the clouds. */
export type Disks = Readonly<Record<'source' | 'standby', DiskOfInstance>>

/** On the queue of the standby's cloud. */
export interface StandbyPlaceActivities {
  /** Where the standby answers; NOT_READY_YET while it is changing. `standby`: which, of several that a bundle names. */
  describeStandby(input: StepRef & { readonly standby?: string }): Promise<InstanceAddress>
  /** On the queue of that side's cloud. */
  describeDisk(input: StepRef & { side: 'source' | 'standby' }): Promise<DiskOfInstance>
  /** Has the standby's disk made larger, and does not wait for it; NOT_READY_YET while it is changing. Safe to repeat: does nothing about one that is as
   *  large. It cannot be undone. */
  growStandby(input: StepRef & { instanceId: string; toGib: number }): Promise<void>
  /** Polls once; NOT_READY_YET until it is. */
  awaitGrown(input: StepRef & { toGib: number }): Promise<Told>
}

/** An old writer, at the address that its cloud gives. */
export interface Rebuilding extends StepRef {
  readonly writer: GivenUpWriter
  readonly old: InstanceAddress
  readonly lock: LockRef
}

/** On the queue of those that serve databases. */
export interface OldWriterActivities {
  /** By the ledger alone: which operation gave the standby up as the writer, how it is fenced, and whether somebody has looked what it has alone; stores the plan. Changes nothing. Fails
   *  with RESOURCE_NOT_OURS where it was not given up for this source, FENCE_LIFTED where nothing of ours keeps it closed, STANDBY_EXISTS, DATABASE_REFUSED where nobody has looked. */
  findGivenUp(input: StepRef): Promise<GivenUpWriter>
  /** Closes it in PostgreSQL where only its cloud has, writes down beside it that writing has moved, and opens it to its own roles alone: from then on it may be emptied, and a guard upon each
   *  table turns away whoever writes. What it was followed by goes. Safe to repeat. Fails with TARGET_MISMATCH, and with FENCE_NOT_PROVEN where somebody has opened it. */
  admitGivenUp(input: Rebuilding): Promise<Told>
  /** The undo of `admitGivenUp`: closed to everybody. What it held may be gone. Safe to repeat, and where nothing was begun. */
  shutGivenUp(input: Rebuilding): Promise<void>
  /** Whether its cloud may let in by the network again: nobody but its own roles may connect, each table has its guard, and it follows. Fails with FENCE_NOT_PROVEN, and with RESOURCE_NOT_OURS where the fence is
   *  another database's as well. Safe to repeat. */
  proveShut(input: Rebuilding): Promise<void>
}

/** On the queue of those that serve databases. */
export interface ReplicationActivities {
  /** Asks both sides whether it can be done, and stores the plan in the ledger. `locks`: those that are held; null: none, since nothing is to be changed.
   *  Changes nothing. Fails with STANDBY_EXISTS where there is one already. */
  planReplication(
    input: StepRef & {
      sides: StandbySides
      locks: { readonly source: LockRef; readonly standby: LockRef } | null
      disks?: Disks
    },
  ): Promise<ReplicatePlanSummary>
  /** Writes into the ledger that it is being made, and what will be made on both sides. To be called before anything is. Safe to repeat. */
  openStandby(input: Replicating): Promise<void>
  /** Builds what the source has by the migrations that the source has applied, and compares both. Resumes after a kill. A finding for each object that
   *  differs: of a schema that no migration describes no standby can be built. */
  buildSchema(input: Replicating): Promise<Told & { findings: readonly Finding[] }>
  /** The publication, and then the slot, on the source. Safe to repeat. Fails with STANDBY_CHANGED where the watch has given it up meanwhile; so does
   *  `subscribe`. */
  publish(input: Replicating): Promise<Told>
  /** Empties the tables, sets their indexes aside and subscribes. Where it is subscribed already it does nothing of it: rows have come since. Safe to
   *  repeat. */
  subscribe(input: Replicating): Promise<Told>
  /** Polls once; NOT_READY_YET until every table is copied and follows. Fails with DATABASE_REFUSED where nothing can come any more, and where the log
   *  that is held back for it passes what was declared. */
  awaitCopy(input: Replicating): Promise<Told>
  /** Builds the indexes that were set aside, and gathers statistics. Resumes after a kill. */
  buildIndexes(input: Replicating): Promise<Told>
  /** Compares the rows of both while others write; of the one table that is seeded anew where it is one. Carries on after a kill. */
  compareBoth(
    input: Replicating,
  ): Promise<Told & { verdict: 'equal' | 'different' | 'inconclusive'; findings: readonly Finding[] }>
  /** Starts the entity that watches it, or tells the one that runs what to look at. Before there is a slot: from then on somebody has to see what that holds
   *  back. Safe to repeat. */
  startWatch(input: StepRef & { watch: StandbyWatch }): Promise<void>
  /** Its rows are its own from here on, and the ledger says that it follows: the watch says how. Safe to repeat. */
  settleStandby(input: Replicating): Promise<Told>

  /** The undo of `subscribe`; nothing where one table of a standby is seeded anew. Safe to repeat, and when nothing was made. */
  unsubscribe(input: Replicating): Promise<void>
  /** The undo of `publish`: the slots, and then the publication, which stays where a standby is seeded anew; nothing where that is one table. Safe to repeat, and when nothing was made. */
  unpublish(input: Replicating): Promise<void>
  /** The undo of `openStandby` and `buildSchema`: rows that have come are emptied out of the tables, and the ledger says that there is none. Safe to
   *  repeat, and when nothing was made. */
  discardStandby(input: Replicating): Promise<void>

  /** What there is by the ledger, and the epochs to act under. Fails with STANDBY_UNKNOWN, or where what was asked for cannot be done in its state.
   *  `warning`: of a reseed that may not fit on its disk, one line. */
  examineStandby(
    input: Omit<Reached, 'epochs'> & { locks: { readonly source: LockRef; readonly standby: LockRef } | null; disks?: Disks },
  ): Promise<{ state: StandbyState; epochs: StandbyEpochs; digest: Sha256; grow?: DiskGrowth; warning?: string }>
  /** The ledger says so first. Safe to repeat. */
  pauseStandby(input: Replicating & { by: string }): Promise<Told>
  /** The undo of `pauseStandby`: nothing where the standby is something else by now. Safe to repeat. */
  takeBackPause(input: Replicating): Promise<void>
  /** With the connection that is declared now. The ledger says so last. Safe to repeat. Fails with DATABASE_REFUSED while others may write there. */
  resumeStandby(input: Replicating): Promise<Told>
  /** Whether it may be carried over to, and the epoch to act under. Fails with STANDBY_CHANGED where it does not follow by now, TARGET_MISMATCH where its
   *  instance is another. Changes nothing. */
  prepareCarryOver(input: Follower & { lock: LockRef }): Promise<{ epoch: number }>
  /** Brings it to where the source is: each file that the source has applied, at its line. Resumes after a kill; what is there stays. Fails with
   *  NOT_READY_YET while rows are still on their way to the line. */
  carryOver(input: Follower & { epoch: number }): Promise<Told>
  /** The first part of seeding it anew: the ledger says so, then what it has is given up. Safe to repeat. Fails with DATABASE_REFUSED, before anything is
   *  changed, where a table cannot be emptied or published, or while others may write there. */
  stopFollowing(input: Replicating): Promise<Told>
  /** The undo of `stopFollowing`: the ledger says that it has to be seeded, once nothing follows any more; of one table, that it follows, once that is copied
   *  by PostgreSQL itself. Safe to repeat. */
  leaveToBeSeeded(input: Replicating): Promise<void>
  /** Subscription, slots, publication, and then the ledger's word. A side that is null, or does not answer, is told with what stays on it and how it is
   *  removed by hand. Safe to repeat. */
  removeStandby(input: Reached): Promise<Told & { findings: readonly Finding[] }>
  /** For about a minute: beats on the source, looks at both sides every few seconds, and writes down what that means; drops the slot where it holds back
   *  more than was declared. `gone`: the ledger has no such standby any more. `due`: it is to be compared, or the comparison goes on, and the
   *  round ends with that look unless the whole of it is asked for. Nothing that is out of reach fails it, the ledger not either. */
  lookAtStandby(
    input: StandbyWatch & { readonly wholeRound?: boolean },
  ): Promise<{ readonly gone: boolean; readonly unreached: boolean; readonly due: boolean }>
  /** Compares rows for some minutes, and keeps in the ledger what is known by then; where all of it is, or the time that was declared is over, what that
   *  came to. Nothing where it is not due. Safe to repeat, and to run beside anything else. Fails where a side or the ledger is out of reach. */
  compareByClock(input: StandbyWatch): Promise<{ readonly ended: boolean }>
  /** Writes down how full the standby's disk is; nothing where that cannot be asked, or while an operation has the standby in hand. Safe to repeat. */
  lookAtDisk(input: StandbyWatch & { disk: DiskOfInstance }): Promise<void>
}
