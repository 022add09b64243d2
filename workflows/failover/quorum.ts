/** What probes make of a source together. Pure. A single place is never enough, however many probes are made there: a path that is cut looks like a server that is gone. */
import type { Probe, ProbeOutcome, SourceVerdict } from '../../contracts/failover'

const SILENT_MIN = 2

type Heard = Pick<Probe, 'outcome' | 'from' | 'via'>

const WORTH: Readonly<Record<ProbeOutcome, number>> = { unknown: 0, silent: 1, answered: 2, served: 3 }

/** By place, what was met there best. */
function byPlace(probes: readonly Heard[]): ReadonlyMap<string, ProbeOutcome> {
  const places = new Map<string, ProbeOutcome>()
  for (const { outcome, from, via = from } of probes) {
    const best = places.get(via)
    if (best === undefined || WORTH[outcome] > WORTH[best]) places.set(via, outcome)
  }
  return places
}

/** Dead: nobody was served or answered, two or more places met silence, and these are more than those that could not say. */
export function verdictOf(probes: readonly Heard[]): SourceVerdict {
  const met = [...byPlace(probes).values()]
  const count = (outcome: ProbeOutcome): number => met.filter((one) => one === outcome).length
  if (count('served') > 0) return 'healthy'
  const silent = count('silent')
  return count('answered') === 0 && silent >= SILENT_MIN && silent > count('unknown') ? 'dead' : 'ill'
}

/** How many different places were asked from, and how many of them met silence. */
export function placesOf(probes: readonly Heard[]): { readonly places: number; readonly silent: number } {
  const met = [...byPlace(probes).values()]
  return { places: met.length, silent: met.filter((one) => one === 'silent').length }
}

/** `dead, silent to 2 of 3 places; silent: …, unknown: …` */
export function shownVerdict(probes: readonly Probe[]): string {
  const outcomes: readonly ProbeOutcome[] = ['served', 'answered', 'silent', 'unknown']
  const parts = outcomes.flatMap((outcome) => {
    const found = probes.filter((one) => one.outcome === outcome)
    return found.length === 0 ? [] : [`${outcome}: ${found.map(({ from, said }) => `${from} (${said})`).join(', ')}`]
  })
  const { places, silent } = placesOf(probes)
  return `${verdictOf(probes)}, silent to ${silent} of ${places} ${places === 1 ? 'place' : 'places'} of the network; ${parts.join('; ')}`
}
