/** How long each part of a crossing took, in whole milliseconds. */
const PARTS = ['close', 'prove', 'drain', 'sequences', 'compare', 'wayBack'] as const
type Part = (typeof PARTS)[number]

export type Split = Readonly<Partial<Record<Part, number>>> & { readonly closedMs: number; readonly closingAt: string }

export type Stopwatch = Readonly<Record<Part, () => void>> & { readonly told: () => Split }

/** It runs from here on, and `closingAt` is then; a part ends when it is called. */
export function stopwatch(): Stopwatch {
  const began = performance.now()
  const closingAt = new Date().toISOString()
  const took: Partial<Record<Part, number>> = {}
  let since = began
  const end = (part: Part) => () => {
    const now = performance.now()
    took[part] = Math.round(now - since)
    since = now
  }
  return {
    close: end('close'),
    prove: end('prove'),
    drain: end('drain'),
    sequences: end('sequences'),
    compare: end('compare'),
    wayBack: end('wayBack'),
    told: () => ({ ...took, closingAt, closedMs: Math.round(performance.now() - began) }),
  }
}
