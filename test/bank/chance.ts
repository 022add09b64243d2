/** Chance by a seed: the same seed draws the same. Mulberry32. */

export interface Chance {
  /** From 0 to below 1. */
  share(): number
  /** A whole number from 0 to below. */
  below(bound: number): number
  of<Item>(items: readonly [Item, ...Item[]]): Item
}

export function chanceOf(seed: number): Chance {
  let state = seed >>> 0
  const share = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (bound: number): number => Math.floor(share() * bound)
  return { share, below, of: (items) => items[below(items.length)] ?? items[0] }
}
