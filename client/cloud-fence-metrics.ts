/** The instances that are kept fenced as Prometheus reads them. infra/alerts/ has the rules. */
import type { FencedInstance, FencedInstanceState } from '../contracts/instance-fence'
import { CLOUD_FENCE_ALERT_CODES, cloudFenceAlerts } from './cloud-fence-alerts'
import { type Metric, metricLines, seconds, soleMetric } from './prometheus'

const STATES: readonly FencedInstanceState[] = ['fencing', 'fenced', 'lifting', 'lifted', 'gone']

const metricsAt = (now: number): Readonly<Record<string, Metric<FencedInstance>>> => ({
  capstan_cloud_fence_state: {
    help: '1 for the state that its fence is in.',
    of: ({ state }) => STATES.map((one) => ({ labels: { state: one }, value: Number(one === state) })),
  },
  capstan_cloud_fence_looked_timestamp_seconds: {
    help: 'When it was looked at last; 0: it was not yet.',
    of: ({ look }) => [{ labels: {}, value: look === null ? 0 : seconds(look.at) }],
  },
  capstan_fence_reasserted_total: {
    help: 'How often it was closed or stopped once more, since its cloud had started it or somebody had opened it.',
    type: 'counter',
    of: ({ reasserted }) => [{ labels: {}, value: reasserted }],
  },
  capstan_cloud_fence_alert: {
    help: '1 for what somebody has to hear of.',
    of: (fence) => {
      const alerts = cloudFenceAlerts(fence, now)
      return CLOUD_FENCE_ALERT_CODES.map((code) => ({
        labels: { code },
        value: Number(alerts.some((alert) => alert.code === code)),
      }))
    },
  },
})

/** A line each. `now`: in milliseconds. */
export function cloudFenceMetrics(fences: readonly FencedInstance[], now: number): string[] {
  const lines = metricLines(metricsAt(now), fences, ({ cloud, region, instance, database }) => ({
    cloud,
    region,
    instance,
    database,
  }))
  return [...lines, ...soleMetric('capstan_cloud_fences_report_timestamp_seconds', 'When this was reported.', now / 1_000)]
}
