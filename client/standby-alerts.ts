/** What of a standby in another cloud somebody has to hear of. Codes are for machines and stay as they are. */
import { rowsDiffering } from '../contracts/rows-differing'
import type { ComparisonTold, StandbyLook, StandbyRecord, StandbyState } from '../contracts/standby'
import type { Alert as AlertOf } from './prometheus'
import { chosenDuration, instant } from './quantities'

export const STANDBY_ALERT_CODES = [
  'late',
  'broken',
  'to-be-seeded',
  'switching',
  'slot-retention',
  'standby-disk',
  'schema-differs',
  'not-published',
  'unguarded',
  'lacks-files',
  'rows-differ',
  'comparison-too-old',
  'waits-for-migration',
  'unreached',
  'not-looked-at',
] as const
type StandbyAlertCode = (typeof STANDBY_ALERT_CODES)[number]
export type StandbyAlert = AlertOf<StandbyAlertCode>

/** The watch looks every few seconds. */
const LOOKED_MS_MAX = 10 * 60_000

/** Turns that may go by without its having been found equal. */
const TOO_OLD_TURNS = 2

/** Writing moves within seconds; an operation that waits for somebody, or was ended by force, leaves it so. */
const SWITCHING_MS_MAX = 5 * 60_000

const OF_STATE: Readonly<Partial<Record<StandbyState, StandbyAlertCode>>> = {
  late: 'late',
  broken: 'broken',
  'to-be-seeded': 'to-be-seeded',
}

/** Rules of a look's findings that are alerts by their own name, before those of comparisons and after. */
const BEFORE = ['slot-retention', 'standby-disk', 'schema-differs', 'not-published', 'unguarded', 'lacks-files'] as const
const AFTER = ['unreached'] as const

/** One that is carried over to waits for seconds. */
const WAITS = 'waits-for-migration' as const

/** In the order of the codes. `now`: in milliseconds. Pure. */
export function standbyAlerts(standby: StandbyRecord, now: number): readonly StandbyAlert[] {
  const { target, source, state, reason, since, look, declared } = standby
  if (state === 'gone') return []
  const ofState = OF_STATE[state]
  const alerts: StandbyAlert[] = []
  if (ofState !== undefined)
    alerts.push({
      code: ofState,
      message: `${target} of ${source} is ${state} since ${instant(since)}: ${reason ?? 'nobody says why.'}`,
    })
  if (state === 'switching' && now - Date.parse(since) > SWITCHING_MS_MAX)
    alerts.push({
      code: 'switching',
      message: `${target} of ${source} is switching since ${instant(since)}: ${reason ?? ''} See whether that operation waits for somebody; where it was ended by force, "capstan standby resume ${source} --to ${target}".`,
    })
  for (const code of BEFORE) alerts.push(...messagesOf(look, code).map((message) => ({ code, message })))
  alerts.push(...ofComparisons(standby, now))
  if (look?.waits !== undefined && now - Date.parse(look.waits.since) > declared.lagMsMax)
    alerts.push(...messagesOf(look, WAITS).map((message) => ({ code: WAITS, message })))
  for (const code of AFTER) alerts.push(...messagesOf(look, code).map((message) => ({ code, message })))
  const lookedAt = look?.at ?? since
  if (now - Date.parse(lookedAt) > LOOKED_MS_MAX)
    alerts.push({
      code: 'not-looked-at',
      message: `Nobody has looked at ${target} of ${source} since ${instant(lookedAt)}: see whether a worker runs. Nothing stops its slot from filling the disk meanwhile.`,
    })
  return alerts
}

/** Whatever keeps it from being found equal is heard by the time that it takes, and so that it could not be compared. */
function ofComparisons(standby: StandbyRecord, now: number): StandbyAlert[] {
  const { source, target, state, compared, declared } = standby
  if (compared === undefined || state === 'building' || state === 'to-be-seeded') return []
  const alerts: StandbyAlert[] = []
  const differing = rowsDiffering(standby)
  if (differing !== null) alerts.push({ code: 'rows-differ', message: differing })
  const { equalAt, since, last } = compared
  const everyMs = declared.compare?.everyMs ?? Number.POSITIVE_INFINITY
  if (now - Date.parse(equalAt ?? since) > TOO_OLD_TURNS * everyMs) {
    const known = equalAt === null ? 'was never found equal' : `was found equal last at ${instant(equalAt)}`
    const why = last === null || last.verdict !== 'inconclusive' ? '' : ` The newest comparison could not say: ${leftOf(last)}`
    alerts.push({
      code: 'comparison-too-old',
      message: `${target} ${known}, and is to be compared with ${source} every ${chosenDuration(everyMs)}.${why}`,
    })
  }
  return alerts
}

function leftOf({ left, tablesLeft }: ComparisonTold): string {
  const [first] = left
  if (first === undefined) return 'nothing is published.'
  return `${first.table}: ${first.why}${tablesLeft > 1 ? ` (and ${tablesLeft - 1} more)` : ''}`
}

function messagesOf(look: StandbyLook | null, rule: string): string[] {
  return (look?.findings ?? []).filter((finding) => finding.rule === rule).map(({ message }) => message)
}
