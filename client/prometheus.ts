/** Prometheus's text format 0.0.4, and the alerts that are written in it. */

export interface Alert<Code extends string> {
  readonly code: Code
  /** One sentence. */
  readonly message: string
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Metric<Of> {
  readonly help: string
  /** Left out: a gauge. */
  readonly type?: 'counter'
  readonly of: (one: Of) => readonly Sample[]
}

/** A line each. `labels`: of one of them. */
export function metricLines<Of>(
  metrics: Readonly<Record<string, Metric<Of>>>,
  all: readonly Of[],
  labels: (one: Of) => Sample['labels'],
): string[] {
  return Object.entries(metrics).flatMap(([name, { help, type, of }]) => [
    ...heading(name, help, type),
    ...all.flatMap((one) =>
      of(one).map((sample) => `${name}{${shownLabels({ ...labels(one), ...sample.labels })}} ${sample.value}`),
    ),
  ])
}

/** Of the whole. */
export function soleMetric(name: string, help: string, value: number): string[] {
  return [...heading(name, help), `${name} ${value}`]
}

const heading = (name: string, help: string, type = 'gauge'): string[] => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`]

function shownLabels(labels: Readonly<Record<string, string>>): string {
  const escaped = (value: string): string => value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(',')
}

/** In seconds since 1970. */
export const seconds = (instant: string): number => Date.parse(instant) / 1_000
