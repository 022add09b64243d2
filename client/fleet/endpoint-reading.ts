/** What whoever reads an endpoint of the fleet file works with. */
import type { FleetFileDatabase } from '../../contracts/fleet.schema'
import type { FieldPath } from './source'

export type FileEndpoint = NonNullable<FleetFileDatabase['endpoint']>

/** Takes what is wrong. */
export interface EndpointReader {
  wrong(path: FieldPath, rule: string): void
}

/** What an entry says that its endpoint need not say again: what a pooler's database is called, and where a zone is. */
export type Around = Pick<FleetFileDatabase, 'cloud' | 'database'> & {
  readonly account?: string
  readonly resourceGroup?: string
}
