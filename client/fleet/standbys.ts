/** The standbys that a database of the fleet file declares: sizes and times parsed, and whether each can be one at all. Which entry stands by for which
 *  is told by the file as a whole. */
import { normalize, sep } from 'node:path'
import { type ComparedByClock, type DatabaseEntry, lockScope } from '../../contracts/fleet'
import type { FleetFileDatabase } from '../../contracts/fleet.schema'
import type { DeclaredStandby } from '../../contracts/standby'
import { type FleetProblem, showPath, wrongValue } from './problems'
import type { FieldPath, FleetSource } from './source'
import { nearest } from './suggest'
import { parseBytes, parseDurationMs } from './units'

type FileStandbys = NonNullable<FleetFileDatabase['standbys']>

interface Reader {
  identifier(text: string, path: FieldPath): string
  wrong(path: FieldPath, rule: string): void
}

const LAG_MS = 60_000
/** More often than once a second nobody looks. */
const LAG_MS_MIN = 1_000
const LAG_MS_MAX = 7 * 86_400_000
/** A segment of the log: a slot holds back whole ones. */
const RETAINED_BYTES_MIN = 16 * 1024 ** 2

const GIB = 1024 ** 3
const CARRY_WITHIN_MS_MIN = 60_000
const CARRY_WITHIN_MS_MAX = 86_400_000
const COMPARE_EVERY_MS_MIN = 60_000
const COMPARE_EVERY_MS_MAX = 90 * 86_400_000
const COMPARE_WITHIN_MS = 6 * 3_600_000
/** As long as a slice may last at most: workflows/standby/standby.ts. */
const COMPARE_WITHIN_MS_MAX = 86_400_000

export function toStandbys(file: FileStandbys, path: FieldPath, reader: Reader): DeclaredStandby[] {
  return file.map(
    ({ database, publisher, wayBack, maxRetained, maxLag, compare, growTo, carryWithin }, index): DeclaredStandby => {
      const at = [...path, index]
      const retainedBytesMax = parseBytes(maxRetained) ?? Number.NaN
      if (!Number.isInteger(retainedBytesMax) || retainedBytesMax < RETAINED_BYTES_MIN)
        reader.wrong([...at, 'maxRetained'], 'a whole number of bytes, from 16MB on: a slot holds back whole segments of the log')
      const lagMsMax = maxLag === undefined ? LAG_MS : (parseDurationMs(maxLag) ?? Number.NaN)
      if (!Number.isInteger(lagMsMax) || lagMsMax < LAG_MS_MIN || lagMsMax > LAG_MS_MAX)
        reader.wrong([...at, 'maxLag'], 'whole milliseconds, from 1s to 7d')
      const login = (role: typeof publisher, field: string) => {
        const { secret, host = null, port = null, tls } = role
        return { user: reader.identifier(role.user, [...at, field, 'user']), secret, host, port, tls }
      }
      const back = wayBack === undefined ? {} : { wayBack: login(wayBack, 'wayBack') }
      const compared = compare === undefined ? {} : { compare: toCompared(compare, [...at, 'compare'], reader) }
      const growToGib = growTo === undefined ? null : (parseBytes(growTo) ?? Number.NaN) / GIB
      if (growToGib !== null && (!Number.isInteger(growToGib) || growToGib < 1))
        reader.wrong([...at, 'growTo'], 'a whole number of GB, from 1GB on')
      const grown = growToGib === null ? {} : { growToGib }
      const carryWithinMs = carryWithin === undefined ? null : (parseDurationMs(carryWithin) ?? Number.NaN)
      if (
        carryWithinMs !== null &&
        !(Number.isInteger(carryWithinMs) && carryWithinMs >= CARRY_WITHIN_MS_MIN && carryWithinMs <= CARRY_WITHIN_MS_MAX)
      )
        reader.wrong([...at, 'carryWithin'], 'whole milliseconds, from 1m to 1d')
      const carried = carryWithinMs === null ? {} : { carryWithinMs }
      const more = { ...back, ...compared, ...grown, ...carried }
      return { database, publisher: login(publisher, 'publisher'), retainedBytesMax, lagMsMax, ...more }
    },
  )
}

