/** How far a sequence is from the value that it cannot give, or that its column cannot hold. */

export interface SequenceFacts {
  /** The last value that was given. */
  readonly last: bigint
  readonly min: bigint
  readonly max: bigint
  /** Never 0. */
  readonly increment: bigint
  readonly cycles: boolean
  /** What the column that it feeds can hold; null: it feeds none, or one that holds whatever a sequence gives. */
  readonly column: { readonly min: bigint; readonly max: bigint } | null
}

export interface SequenceRoom {
  /** Of all values that it can ever give, those that are used; rounded down. */
  readonly usedPercent: number
  /** How many more it gives before the first that fails. */
  readonly left: bigint
  /** Which of the two ends it. */
  readonly endedBy: 'sequence' | 'column'
}

/** Null: it never ends, since it begins again before its column is full. */
export function sequenceRoom({ last, min, max, increment, cycles, column }: SequenceFacts): SequenceRoom | null {
  const up = increment > 0n
  const own = up ? max : min
  const first = up ? min : max
  const held = column === null ? own : up ? column.max : column.min
  const endedBy = (up ? held < own : held > own) ? 'column' : 'sequence'
  if (cycles && endedBy === 'sequence') return null
  const end = endedBy === 'column' ? held : own
  const left = steps(last, end, increment)
  const all = steps(first, end, increment)
  return { usedPercent: all === 0n ? 100 : Math.max(0, Number(100n - (left * 100n + all - 1n) / all)), left, endedBy }
}

/** Whole steps from one value to another in the direction of `increment`; 0 when it lies behind. */
function steps(from: bigint, to: bigint, increment: bigint): bigint {
  const count = (to - from) / increment
  return count > 0n ? count : 0n
}
