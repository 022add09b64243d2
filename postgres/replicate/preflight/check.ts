/** How a check is asked: what it is given, and what it answers. Findings are returned, never thrown. */
import type { Cloud, TlsMode } from '../../../contracts/fleet'
import type { PreflightCheckId, PreflightFinding, PreflightUnknown } from '../../../contracts/preflight'
import type { StandbyNames } from '../../../contracts/standby'
import type { Row } from '../../connect/session'
import type { HistoryLocation } from '../../migrate/history'

export type PreflightSide = PreflightFinding['side']

/** One of the two databases, as its admin sees it. */
export interface SideLook {
  /** Null: no cloud that is known; its settings are changed by SQL. */
  readonly cloud: Cloud | null
  /** For example 150018. */
  readonly versionNum: number
  /** One SELECT, in a read-only transaction of its own: one that is refused keeps no other from its answer. */
  query<T extends Row>(sql: string, values?: readonly unknown[]): Promise<T[]>
}

export interface Asked {
  /** As whom the standby logs in at the source. */
  readonly publisher: { readonly user: string; readonly tls: TlsMode }
  /** Of the disks, in bytes, as the clouds tell it; null: they do not. */
  readonly dataBytesFree: Readonly<Record<PreflightSide, number | null>>
  /** The standby's, once its cloud has made it as large as that goes, which it does more slowly than rows are copied; null: it does not. */
  readonly bytesFreeLater: number | null
  readonly retainedBytesMax: number
  /** The standby bears the mark of an unfinished set-up by this same source. */
  readonly prepared: boolean
  /** What is ours on both sides, so that it is not told as somebody else's; null: nothing is yet. */
  readonly names: StandbyNames | null
  /** As whom the standby's schema is built, who then owns its tables; null: nobody says. */
  readonly migrator: string | null
  readonly history: HistoryLocation
  readonly limits: PreflightLimits
}

export interface PreflightLimits {
  /** From when on a prepared transaction counts as one that nobody ends. */
  readonly preparedMs: number
  /** Findings that one check tells; what is over that is counted. */
  readonly findingsMax: number
}

export interface Look extends Readonly<Record<PreflightSide, SideLook>> {
  readonly asked: Asked
}

export interface Told {
  readonly findings: readonly Omit<PreflightFinding, 'check'>[]
  readonly notKnown?: readonly Omit<PreflightUnknown, 'check'>[]
}

export const NOTHING: Told = { findings: [] }

export interface Check {
  readonly id: PreflightCheckId
  /** Each is answered by itself: one that cannot be keeps no other from its answer. */
  readonly questions: readonly ((look: Look) => Promise<Told>)[]
}
