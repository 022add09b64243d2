/** Copies and why they stay, for people. */
import type { CopyStanding, Orphans, TemporaryInstance } from '../../../contracts/orphans'
import type { PlaceStanding } from '../../orphan-report'
import { instant } from '../../quantities'
import type { Paint } from '../io'
import { oneLine } from './quoted'
import { table } from './table'

const STANDINGS: Readonly<Record<CopyStanding, string>> = {
  orphan: 'nobody cares for it: --remove removes it',
  'at-work': 'its operation still runs',
  kept: 'kept until then, or only just no more',
  'took-over': 'took over: it is production now',
  'in-use': 'the fleet file names it: it is a database’s instance',
  protected: 'protected from removal',
  'being-removed': 'being removed',
  'unknown-operation': 'not in this ledger: perhaps another control plane’s; never removed',
  'not-ours': 'its tags do not say whose it is; never removed',
}

export function orphanLines({ instances, removals, unreached = [] }: Orphans, paint: Paint): string[] {
  const silent = unreached.map(({ cloud, region, why }) => oneLine(`${cloud}/${region} could not be asked: ${why}`))
  if (instances.length === 0) return ['No temporary instances are there.', ...silent]
  const went = removals.map(({ name, removed, standing, failure: why }) =>
    oneLine(removed ? `${name} was removed.` : `${name} was left: ${why ?? STANDINGS[standing]}`),
  )
  return [...copies(instances, STANDINGS, paint), ...went, ...silent]
}

function copies(instances: readonly TemporaryInstance[], why: typeof STANDINGS, paint: Paint): string[] {
  const rows = instances.map(({ name, cloud, region, state, expiresAt, operation, standing }) =>
    [name, `${cloud}/${region}`, state, expiresAt ?? '', operation ?? '', why[standing]].map(oneLine),
  )
  return table(['NAME', 'CLOUD', 'STATE', 'KEPT UNTIL', 'OPERATION', 'WHY IT STAYS'], rows, paint)
}

/** For each place what its newest run came to, what is there, and what somebody has to hear of. */
export function orphanReportLines(places: readonly PlaceStanding[], paint: Paint): string[] {
  if (places.length === 0) {
    return [
      'The fleet file asks for no search for orphans by the clock: "orphans: { every: 6h }", then "capstan schedule apply".',
    ]
  }
  return places.flatMap(({ place, sweep, alerts }) => [
    `${oneLine(place)}: ${sweep?.listedAt ? `looked at ${instant(sweep.listedAt)}` : 'nobody has looked yet'}`,
    ...(sweep === null || sweep.instances.length === 0 ? [] : indented(copies(sweep.instances, BY_THE_CLOCK, paint))),
    ...indented(alerts.map(({ code, message }) => paint('yellow', oneLine(`${code}: ${message}`)))),
  ])
}

const BY_THE_CLOCK: typeof STANDINGS = { ...STANDINGS, orphan: 'nobody cares for it: the next run removes it' }

const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`)
