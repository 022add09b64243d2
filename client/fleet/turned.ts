/** A pair is declared once, at the database that was its first writer; with a `wayBack` the same declaration serves the other way round. */
import type { DatabaseEntry, DeclaredStandby } from '../../contracts/fleet'
import type { LoadedFleet } from './read-fleet'

export interface Turned {
  /** That declares it, and is the standby. */
  readonly other: DatabaseEntry
  /** As if the writer of now declared it. */
  readonly declared: DeclaredStandby
  /** As the file has it. */
  readonly back: DeclaredStandby
}

/** Of one that was the first writer's standby, and is the writer now. */
export function backward({ databases }: Pick<LoadedFleet, 'databases'>, source: DatabaseEntry): Turned[] {
  return databases.flatMap((other) =>
    (other.standbys ?? []).flatMap((back) => {
      const declared = back.database === source.name ? turned(other, back) : null
      return declared === null ? [] : [{ other, declared, back }]
    }),
  )
}

/** Null: nobody declared how it follows. */
export function turned(
  { name }: DatabaseEntry,
  { wayBack, publisher, retainedBytesMax, lagMsMax, compare }: DeclaredStandby,
): DeclaredStandby | null {
  if (wayBack === undefined) return null
  const compared = compare === undefined ? {} : { compare }
  return { database: name, publisher: wayBack, wayBack: publisher, retainedBytesMax, lagMsMax, ...compared }
}

/** What applications write through is the pair's, whichever of both names it; where both have one, the first writer's: a standby's own is for its readers. */
export function endpointOfPair(source: DatabaseEntry, other: DatabaseEntry): DatabaseEntry['endpoint'] {
  const isFirst = source.standbys?.some(({ database }) => database === other.name) === true
  return isFirst ? (source.endpoint ?? other.endpoint) : (other.endpoint ?? source.endpoint)
}
