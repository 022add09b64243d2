/** One look, put together from what each side told. Pure. */
import type { IsoInstant } from '../../../contracts/operation'
import type { StandbyLook, WaitsAtLine } from '../../../contracts/standby'
import { ageOf, type StandbyBeat } from './beat'
import type { SourceSeen, StandbySeen } from './look'

export interface Sides {
  readonly at: IsoInstant
  /** One sentence: why it could not be asked. */
  readonly source: SourceSeen | string
  /** To be asked before the source is: the other way round the age of its beat would be too small. */
  readonly standby: (StandbySeen & { readonly beat: StandbyBeat | null }) | string
  /** Null: not compared. */
  readonly schemaDiffers: readonly string[] | null
  /** What it has not of the files that change tables; undefined: it was not asked, or one of both did not answer. Null: it has all. */
  readonly behindLine?: Omit<WaitsAtLine, 'since'> | null | undefined
  /** Undefined: not asked in this look. */
  readonly sequences?: StandbyLook['sequences'] | undefined
  /** The same. */
  readonly uncarried?: StandbyLook['uncarried'] | undefined
  /** What is not asked each time holds on. */
  readonly before: StandbyLook | null
}

/** Without findings: `judge` has them. */
export function wholeLook({ at, source, standby, schemaDiffers, behindLine, sequences, uncarried, before }: Sides): StandbyLook {
  const seen = typeof source === 'string' ? null : source
  const there = typeof standby === 'string' ? null : standby
  const beat = there?.beat ?? null
  const heard = seen === null ? before?.heard : { at, flushed: seen.flushed }
  const stood = sequences ?? before?.sequences
  const held = uncarried ?? before?.uncarried
  const skew = seen === null ? before?.skew : { at, ...seen.skew }
  const waits =
    behindLine === undefined
      ? before?.waits
      : behindLine === null
        ? undefined
        : { since: before?.waits?.since ?? at, ...behindLine }
  return {
    at,
    source: seen?.side ?? null,
    target: there?.side ?? null,
    unreached: [source, standby].filter((why) => typeof why === 'string'),
    beatAt: beat?.at ?? null,
    lagMs: beat === null || seen === null ? null : ageOf(beat, seen.clock),
    lagBytes: seen?.lagBytes ?? null,
    copySlots: there?.copySlots ?? before?.copySlots ?? null,
    schemaDiffers,
    findings: [],
    ...(heard !== undefined && { heard }),
    ...(waits !== undefined && { waits }),
    ...(stood !== undefined && { sequences: stood }),
    ...(held !== undefined && { uncarried: held }),
    ...(skew !== undefined && { skew }),
  }
}
