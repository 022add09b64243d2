/** A change shows in the API at once, and in what is answered after the profile's time for small things. One after the other, so that an older one never
 *  comes back. */
import type { Pace } from '../profile'
import type { Zone, ZoneChange, Zones } from './zone'

export interface PublishingOptions {
  readonly cloud: string
  readonly zones: () => Zones
  readonly pace: Pace
  save(): Promise<void>
  log(line: string): void
}

export class Publishing {
  readonly #closing = new AbortController()
  readonly #turns = new Map<string, Promise<void>>()

  constructor(private readonly options: PublishingOptions) {}

  /** What the zone has now. */
  announce(zone: Zone, change: ZoneChange | null): void {
    const records = structuredClone(zone.records)
    const turn = (this.#turns.get(zone.id) ?? Promise.resolve())
      .then(() => this.options.pace.lasts('itemMs', `${this.options.cloud}/${zone.id}`, this.#closing.signal))
      .then(() => this.#publish(zone, records, change))
      .catch((error) => {
        if (!this.#closing.signal.aborted) this.options.log(`zone ${zone.id}: ${error}`)
      })
    this.#turns.set(zone.id, turn)
  }

  /** What an earlier lab left is answered from now on. */
  async resume(): Promise<void> {
    const zones = Object.values(this.options.zones())
    if (zones.length === 0) return
    for (const zone of zones) {
      zone.published = structuredClone(zone.records)
      for (const change of zone.changes) change.pending = false
    }
    await this.options.save()
  }

  close(): void {
    this.#closing.abort(new Error('The lab is closing.'))
  }

  async #publish(zone: Zone, records: Zone['records'], change: ZoneChange | null): Promise<void> {
    zone.published = records
    if (change) change.pending = false
    await this.options.save()
  }
}
