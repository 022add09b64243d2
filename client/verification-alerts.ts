/** What of a database's verifications somebody has to hear of. Codes are for machines and stay as they are. */
import type { NegativeControl, Verification } from '../contracts/verify-backup'
import type { Alert as AlertOf } from './prometheus'

export const ALERT_CODES = [
  'never-proven',
  'proof-too-old',
  'verdict-fail',
  'verdict-inconclusive',
  'rpo-missed',
  'rto-missed',
  'control-missed',
  'control-not-made',
  'run-failed',
  'price-missing',
  'beyond-budget',
] as const
export type AlertCode = (typeof ALERT_CODES)[number]

export type Alert = AlertOf<AlertCode>

export interface Alerting {
  /** The newest that came to a verdict of each kind of point, a snapshot or a moment, newest first: they take turns, and what is wrong with one kind
   *  is no better for the other one's night. */
  readonly lasts: readonly Pick<Verification, 'operation' | 'ladder' | 'proven' | 'controls' | 'rpoMs' | 'rto'>[]
  readonly provenAt: string | null
  readonly stale: boolean
  readonly objectives: { readonly rpoMs: number | null; readonly rtoMs: number | null }
  /** The newest run that is over, if it failed and came to no verdict; or one that waits for a person, or goes on for too long; or a
   *  night's plan that failed. */
  readonly failedRun: { readonly operation: string; readonly code: string } | null
  /** Why the fleet's money never pays for it, by its newest plan; null: it does, or none is declared. */
  readonly unpayable: { readonly code: 'price-missing' | 'beyond-budget'; readonly why: string } | null
}

type Last = Alerting['lasts'][number]

/** In the order of the codes. Pure. */
export function alertsOf({ lasts, provenAt, stale, objectives, failedRun, unpayable }: Alerting): Alert[] {
  const alerts: Alert[] = []
  const raise = (when: boolean, code: AlertCode, message: string): void => {
    if (when) alerts.push({ code, message })
  }
  const raiseOf = (code: AlertCode, when: (last: Last) => boolean, message: (last: Last) => string): void => {
    for (const last of lasts) raise(when(last), code, message(last))
  }
  raise(stale && provenAt === null, 'never-proven', 'No backup of it was ever proven, and verifyEvery is declared.')
  raise(stale && provenAt !== null, 'proof-too-old', `Its last proof, of ${provenAt}, is older than verifyEvery allows.`)
  // A missed objective makes a verdict a fail too, proven or not, and is told by codes of its own.
  raiseOf('verdict-fail', isWanting, ({ operation }) => `${operation} found its backup wanting.`)
  raiseOf(
    'verdict-inconclusive',
    (last) => !last.proven && !isWanting(last),
    ({ operation }) => `${operation} could not prove its backup.`,
  )
  raiseOf(
    'rpo-missed',
    ({ rpoMs }) => isMissed(rpoMs, objectives.rpoMs),
    ({ operation }) => `By ${operation} a recovery would lose more than the objective rpo allows.`,
  )
  raiseOf(
    'rto-missed',
    ({ rto }) => isMissed(rto?.totalMs, objectives.rtoMs),
    ({ operation }) => `By ${operation} a recovery takes longer than the objective rto allows.`,
  )
  raiseOf(
    'control-missed',
    (last) => controlsThat(last, 'missed').length > 0,
    ({ operation }) => `${operation} did not notice damage that was done on purpose: no verification is to be trusted.`,
  )
  raiseOf(
    'control-not-made',
    (last) => controlsThat(last, 'failed').length > 0,
    (last) =>
      `Whether ${last.operation} would have noticed damage could not be tried: ${controlsThat(last, 'failed').join('; ')}`,
  )
  if (failedRun !== null) {
    const { operation, code } = failedRun
    raise(true, 'run-failed', `${operation} did not come to a good end: ${code}.`)
  }
  if (unpayable !== null) raise(true, unpayable.code, `No night's verifications include it: ${unpayable.why}.`)
  return alerts
}

function isWanting({ ladder }: Last): boolean {
  return ladder.some(({ outcome }) => outcome === 'fail')
}

function controlsThat({ controls = [] }: Last, became: NegativeControl['outcome']): string[] {
  return controls.filter(({ outcome }) => outcome === became).map(({ summary }) => summary)
}

function isMissed(measured: number | null | undefined, allowed: number | null): boolean {
  return measured !== null && measured !== undefined && allowed !== null && measured > allowed
}