function toCompared(
  { every, within }: NonNullable<FileStandbys[number]['compare']>,
  path: FieldPath,
  reader: Reader,
): ComparedByClock {
  const everyMs = parseDurationMs(every) ?? Number.NaN
  const isEvery = Number.isInteger(everyMs) && everyMs >= COMPARE_EVERY_MS_MIN && everyMs <= COMPARE_EVERY_MS_MAX
  if (!isEvery) reader.wrong([...path, 'every'], 'whole milliseconds, from 1m to 90d')
  const withinMs = within === undefined ? Math.min(COMPARE_WITHIN_MS, everyMs) : (parseDurationMs(within) ?? Number.NaN)
  const [withinMsMax, most] =
    everyMs > COMPARE_WITHIN_MS_MAX ? [COMPARE_WITHIN_MS_MAX, '1d'] : [everyMs, `the ${every} of "every"`]
  if (isEvery && (!Number.isInteger(withinMs) || withinMs < COMPARE_EVERY_MS_MIN || withinMs > withinMsMax))
    reader.wrong([...path, 'within'], `whole milliseconds, from 1m to ${most}`)
  return { everyMs, withinMs }
}

/** One problem for each declaration that names no database which could stand by. */
export function misplacedStandbys(entries: readonly DatabaseEntry[], source: FleetSource): FleetProblem[] {
  const declared = entries.flatMap(({ standbys = [] }, at) => standbys.map(({ database }, index) => ({ at, index, database })))
  const seen: { readonly place: string; readonly path: FieldPath }[] = []
  return declared.flatMap(({ at, index, database }) => {
    const path: FieldPath = ['databases', at, 'standbys', index, 'database']
    const follower = entries.find(({ name }) => name === database)
    const followed = entries[at]
    if (followed === undefined) return []
    if (follower === undefined) return [wrongValue(source, path, unknownRule(database, entries, followed))]
    const rule = ruleAgainst(followed, follower, { entries, source })
    if (rule !== null) return [wrongValue(source, path, rule)]
    const place = placeOf(follower)
    const first = seen.find((one) => one.place === place)
    seen.push({ place, path })
    if (first === undefined) return []
    const { line } = source.placeOf(first.path)
    return [
      wrongValue(source, path, `another, since ${showPath(first.path)} on line ${line} declares that one: it follows one source`),
    ]
  })
}

interface Within {
  readonly entries: readonly DatabaseEntry[]
  readonly source: FleetSource
}

/** What it would have to be; null: it may stand by. */
function ruleAgainst(followed: DatabaseEntry, follower: DatabaseEntry, within: Within): string | null {
  const { entries, source } = within
  if (follower === followed) return 'another database than the one that it stands by for'
  if (lockScope(follower) === lockScope(followed)) {
    return `a database in another instance: what ${followed.instance} suffers, both of them would`
  }
  const follows = entries.findIndex((entry) => entry.standbys !== undefined && placeOf(entry) === placeOf(follower))
  if (follows >= 0) {
    const path: FieldPath = ['databases', follows, 'standbys']
    return `one without standbys of its own (${showPath(path)} on line ${source.placeOf(path).line}): a standby of a standby is not supported`
  }
  return migrationsRule(followed, follower, within)
}

export function unknownRule(database: string, entries: readonly DatabaseEntry[], followed: DatabaseEntry): string {
  const others = entries.filter((entry) => entry !== followed).map(({ name }) => name)
  const meant = nearest(database, others)
  if (meant !== null) return `the name of another database of this file; did you mean ${meant}?`
  return `the name of another database of this file, with an entry of its own${others.length === 0 ? ', and there is none' : ''}`
}

/** The source's migrations build it, and bring it to each later version before the source itself: so its entry may name the same ones, which it needs once writing
 *  has moved to it. Others would build something that the source's rows do not fit into. */
function migrationsRule(followed: DatabaseEntry, follower: DatabaseEntry, { entries, source }: Within): string | null {
  if (follower.migrations === null) return null
  if (followed.migrations !== null && sameFolder(followed.migrations, follower.migrations)) return null
  const field: FieldPath = ['databases', entries.indexOf(follower), 'migrations']
  const line = source.placeOf(field).line
  const allowed =
    followed.migrations === null ? 'none, as its source has' : `those of its source, ${followed.migrations}, or none`
  return `one whose own migrations (${showPath(field)} on line ${line}) are ${allowed}: its schema is its source’s`
}

function sameFolder(one: string, other: string): boolean {
  const plain = (folder: string): string => normalize(`${folder}${sep}`)
  return plain(one) === plain(other)
}

/** By what it is, whatever it is called. */
function placeOf(entry: DatabaseEntry): string {
  return `${lockScope(entry)}/${entry.database}`
}
