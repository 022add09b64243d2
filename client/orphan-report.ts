/** What the runs by the clock found of the fleet's orphans, by the ledger alone. */
import type { PlaceId, Sweep } from '../contracts/orphans'
import type { DeclaredFleet, ScheduleTerms } from '../contracts/schedule'
import type { Ledger } from '../ledger/ledger'
import { type OrphanAlert, orphanAlerts } from './orphan-alerts'
import { gapMs } from './schedules/timing'

export interface PlaceStanding {
  readonly place: PlaceId
  readonly everyMs: number
  /** Null: no run has ended yet. */
  readonly sweep: Sweep | null
  readonly alerts: readonly OrphanAlert[]
}

/** Of each place for which the fleet file declares it, in the order of the file. `now`: in milliseconds. Fails as the ledger does. */
export async function reportOrphans(ledger: Ledger, { schedules }: DeclaredFleet, now: number): Promise<PlaceStanding[]> {
  const standings: PlaceStanding[] = []
  for (const { place, terms } of sweepsOf(schedules)) {
    const sweep = await ledger.getSweep(place)
    standings.push({ place, everyMs: gapMs(terms.timing), sweep, alerts: orphanAlerts(sweep, { terms, now }) })
  }
  return standings
}

function sweepsOf(schedules: DeclaredFleet['schedules']): { place: PlaceId; terms: ScheduleTerms }[] {
  return schedules.flatMap((one) => (one.kind === 'orphans' ? [{ place: one.place, terms: one.terms }] : []))
}
