/** What simulated RDS remembers of Aurora's global databases. */
import type { PostgresMajor } from '../../pgserver/binaries'
import type { Doom } from '../faults/call-faults'

export type GlobalStatus = 'creating' | 'available' | 'switching-over' | 'failing-over' | 'deleting'

/** `to`: the resource id of the cluster that is to lead. `deposed`: the old writer is ended, and nobody goes back to it. `head`: the
 *  resource id of the member that was told to write. */
export type GlobalTask = (
  | { kind: 'switch-over'; to: string }
  | { kind: 'fail-over'; to: string; deposed?: true; head?: string }
) & { doom?: Doom }

/** An Aurora global database: one cluster that leads, and others in other regions whose members follow its writer. */
export interface GlobalCluster {
  major: PostgresMajor
  engineVersion: string
  databaseName: string | null
  id: string
  resourceId: string
  status: GlobalStatus
  encrypted: boolean
  deletionProtection: boolean
  /** Last number of the address of its endpoint, behind which is whoever writes. */
  host: number
  /** The resource ids of its clusters, in the order in which they came. */
  clusters: string[]
  /** Of the one that leads; null while there is none. */
  primary: string | null
  tags: Record<string, string>
  tasks: GlobalTask[]
}
