/** What speaks against removing the instance of an old writer, a sentence each, out of what ledger, clouds, both databases, endpoint and fleet file say. Pure: whoever
 *  asks has asked them all. What nobody could be asked, or only a person can decide, is a sentence that ends with the option by which he says so. */
import { type HostPort, samePlace } from '../contracts/endpoint'
import type { NewWriterAtCloud, NewWriterInside, NotAsked, OldWriterInside, OldWriterSeen } from '../contracts/old-writer'
import { FINAL_STATUSES, type OperationDocument } from '../contracts/operation'
import type { StandbyRecord } from '../contracts/standby'
import type { LeftThere } from '../ledger/given-up'
import { KEYHOLE } from '../postgres/fence/keyhole'
import { SAY_SO } from './old-instances'

/** What a person has looked at, or decided. */
export interface SaidOfOldWriter {
  readonly applicationsMoved: boolean
  readonly writerBackedUp: boolean
  readonly rowsGivenUp: boolean
  readonly nothingElseInIt: boolean
}

export interface OldWriterCase {
  /** By their names in the fleet file. `writer`: that is it now. */
  readonly old: { readonly name: string; readonly instance: string; readonly hosts: readonly HostPort[] }
  readonly writer: { readonly name: string; readonly instanceId: string }
  /** Away from it, to whom then, and how that stands. */
  readonly moved: { readonly by: Pick<OperationDocument, 'id' | 'status' | 'kind'>; readonly to: string }
  /** By which it moved on from there, if it did. */
  readonly onward: readonly string[]
  /** When writing came to where it is. */
  readonly since: string
  readonly left: LeftThere
  /** Of the ledger, those that are gone left out, in which either side is the old one. */
  readonly pairs: readonly Pick<StandbyRecord, 'source' | 'target' | 'state'>[]
  /** That are not over, on either. */
  readonly open: readonly Pick<OperationDocument, 'id' | 'status' | 'databases'>[]
  /** Its cloud keeps it closed, as the operation had it done. */
  readonly fencedByCloud: boolean
  /** Other entries of the fleet file whose instance it is, and sentences of those that lead to it. */
  readonly fleet: { readonly named: readonly string[]; readonly led: readonly string[] }
  readonly said: SaidOfOldWriter
}

type Asked = NonNullable<OldWriterSeen['rest']>

export function againstRemovingOld(of: OldWriterCase, seen: OldWriterSeen): string[] {
  const { old, rest } = seen
  if (old.standing !== 'there' || rest === null) return []
  return [
    ...byLedger(of),
    ...old.against,
    ...byOldWriter(of, rest.inside, old.lettingIn),
    ...byWriter(of, rest),
    ...byBackups(of, rest.writer.backups),
    ...byEndpoint(of, { address: old.address, at: rest.endpointAt }),
    ...of.fleet.named.map((name) => `The fleet file names it, as the instance of ${name}.`),
    ...of.fleet.led,
  ]
}

/** What nothing that is asked here tells, for whoever is about to remove it. */
export function untold({ old, writer }: Pick<OldWriterCase, 'old' | 'writer'>, { rest }: OldWriterSeen): string[] {
  if (rest === null) return []
  const { inside } = rest
  const compare = `"capstan verify diff" compares both`
  if (!inside.asked || inside.closed)
    return [
      `It is closed now, and nothing tells whether somebody opened it for a while since it followed ${writer.name} no more, and wrote there: ${compare}.`,
    ]
  const others = inside.stillIn.length === 0 ? '' : `, and by the right of one of these or another ${inside.stillIn.join(', ')}`
  return [
    `The owner of ${old.name}, its master and its migrator may come in${others}, and nothing tells whether they, or somebody who was let in for a while, wrote there since it followed ${writer.name} no more: ${compare}.`,
  ]
}

function byLedger({ old, writer, moved, left, pairs, open, said }: OldWriterCase): string[] {
  const { by, to } = moved
  const given = 'Once nobody needs that, say --rows-given-up.'
  return [
    ...(FINAL_STATUSES.includes(by.status)
      ? []
      : [
          `${by.id}, which moved writing away from it, is not over (${by.status}): see it to its end. Where somebody brought it there by hand, tell the ledger: "capstan break-glass reconcile".`,
        ]),
    ...open
      .filter(({ id }) => id !== by.id)
      .map(({ id, status, databases }) => `${id} is at work on ${databases.join(' and ')} (${status}): wait for its end.`),
    ...pairs.map(
      ({ source, target, state }) =>
        `${target} is a standby of ${source} (${state}): end the pair first, "capstan standby remove ${source} --to ${target}".`,
    ),
    ...(left.whole || left.salvage !== null
      ? []
      : [
          `Nobody has looked what ${old.name} has alone since ${by.id} gave it up: "capstan salvage rows ${old.name} --into ${to}".`,
        ]),
    ...(said.rowsGivenUp ? [] : left.left.map((one) => `${old.name} alone has it, and ${writer.name} has not: ${one}. ${given}`)),
  ]
}

