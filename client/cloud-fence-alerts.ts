/** What of an instance that is kept fenced somebody has to hear of. Codes are for machines and stay as they are. */
import type { FencedInstance } from '../contracts/instance-fence'
import type { Alert as AlertOf } from './prometheus'
import { instant } from './quantities'

export const CLOUD_FENCE_ALERT_CODES = ['no-means', 'not-as-left', 'not-looked-at'] as const
type CloudFenceAlertCode = (typeof CLOUD_FENCE_ALERT_CODES)[number]
export type CloudFenceAlert = AlertOf<CloudFenceAlertCode>

/** The watch looks each minute, or as often as the operation said. */
const LOOKED_MS_MAX = 5 * 60_000

/** In the order of the codes. `now`: in milliseconds. Pure. */
export function cloudFenceAlerts(fence: FencedInstance, now: number): readonly CloudFenceAlert[] {
  const { instance, state, since, look, means } = fence
  if (state === 'lifted' || state === 'gone') return []
  const lookedAt = look?.at ?? since
  const alerts: CloudFenceAlert[] = []
  if (state === 'fenced' && !means.includes('stop') && look?.state !== 'stopped')
    alerts.push({
      code: 'no-means',
      message: `${instance} could not be stopped, so that whoever was connected may be so still: nobody can say that it has no writer.`,
    })
  if (look !== null && look.found !== null)
    alerts.push({
      code: 'not-as-left',
      message: `${instance} was not as its fence left it at ${instant(look.at)}: ${look.found}`,
    })
  if (state !== 'lifting' && now - Date.parse(lookedAt) > LOOKED_MS_MAX)
    alerts.push({
      code: 'not-looked-at',
      message: `Nobody has looked at ${instance} since ${instant(lookedAt)}: see whether a worker of its cloud runs. Its cloud may start it meanwhile.`,
    })
  return alerts
}
