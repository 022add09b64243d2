/** Classes on offer: names without machines behind them. Source: RDS user guide, "DB instance classes", those for PostgreSQL. */
import { invalidValue } from './errors'
import type { Engine } from './state'

const SIZES = {
  burstable: ['micro', 'small', 'medium', 'large', 'xlarge', '2xlarge'],
  common: ['large', 'xlarge', '2xlarge', '4xlarge', '8xlarge', '12xlarge', '16xlarge'],
} as const

const FAMILIES: Readonly<Record<string, readonly string[]>> = {
  t3: SIZES.burstable,
  t4g: SIZES.burstable,
  m5: SIZES.common,
  m6g: SIZES.common,
  m6i: SIZES.common,
  m7g: SIZES.common,
  m8g: SIZES.common,
  r5: SIZES.common,
  r6g: SIZES.common,
  r6i: SIZES.common,
  r7g: SIZES.common,
  r8g: SIZES.common,
}

const INSTANCE_CLASSES: readonly string[] = Object.entries(FAMILIES).flatMap(([family, sizes]) =>
  sizes.map((size) => `db.${family}.${size}`),
)

/** Its capacity is its cluster's to say. */
export const SERVERLESS = 'db.serverless'

const AURORA_CLASSES: readonly string[] = [
  ...INSTANCE_CLASSES.filter((name) => /^db\.(r\w+\.|t\w+\.(medium|large)$)/.test(name)),
  SERVERLESS,
]

export function classesFor(engine: Engine): readonly string[] {
  return engine === 'postgres' ? INSTANCE_CLASSES : AURORA_CLASSES
}

/** @throws AwsError InvalidParameterValue. */
export function parseInstanceClass(value: string, engine: Engine = 'postgres'): string {
  if (!classesFor(engine).includes(value)) throw invalidValue(`Invalid DB Instance class: ${value}`)
  return value
}
