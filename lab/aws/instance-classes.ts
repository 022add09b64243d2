/** Classes on offer: names without machines behind them. Source: RDS user guide, "DB instance classes", those for PostgreSQL. */
import { invalidValue } from './errors'

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

export const INSTANCE_CLASSES: readonly string[] = Object.entries(FAMILIES).flatMap(([family, sizes]) =>
  sizes.map((size) => `db.${family}.${size}`),
)

/** @throws AwsError InvalidParameterValue. */
export function parseInstanceClass(value: string): string {
  if (!INSTANCE_CLASSES.includes(value)) throw invalidValue(`Invalid DB Instance class: ${value}`)
  return value
}
