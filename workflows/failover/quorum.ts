/** What probes make of a source together. Pure. A single one is never enough: a path that is cut looks like a server that is gone. */
import type { Probe, ProbeOutcome, SourceVerdict } from '../../contracts/failover'

const SILENT_MIN = 2

/** Dead: nobody was served or answered, two or more were met with silence, and these are more than those that could not say. */
export function verdictOf(probes: readonly Pick<Probe, 'outcome'>[]): SourceVerdict {
  const count = (outcome: ProbeOutcome): number => probes.filter((one) => one.outcome === outcome).length
  if (count('served') > 0) return 'healthy'
  const silent = count('silent')
  return count('answered') === 0 && silent >= SILENT_MIN && silent > count('unknown') ? 'dead' : 'ill'
}

/** `dead: silent for 3 of 4, unknown to 1` */
export function shownVerdict(probes: readonly Probe[]): string {
  const outcomes: readonly ProbeOutcome[] = ['served', 'answered', 'silent', 'unknown']
  const parts = outcomes.flatMap((outcome) => {
    const found = probes.filter((one) => one.outcome === outcome)
    return found.length === 0 ? [] : [`${outcome}: ${found.map(({ from, said }) => `${from} (${said})`).join(', ')}`]
  })
  return `${verdictOf(probes)}; ${parts.join('; ')}`
}
