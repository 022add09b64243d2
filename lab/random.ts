/** Chance that can be had again: the n-th draw of a seed is the same number whenever it is asked for, so nothing has to be kept
 *  but how many draws there were. splitmix32, one step from seed and number. */

/** From 0 to just below 1. */
export function draw(seed: number, n: number): number {
  let x = (seed + Math.imul(n + 1, 0x9e3779b9)) | 0
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
  return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32
}

/** A seed of one's own out of a common one: by name, so that it does not matter who asks first. FNV-1a. */
export function seedOf(seed: number, name: string): number {
  let hash = (seed ^ 0x811c9dc5) >>> 0
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}
