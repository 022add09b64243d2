/** Lines for the record while an act goes on. Progress is for people: a line that is lost stops nothing. */
import type { StepDetail } from '../../contracts/operation'
import type { StepRef } from '../../contracts/step-ref'
import type { ActivityDeps } from '../deps'

const NOTED_EVERY_MS = 1_000

export function notes({ ledger }: Pick<ActivityDeps, 'ledger'>, { operation, step }: StepRef) {
  let notedAt = Number.NEGATIVE_INFINITY
  let chain: Promise<void> = Promise.resolve()
  return {
    /** At most one in a second. */
    tell(summary: string, more: StepDetail = {}): void {
      const now = performance.now()
      if (now - notedAt < NOTED_EVERY_MS) return
      notedAt = now
      chain = chain.then(() => ledger.noteProgress({ operation, step, detail: { ...more, summary } })).catch(() => undefined)
    },
    settle: () => chain,
  }
}
