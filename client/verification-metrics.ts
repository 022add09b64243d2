/** The report of the verifications as Prometheus reads it, for its node exporter's textfile collector or a push. Instants rather
 *  than ages, so that a file that nobody writes any more grows old by itself. infra/alerts/ has the rules. */
import { type Metric, metricLines, type Sample, seconds, soleMetric } from './prometheus'
import { ALERT_CODES } from './verification-alerts'
import type { VerificationStanding } from './verification-report'

const VERDICTS = ['pass', 'fail', 'inconclusive'] as const
const HOUR_S = 3_600

const METRICS: Readonly<Record<string, Metric<VerificationStanding>>> = {
  capstan_backup_proven_timestamp_seconds: {
    help: 'When a backup was proven last; 0: never.',
    of: ({ provenAt }) => [{ labels: {}, value: provenAt === null ? 0 : seconds(provenAt) }],
  },
  capstan_backup_verify_every_seconds: {
    help: 'How old the last proof may be, by the fleet file.',
    of: ({ objectives: { verifyEveryHours } }) => one(verifyEveryHours === null ? null : verifyEveryHours * HOUR_S),
  },
  capstan_backup_verdict: {
    help: '1 for what the last verification came to.',
    of: ({ last }) =>
      last === null ? [] : VERDICTS.map((verdict) => ({ labels: { verdict }, value: Number(last.verdict === verdict) })),
  },
  capstan_backup_rpo_seconds: {
    help: 'What a recovery would have lost, by the last verification.',
    of: ({ last }) => one(inSeconds(last?.rpoMs)),
  },
  capstan_backup_rpo_objective_seconds: {
    help: 'What it may lose, by the fleet file.',
    of: ({ objectives }) => one(inSeconds(objectives.rpoMs)),
  },
  capstan_backup_rto_seconds: {
    help: 'How long a recovery took, with its verification.',
    of: ({ last }) => one(inSeconds(last?.rto?.totalMs)),
  },
  capstan_backup_rto_objective_seconds: {
    help: 'How long it may take, by the fleet file.',
    of: ({ objectives }) => one(inSeconds(objectives.rtoMs)),
  },
  capstan_backup_alert: {
    help: '1 for what somebody has to hear of.',
    of: ({ alerts }) =>
      ALERT_CODES.map((code) => ({ labels: { code }, value: Number(alerts.some((alert) => alert.code === code)) })),
  },
}

/** A line each. `now`: in milliseconds. */
export function verificationMetrics(standings: readonly VerificationStanding[], now: number): string[] {
  const lines = metricLines(METRICS, standings, ({ database, environment }) => ({ database, environment }))
  return [...lines, ...soleMetric('capstan_backup_report_timestamp_seconds', 'When this was reported.', now / 1_000)]
}

const inSeconds = (ms: number | null | undefined): number | null => (ms === null || ms === undefined ? null : ms / 1_000)
const one = (value: number | null): Sample[] => (value === null ? [] : [{ labels: {}, value }])
