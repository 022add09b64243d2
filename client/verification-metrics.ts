/** The report of the verifications as Prometheus reads it (text format 0.0.4), for its node exporter's textfile collector or a push. Instants rather
 *  than ages, so that a file that nobody writes any more grows old by itself. infra/alerts/ has the rules. */
import { ALERT_CODES } from './verification-alerts'
import type { VerificationStanding } from './verification-report'

interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

interface Metric {
  readonly help: string
  readonly of: (standing: VerificationStanding) => readonly Sample[]
}

const VERDICTS = ['pass', 'fail', 'inconclusive'] as const
const HOUR_S = 3_600

const METRICS: Readonly<Record<string, Metric>> = {
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
  const lines = Object.entries(METRICS).flatMap(([name, { help, of }]) => [
    ...heading(name, help),
    ...standings.flatMap((standing) => {
      const { database, environment } = standing
      return of(standing).map(({ labels, value }) => `${name}{${shownLabels({ database, environment, ...labels })}} ${value}`)
    }),
  ])
  const report = 'capstan_backup_report_timestamp_seconds'
  return [...lines, ...heading(report, 'When this was reported.'), `${report} ${now / 1_000}`]
}

const heading = (name: string, help: string): string[] => [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`]

function shownLabels(labels: Readonly<Record<string, string>>): string {
  const escaped = (value: string): string => value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(',')
}

const seconds = (instant: string): number => Date.parse(instant) / 1_000
const inSeconds = (ms: number | null | undefined): number | null => (ms === null || ms === undefined ? null : ms / 1_000)
const one = (value: number | null): Sample[] => (value === null ? [] : [{ labels: {}, value }])
