/** Which of many drawn scenarios are enough to see each pair of values together: all-pairs, greedily. A scenario is what its seed draws, so a selection is one of
 *  seeds, and each can be run again by its own. */

export type Drawn = Readonly<Record<string, string>>

/** In the order in which they are worth most; together they have every pair of values that any seed draws. */
export function pairwise(seeds: readonly number[], draw: (seed: number) => Drawn): number[] {
  const pool = seeds.map((seed) => ({ seed, pairs: pairsOf(draw(seed)) }))
  const lacking = new Set(pool.flatMap(({ pairs }) => pairs))
  const selected: number[] = []
  while (lacking.size > 0) {
    let best: { seed: number; pairs: readonly string[] } | undefined
    let most = 0
    for (const one of pool) {
      const brings = one.pairs.reduce((sum, pair) => sum + (lacking.has(pair) ? 1 : 0), 0)
      if (brings > most) [best, most] = [one, brings]
    }
    if (best === undefined) throw new Error('what is lacking is in no scenario')
    selected.push(best.seed)
    for (const pair of best.pairs) lacking.delete(pair)
  }
  return selected
}

export function pairsOf(drawn: Drawn): string[] {
  const values = Object.entries(drawn).map(([dimension, value]) => `${dimension}=${value}`)
  return values.flatMap((one, at) => values.slice(at + 1).map((other) => `${one} ${other}`))
}
