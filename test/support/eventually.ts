import { setTimeout as sleep } from 'node:timers/promises'

/** How long a test waits for what is to come: against hanging alone, so that a machine that is several times slower than ours is waited for.
 *  Shorter than a test may last (jest.config.js), so that it says what it waited for. */
export const PATIENCE_MS = 150_000

/** Looks until there is something to see. */
export async function eventually<Value>(what: string, look: () => Promise<Value | undefined>, everyMs = 30): Promise<Value> {
  for (const deadline = Date.now() + PATIENCE_MS; ; ) {
    const seen = await look()
    if (seen !== undefined) return seen
    if (Date.now() > deadline) throw new Error(`waited ${PATIENCE_MS / 1_000} s for ${what}`)
    await sleep(everyMs)
  }
}

export async function until(what: string, come: () => Promise<boolean>, everyMs = 50): Promise<void> {
  await eventually(what, async () => ((await come()) ? true : undefined), everyMs)
}
