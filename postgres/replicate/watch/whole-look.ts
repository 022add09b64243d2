/** One look, put together from what each side told. Pure. */
import type { IsoInstant } from '../../../contracts/operation'
import type { StandbyLook } from '../../../contracts/standby'
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
  /** Undefined: not asked in this look. */
  readonly sequences?: StandbyLook['sequences'] | undefined
  /** What is not asked each time holds on. */
  readonly before: StandbyLook | null
}

/** Without findings: `judge` has them. */
export function wholeLook({ at, source, standby, schemaDiffers, sequences, before }: Sides): StandbyLook {
  const seen = typeof source === 'string' ? null : source
  const there = typeof standby === 'string' ? null : standby
  const beat = there?.beat ?? null
  const heard = seen === null ? before?.heard : { at, flushed: seen.flushed }
  const stood = sequences ?? before?.sequences
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
    ...(stood !== undefined && { sequences: stood }),
  }
}
