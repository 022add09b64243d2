/** Where a standby's sequence has to stand, so that it never gives a value that its source has given. Pure; values are bigints, since a sequence's own are. */

export interface SequenceShape {
  /** Never 0. */
  readonly increment: bigint
  readonly min: bigint
  readonly max: bigint
  readonly cycles: boolean
}

export interface SequencePosition {
  readonly last: bigint
  /** False: `last` itself is the next one that it gives. */
  readonly isCalled: boolean
}

export interface Carried {
  /** `stands`: it is there already, or beyond. `backwards`: it counts the other way, and wherever it is put, it gives what was given. */
  readonly kind: 'set' | 'stands' | 'backwards'
  readonly to: SequencePosition
  /** It has no value left to give. */
  readonly isExhausted: boolean
}

export interface CarryQuestion {
  readonly source: SequenceShape & SequencePosition
  readonly standby: SequenceShape & SequencePosition
  /** How many more values the source may have given since it was read. */
  readonly margin: bigint
}

/** A sequence that was never called has given nothing, and its next value is `last` itself: so `isCalled` is carried with it, whatever the margin is. It is
 *  never put back, as a repeat with a smaller margin would do, or one that comes when the standby has given values of its own: save where it begins
 *  anew by its own declaration, since there no place is beyond another. What the source gave before somebody set it back nobody can know. */
export function carriedPosition({ source, standby, margin }: CarryQuestion): Carried {
  const up = source.increment > 0n
  if (up !== standby.increment > 0n) return { kind: 'backwards', to: standby, isExhausted: false }
  if (source.cycles && standby.cycles) {
    const to = { last: within(stepped(source, margin), standby), isCalled: source.isCalled }
    const isThere = to.last === standby.last && to.isCalled === standby.isCalled
    return { kind: isThere ? 'stands' : 'set', to, isExhausted: false }
  }
  const isBefore = (a: bigint, b: bigint): boolean => (up ? a < b : a > b)
  const [first, end] = up ? [standby.min, standby.max] : [standby.max, standby.min]
  const last = source.last + margin * source.increment
  const next = nextOf({ last, isCalled: source.isCalled }, standby)
  // Where its own values begin behind all that were given, it may stand anywhere.
  const stands = isBefore(last, first) || !isBefore(nextOf(standby, standby), next)
  if (stands) return { kind: 'stands', to: standby, isExhausted: isBefore(end, nextOf(standby, standby)) }
  if (!isBefore(end, next)) return { kind: 'set', to: { last, isCalled: source.isCalled }, isExhausted: false }
  return { kind: 'set', to: { last: isBefore(end, last) ? end : last, isCalled: true }, isExhausted: true }
}

function nextOf({ last, isCalled }: SequencePosition, { increment }: SequenceShape): bigint {
  return isCalled ? last + increment : last
}

/** So many steps on, beginning anew at the other end as PostgreSQL does: not where it began first. */
function stepped({ last, increment, min, max }: SequenceShape & SequencePosition, steps: bigint): bigint {
  const up = increment > 0n
  const left = up ? (max - last) / increment : (min - last) / increment
  if (steps <= left) return last + steps * increment
  const round = (up ? (max - min) / increment : (min - max) / increment) + 1n
  return (up ? min : max) + ((steps - left - 1n) % round) * increment
}

function within(value: bigint, { min, max }: SequenceShape): bigint {
  return value < min ? min : value > max ? max : value
}
