/** Operations behind whose fence nobody is served, as Prometheus reads them. Instants rather than ages; what is not fenced has no sample. infra/alerts/ has the rules. */
import { FENCE_ALERT_CODES, type FencedOperation, fenceAlerts } from './fence-alerts'
import { type Metric, metricLines, seconds, soleMetric } from './prometheus'

const metricsAt = (now: number): Readonly<Record<string, Metric<FencedOperation>>> => ({
  capstan_operation_fenced_timestamp_seconds: {
    help: 'Since when nobody can write to its database.',
    of: ({ since }) => [{ labels: {}, value: seconds(since) }],
  },
  capstan_operation_fenced_seconds_max: {
    help: 'For how long that is as it should be.',
    of: ({ msMax }) => [{ labels: {}, value: msMax / 1_000 }],
  },
  capstan_operation_fence_alert: {
    help: '1 for what somebody has to hear of.',
    of: (fenced) => {
      const alerts = fenceAlerts(fenced, now)
      return FENCE_ALERT_CODES.map((code) => ({ labels: { code }, value: Number(alerts.some((alert) => alert.code === code)) }))
    },
  },
})

/** A line each. `now`: in milliseconds. */
export function fenceMetrics(fenced: readonly FencedOperation[], now: number): string[] {
  const lines = metricLines(metricsAt(now), fenced, ({ operation, kind, database }) => ({ operation, kind, database }))
  return [...lines, ...soleMetric('capstan_fences_report_timestamp_seconds', 'When this was reported.', now / 1_000)]
}
