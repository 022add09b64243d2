/** The standbys in other clouds as Prometheus reads them. Instants rather than ages, as in `verification-metrics.ts`; what was not seen has no sample.
 *  infra/alerts/ has the rules. */
import type { StandbyRecord, StandbyState } from '../contracts/standby'
import { type Metric, metricLines, type Sample, seconds, soleMetric } from './prometheus'
import { STANDBY_ALERT_CODES, standbyAlerts } from './standby-alerts'

const STATES: readonly StandbyState[] = [
  ...(['building', 'copying', 'following', 'late', 'paused', 'broken'] as const),
  ...(['switching', 'to-be-seeded', 'gone'] as const),
]

const measured = (value: number | null | undefined): readonly Sample[] =>
  value === null || value === undefined ? [] : [{ labels: {}, value }]

const metricsAt = (now: number): Readonly<Record<string, Metric<StandbyRecord>>> => ({
  capstan_standby_state: {
    help: '1 for the state that it is in.',
    of: ({ state }) => STATES.map((one) => ({ labels: { state: one }, value: Number(one === state) })),
  },
  capstan_standby_looked_timestamp_seconds: {
    help: 'When it was looked at last; 0: it was not yet.',
    of: ({ look }) => measured(look === null ? 0 : seconds(look.at)),
  },
  capstan_standby_beat_timestamp_seconds: {
    help: 'The newest beat that has arrived, by the clock of the source.',
    of: ({ look }) => measured(look?.beatAt == null ? null : seconds(look.beatAt)),
  },
  capstan_standby_lag_seconds: {
    help: 'How old that beat was when it was looked at.',
    of: ({ look }) => measured(look?.lagMs == null ? null : look.lagMs / 1_000),
  },
  capstan_standby_lag_seconds_max: {
    help: 'How late it may be, by the fleet file.',
    of: ({ declared }) => measured(declared.lagMsMax / 1_000),
  },
  capstan_standby_lag_bytes: {
    help: 'Log that the source has flushed and the standby has not confirmed.',
    of: ({ look }) => measured(look?.lagBytes),
  },
  capstan_standby_retained_bytes: {
    help: 'Log that its slots hold back on the source.',
    of: ({ look }) => measured(look?.source?.slot?.retainedBytes),
  },
  capstan_standby_retained_bytes_max: {
    help: 'What they may hold back, by the fleet file; above it the slot is dropped.',
    of: ({ declared }) => measured(declared.retainedBytesMax),
  },
  capstan_standby_compared_timestamp_seconds: {
    help: 'When the newest comparison of its rows ended.',
    of: ({ compared }) => measured(compared?.last == null ? null : seconds(compared.last.endedAt)),
  },
  capstan_standby_equal_timestamp_seconds: {
    help: 'When the newest comparison began that found all of them equal.',
    of: ({ compared }) => measured(compared?.equalAt == null ? null : seconds(compared.equalAt)),
  },
  capstan_standby_tables_differing: {
    help: 'Tables of which the newest comparison found rows that differ.',
    of: ({ compared }) => measured(compared?.last?.tablesDiffering),
  },
  capstan_standby_alert: {
    help: '1 for what somebody has to hear of.',
    of: (standby) => {
      const alerts = standbyAlerts(standby, now)
      return STANDBY_ALERT_CODES.map((code) => ({ labels: { code }, value: Number(alerts.some((alert) => alert.code === code)) }))
    },
  },
})

/** A line each. `now`: in milliseconds. */
export function standbyMetrics(standbys: readonly StandbyRecord[], now: number): string[] {
  const lines = metricLines(metricsAt(now), standbys, ({ source, target }) => ({ source, standby: target }))
  return [...lines, ...soleMetric('capstan_standbys_report_timestamp_seconds', 'When this was reported.', now / 1_000)]
}