function byOldWriter(
  { old, moved: { by, to }, fencedByCloud, said }: OldWriterCase,
  inside: OldWriterInside | NotAsked,
  lettingIn: readonly string[] | null,
): string[] {
  const open = (lettingIn ?? []).map((rule) => `Its cloud was to keep it closed, and its network lets in ${rule}.`)
  if (!inside.asked) {
    if (!fencedByCloud) return [sentence(`It could not be asked whether it is still closed: ${inside.why}`)]
    const others = sentence(`Its cloud keeps it closed, and which other databases it has could not be asked: ${inside.why}`)
    return [
      ...open,
      ...(said.nothingElseInIt ? [] : [`${others} Once you know that nobody needs any, say --nothing-else-in-it.`]),
    ]
  }
  const marked = inside.mark
  const others = inside.others.map(({ name, open: isOpen, moved }) =>
    moved === null
      ? `Database ${name} is in it as well, and ${isOpen ? 'takes connections' : 'is closed, so that nobody sees what it holds'}: it would go too.`
      : `Database ${name} is in it as well, from which ${moved.operation} moved writing to ${moved.writer}: it would go too. Drop it there once nobody needs it.`,
  )
  return [
    ...open,
    ...(marked === null
      ? fencedByCloud
        ? []
        : [
            `By its own word writing never moved away from ${old.name}: ${inside.keyhole ? 'no mark says so' : `it has no database ${KEYHOLE}`}.`,
          ]
      : marked.operation === by.id && marked.writer === to
        ? []
        : [
            `Its own mark says that ${marked.operation} moved writing from ${old.name} to ${marked.writer}, and the ledger says ${by.id}, to ${to}: look which of both is so. Where ${marked.operation} was brought to its end by hand, tell the ledger: "capstan break-glass reconcile".`,
          ]),
    ...(fencedByCloud ? [] : inside.open.map((one) => sentence(`It is not closed: ${one}`))),
    ...(inside.sessions === null ? [] : [`There are sessions in it: ${inside.sessions}.`]),
    ...inside.prepared.map(
      (one) => `It holds a prepared transaction, ${one}, which nobody has ended: commit it, or roll it back.`,
    ),
    ...inside.readers.map((slot) => `Somebody reads its slot ${slot}.`),
    ...others,
  ]
}

function byWriter({ writer }: OldWriterCase, { writer: at, writerInside: inside }: Asked): string[] {
  const { name } = writer
  if (at.instance === null) return [`The instance of ${name}, which is the writer, is not there any more.`]
  const another =
    at.instance.instanceId === writer.instanceId
      ? []
      : [
          `${at.instance.instance}, the instance of ${name}, is another one than the one that writing moved to: whether it has all that that one had, nobody here knows.`,
        ]
  const cloud = [
    ...another,
    ...(at.state === 'ready' ? [] : [`The instance of ${name}, which is the writer, is ${at.cloudState}.`]),
    ...(at.replicaOf === null ? [] : [`The instance of ${name} is a read replica of ${at.replicaOf}, and no writer.`]),
  ]
  return [...cloud, ...(at.state === 'ready' ? byWritersWord(name, inside) : [])]
}

function byWritersWord(name: string, inside: NewWriterInside | NotAsked): string[] {
  if (!inside.asked) return [sentence(`${name} could not be asked whether it is the writer: ${inside.why}`)]
  const { recovering, follows, mark, shut } = inside
  return [
    ...(recovering ? [`${name} is in recovery, and takes no writes.`] : []),
    ...(follows === null ? [] : [`By its own word ${name} is a standby of ${follows}, and no writer.`]),
    ...(mark === null
      ? []
      : [`By its own mark ${name} is no writer any more: ${mark.operation} moved writing from it to ${mark.writer}.`]),
    ...shut.map((one) => `${name} is not open to applications: ${one}.`),
  ]
}

function byBackups(
  { writer: { name }, since, said }: OldWriterCase,
  { newestSnapshot, restorableTo, automatic }: NewWriterAtCloud['backups'],
): string[] {
  const isNewer = (at: string | null) => at !== null && Date.parse(at) > Date.parse(since)
  if (isNewer(newestSnapshot) || isNewer(restorableTo) || said.writerBackedUp) return []
  const known = [newestSnapshot, restorableTo].filter((at) => at !== null)
  const found =
    known.length === 0
      ? automatic
        ? `What backups the cloud of ${name} has of it, it does not tell`
        : `${name} has no backup`
      : `The newest backup that is known of ${name} is of ${known.sort((one, other) => Date.parse(one) - Date.parse(other)).at(-1)}`
  return [
    `${found}, and writing moved at ${since}: "capstan snapshot ${name}", best proven by "capstan verify-backup ${name}". Once you know of one that is newer, say --writer-backed-up.`,
  ]
}

function byEndpoint(
  { old, onward, said }: OldWriterCase,
  { address, at }: { readonly address: HostPort | null; readonly at: HostPort | null },
): string[] {
  if (at === null) {
    const where = address === null ? old.instance : `${address.host}:${address.port}`
    return said.applicationsMoved ? [] : [`Nobody can be asked where applications are led, be it to ${where}. ${SAY_SO}`]
  }
  // those that came in between may have endpoints of their own
  const unasked =
    onward.length === 0 || said.applicationsMoved
      ? []
      : [
          `Writing moved on by ${onward.join(', ')}, and nobody asks whether another endpoint leads to ${old.name} still. ${SAY_SO}`,
        ]
  const places = [...(address === null ? [] : [address]), ...old.hosts]
  return [
    ...(places.some((place) => samePlace(at, place)) ? [`The endpoint leads to it: ${at.host}:${at.port}.`] : []),
    ...unasked,
  ]
}

/** What failures say ends with a full stop as a rule. */
function sentence(text: string): string {
  return text.endsWith('.') ? text : `${text}.`
}
