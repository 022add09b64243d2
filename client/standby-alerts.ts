/** What of a standby in another cloud somebody has to hear of. Codes are for machines and stay as they are. */
import type { StandbyLook, StandbyRecord, StandbyState } from '../contracts/standby'
import type { Alert as AlertOf } from './prometheus'
import { instant } from './quantities'

export const STANDBY_ALERT_CODES = [
  'late',
  'broken',
  'to-be-seeded',
  'switching',
  'slot-retention',
  'schema-differs',
  'waits-for-migration',
  'unreached',
  'not-looked-at',
] as const
type StandbyAlertCode = (typeof STANDBY_ALERT_CODES)[number]
export type StandbyAlert = AlertOf<StandbyAlertCode>

/** The watch looks every few seconds. */
const LOOKED_MS_MAX = 10 * 60_000

/** Writing moves within seconds; an operation that waits for somebody, or was ended by force, leaves it so. */
const SWITCHING_MS_MAX = 5 * 60_000

const OF_STATE: Readonly<Partial<Record<StandbyState, StandbyAlertCode>>> = {
  late: 'late',
  broken: 'broken',
  'to-be-seeded': 'to-be-seeded',
}

/** Rules of a look's findings that are alerts by their own name. */
const OF_FINDINGS = ['slot-retention', 'schema-differs', 'unreached'] as const

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
  alerts.push(...OF_FINDINGS.flatMap((code) => messagesOf(look, code).map((message) => ({ code, message }))))
  if (look?.waits !== undefined && now - Date.parse(look.waits.since) > declared.lagMsMax)
    alerts.push(...messagesOf(look, WAITS).map((message) => ({ code: WAITS, message })))
  const lookedAt = look?.at ?? since
  if (now - Date.parse(lookedAt) > LOOKED_MS_MAX)
    alerts.push({
      code: 'not-looked-at',
      message: `Nobody has looked at ${target} of ${source} since ${instant(lookedAt)}: see whether a worker runs. Nothing stops its slot from filling the disk meanwhile.`,
    })
  return alerts
}

function messagesOf(look: StandbyLook | null, rule: string): string[] {
  return (look?.findings ?? []).filter((finding) => finding.rule === rule).map(({ message }) => message)
}
