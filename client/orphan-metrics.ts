/** The report of the orphans as Prometheus reads it. Instants rather than ages, as in `verification-metrics.ts`. infra/alerts/ has the rules. */
import { COPY_STANDINGS } from '../contracts/orphans'
import { ORPHAN_ALERT_CODES } from './orphan-alerts'
import type { PlaceStanding } from './orphan-report'
import { type Metric, metricLines, seconds, soleMetric } from './prometheus'

const METRICS: Readonly<Record<string, Metric<PlaceStanding>>> = {
  capstan_orphans_listed_timestamp_seconds: {
    help: 'When a run listed last what is there; 0: none has.',
    of: ({ sweep }) => [{ labels: {}, value: sweep?.listedAt ? seconds(sweep.listedAt) : 0 }],
  },
  capstan_orphans_every_seconds: {
    help: 'How often one runs, by the fleet file.',
    of: ({ everyMs }) => [{ labels: {}, value: everyMs / 1_000 }],
  },
  capstan_orphans_instances: {
    help: 'Instances that are named as copies are, by why they stay.',
    of: ({ sweep }) =>
      COPY_STANDINGS.map((standing) => ({
        labels: { standing },
        value: (sweep?.instances ?? []).filter((one) => one.standing === standing).length,
      })),
  },
  capstan_orphans_alert: {
    help: '1 for what somebody has to hear of.',
    of: ({ alerts }) =>
      ORPHAN_ALERT_CODES.map((code) => ({ labels: { code }, value: Number(alerts.some((alert) => alert.code === code)) })),
  },
}

/** A line each. `now`: in milliseconds. */
export function orphanMetrics(standings: readonly PlaceStanding[], now: number): string[] {
  const lines = metricLines(METRICS, standings, ({ place }) => ({ place }))
  return [...lines, ...soleMetric('capstan_orphans_report_timestamp_seconds', 'When this was reported.', now / 1_000)]
}
