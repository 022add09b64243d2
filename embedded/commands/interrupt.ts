/** Ctrl-C: the first one asks for an orderly end, the second ends at once. npm passes a terminal's Ctrl-C on although the
 *  terminal has already delivered it, so two within a blink are one. */
import { FAILURE_KINDS } from '../../contracts/failures'

const ONE_KEYSTROKE_MS = 400
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface Interrupt {
  readonly signal: AbortSignal
  /** Resolves at the first request to end. */
  readonly requested: Promise<void>
}

export function listenForInterrupt(): Interrupt {
  const controller = new AbortController()
  let firstAt = 0
  const requested = new Promise<void>((resolve) => {
    for (const name of SIGNALS) {
      process.on(name, () => {
        if (firstAt === 0) {
          firstAt = Date.now()
          controller.abort()
          resolve()
        } else if (Date.now() - firstAt > ONE_KEYSTROKE_MS) {
          process.exit(FAILURE_KINDS.aborted.exit)
        }
      })
    }
  })
  return { signal: controller.signal, requested }
}
