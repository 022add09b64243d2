/** The class of a cluster's writer in one word: RDS's own, such as `db.r6g.large`; or, for one of Serverless v2, with the capacity between which its
 *  cluster scales, in Aurora capacity units: `db.serverless/0.5-16`. Source: RDS API reference, ServerlessV2ScalingConfiguration. */
import type { DBCluster, DBInstance } from '@aws-sdk/client-rds'
import { failure } from '../../../contracts/failures'

const SERVERLESS = 'db.serverless'

interface Capacity {
  readonly MinCapacity: number
  readonly MaxCapacity: number
}

export interface WriterClass {
  readonly DBInstanceClass: string
  /** Null: of another class; or of this one, with the capacity that its cluster has. */
  readonly capacity: Capacity | null
}

/** @throws CLOUD_REFUSED for a capacity that is none. */
export function parseClass(text: string): WriterClass {
  if (!text.startsWith(`${SERVERLESS}/`)) return { DBInstanceClass: text, capacity: null }
  const [, min, max] = /^\/(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/.exec(text.slice(SERVERLESS.length)) ?? []
  if (min === undefined || max === undefined) {
    throw failure('CLOUD_REFUSED', `${text} is no class with a capacity; wanted is one such as ${SERVERLESS}/0.5-16.`, {
      instanceClass: text,
    })
  }
  return { DBInstanceClass: SERVERLESS, capacity: { MinCapacity: Number(min), MaxCapacity: Number(max) } }
}

export function classOf(
  { ServerlessV2ScalingConfiguration: scaling }: DBCluster,
  { DBInstanceClass = '' }: Pick<DBInstance, 'DBInstanceClass'>,
): string {
  if (DBInstanceClass !== SERVERLESS || scaling === undefined) return DBInstanceClass
  return `${SERVERLESS}/${scaling.MinCapacity}-${scaling.MaxCapacity}`
}

/** What a new cluster is told, for a writer of that class to be made in it. */
export function scalingOf({ capacity }: WriterClass): { ServerlessV2ScalingConfiguration?: Capacity } {
  return capacity === null ? {} : { ServerlessV2ScalingConfiguration: { ...capacity } }
}

export function hasCapacity({ ServerlessV2ScalingConfiguration: scaling }: DBCluster, { capacity }: WriterClass): boolean {
  return capacity === null || (scaling?.MinCapacity === capacity.MinCapacity && scaling.MaxCapacity === capacity.MaxCapacity)
}
