/** Until when a snapshot is kept: by its hours, or by the generations that it is of. */
import type { ManagedPostgres } from '../../clouds/port'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { IsoInstant, OperationId } from '../../contracts/operation'
import { documentOf, type RetentionRecord } from '../../contracts/snapshot'
import type { Ledger } from '../../ledger/ledger'
import { rememberOnce } from '../remember'
import { type KeptSnapshot, planGenerations } from './generations'
import { isWanting } from './retention'
import { type JudgedSnapshot, judgeSeries } from './series'

interface Taking {
  readonly ledger: Ledger
  readonly cloud: ManagedPostgres
  readonly database: DatabaseEntry
  /** Of a copy, whose generations are those of its own region; null: the database's own. */
  readonly region: string | null
  readonly instanceId: () => Promise<string>
  readonly operation: OperationId
  readonly retentionHours: number
  readonly takenAt: IsoInstant
}

const HOUR_MS = 3_600_000

/** Decided once: by the time of a repeat the snapshot itself is there, and another month may have begun. */
export async function keptUntil(taking: Taking): Promise<IsoInstant> {
  const { ledger, cloud, database, region, operation, retentionHours, takenAt } = taking
  const policy = database.policy.snapshotGenerations
  if (policy === undefined) return new Date(Date.parse(takenAt) + retentionHours * HOUR_MS).toISOString()
  const { expiresAt } = await rememberOnce<RetentionRecord>(
    ledger,
    { operation, name: documentOf('retention', region) },
    async () => {
      const instanceId = await taking.instanceId()
      const judged = await judgeSeries({ ledger, cloud, cloudName: database.cloud, region, instanceId, operation, now: takenAt })
      return planGenerations(policy, takenAt, reliable(judged))
    },
  )
  return expiresAt
}

/** What may be taken back, or was found wanting, stands for no week and no month. */
export function reliable(judged: readonly Pick<JudgedSnapshot, 'facts' | 'standing'>[]): KeptSnapshot[] {
  return judged.flatMap(({ facts: { state, origin }, standing }) => {
    const counts =
      state === 'ready' && standing !== 'other-instance' && origin?.ended === true && origin.sound && !isWanting(origin)
    return counts ? [{ takenAt: origin.takenAt, expiresAt: origin.expiresAt }] : []
  })
}
