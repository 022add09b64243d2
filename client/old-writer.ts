/** An old writer, once writing has moved away from it for good: whether its instance may be removed, and how a person does that. Asks, and changes nothing. */
import { endpointQueue, type HostPort } from '../contracts/endpoint'
import { type Failure, failure } from '../contracts/failures'
import type { DatabaseEntry } from '../contracts/fleet'
import type { FencedInstance } from '../contracts/instance-fence'
import {
  LOOK_AT_OLD_WRITER_WORKFLOW,
  type LookAtOldWriterInput,
  type OldWriterAtCloud,
  type OldWriterSeen,
} from '../contracts/old-writer'
import type { OperationDocument } from '../contracts/operation'
import type { StandbyRecord } from '../contracts/standby'
import { holdsOf } from '../ledger/fenced-instances'
import { type LeftThere, leftThere, movedBetween } from '../ledger/given-up'
import type { Ledger } from '../ledger/ledger'
import { movedLast, type WritingMoved } from '../ledger/moved-last'
import type { Doors } from './decide'
import { findDatabase, type LoadedFleet, readFleet } from './fleet/read-fleet'
import { endpointOfPair } from './fleet/turned'
import type { Vigilance } from './health-watch'
import { againstRemovingOld, type OldWriterCase, type SaidOfOldWriter, untold } from './judge-old-writer'
import { askWorkers } from './look-by-workers'
import { ledBy } from './old-instances'

export interface OldWriterQuestion {
  readonly fleetFile: string
  /** By its name in the fleet file. */
  readonly database: string
  readonly said: SaidOfOldWriter
  readonly heartbeatTimeoutMs: number
  readonly vigilance: Vigilance
  readonly signal: AbortSignal
}

export interface LookedAtOldWriter {
  readonly database: string
  readonly cloud: string
  /** As the fleet file names it, or by the name that it has now. */
  readonly instance: string
  /** By which writing moved away from it. */
  readonly movedBy: string
  /** That is the writer now. */
  readonly writer: string
  readonly standing: OldWriterAtCloud['standing']
  /** Each a sentence. */
  readonly against: readonly string[]
  /** What a person types to remove it; empty where anything speaks against that. */
  readonly commands: readonly string[]
  /** What nothing that was asked tells, a sentence each. */
  readonly untold: readonly string[]
  readonly asOf: string
}

/** Fails as reading the fleet file does; with RESOURCE_NOT_OURS where writing never moved away from it, or by its cloud's own act; EVIDENCE_MISSING; NOT_READY_YET where no worker answers;
 *  and with the codes of clouds, secrets, endpoints, Temporal and ledger. */
export async function lookAtOldWriter(doors: Doors, asked: OldWriterQuestion): Promise<LookedAtOldWriter> {
  const { ledger, temporal } = doors
  const { said, heartbeatTimeoutMs, vigilance, signal } = asked
  const fleet = await readFleet(asked.fleetFile)
  const entry = findDatabase(fleet, asked.database)
  const { first, last, onward } = await movesFrom(ledger, entry.name)
  const writer = findDatabase(fleet, last.to)
  const { source } = await movedBetween(ledger, first.by)
  const { standby: there } = await movedBetween(ledger, last.by)
  const { cloud, account, region, instance, name } = entry
  const held = await ledger.getFence({ cloud, account, region, instance: source.instance })
  const fencedByCloud =
    held?.state === 'fenced' &&
    held.instanceId === source.instanceId &&
    holdsOf(held).some(({ operation }) => operation === first.by.id)
  const standbys = (await ledger.listStandbys()).filter((one) => one.source === name || one.target === name)
  const endpoint = endpointOfPair(entry, writer)
  const input: LookAtOldWriterInput = {
    moved: first.by.id,
    old: {
      bundle: await ledger.putBundle({ version: 1, database: entry, migrations: [] }),
      ...{ cloud, instanceId: source.instanceId, publishers: publishersOf(standbys) },
      leftIn: fencedByCloud ? held.leftIn : null,
    },
    writer: {
      bundle: await ledger.putBundle({
        ...{ version: 1, migrations: [] },
        database: endpoint === undefined ? writer : { ...writer, endpoint },
      }),
      ...{ cloud: writer.cloud, endpointOn: endpointQueue(endpoint) },
    },
    ...{ heartbeatTimeoutMs, unclaimedTimeoutMs: vigilance.unclaimedMs },
  }
  const workflow = { workflow: LOOK_AT_OLD_WRITER_WORKFLOW, called: 'old-writer', input }
  const seen = await askWorkers<LookAtOldWriterInput, OldWriterSeen>(temporal, workflow, { name, vigilance, signal })
  const of: OldWriterCase = {
    old: { name, instance, hosts: [...hostsOf(entry), placeOf(source)] },
    writer: { name: writer.name, instanceId: there.instanceId },
    moved: { by: first.by, to: first.to },
    onward: onward.map(({ id }) => id),
    since: backedUpSince(last),
    left: leftBesides(await leftThere(ledger, { old: name, writer: first.to, by: first.by, since: first.since, onward }), held),
    pairs: standbys.filter(({ state }) => state !== 'gone'),
    open: await openOn(ledger, [name, writer.name]),
    fencedByCloud,
    fleet: namedIn(fleet, entry, seen.old.address ?? placeOf(source)),
    said,
  }
  const against = againstRemovingOld(of, seen)
  const { old, asOf } = seen
  return {
    ...{ database: name, cloud, instance: old.instance.instance, movedBy: first.by.id, writer: writer.name },
    ...{ standing: old.standing, against, commands: against.length > 0 ? [] : old.commands },
    ...{ untold: untold(of, seen), asOf },
  }
}

/** The first away from it, and the last of those that led on from there. */
async function movesFrom(
  ledger: Ledger,
  name: string,
): Promise<Record<'first' | 'last', WritingMoved> & { readonly onward: readonly OperationDocument[] }> {
  const first = await movedLast(ledger, name)
  if (first === null) throw neverMoved(name)
  if (first.by.kind === 'exchange') throw byItsCloud(name, first)
  let last = first
  const onward: OperationDocument[] = []
  for (const seen = new Set([name]); !seen.has(last.to); ) {
    seen.add(last.to)
    const next = await movedLast(ledger, last.to)
    if (next === null) break
    last = next
    onward.push(next.by)
  }
  return { first, last, onward }
}

const placeOf = ({ host, port }: HostPort): HostPort => ({ host, port })

/** Of one that was brought to its end by hand nobody has written down when that was: of what is as old as that end, nobody knows. */
function backedUpSince({ by, since }: WritingMoved): string {
  return since === by.startedAt ? (by.finishedAt ?? new Date().toISOString()) : since
}

/** Its cloud, or somebody, has let it run meanwhile. */
function leftBesides(found: LeftThere, held: FencedInstance | null): LeftThere {
  if (held === null || held.reasserted === 0) return found
  return { ...found, left: [...found.left, `what was written until it was closed again (${held.reasserted}), if anything was`] }
}

function neverMoved(database: string): Failure {
  const message = `No operation has moved writing away from ${database}, as far as the ledger knows: it may be the writer, and nothing is said of its removal. Where somebody moved it by hand, tell the ledger: "capstan break-glass reconcile".`
  return failure('RESOURCE_NOT_OURS', message, { database })
}

function byItsCloud(database: string, { by, to }: WritingMoved): Failure {
  const message = `${by.id} had its cloud exchange ${database} and ${to}, which keeps ${database} as a read replica itself: it is removed by the cloud's own means, as any replica.`
  return failure('RESOURCE_NOT_OURS', message, { database, operation: by.id })
}

/** Of pairs that are gone as well: what they may is theirs until somebody takes it. */
function publishersOf(standbys: readonly StandbyRecord[]): string[] {
  const users = standbys.flatMap(({ declared: { publisher, wayBack } }) => [publisher.user, ...(wayBack ? [wayBack.user] : [])])
  return [...new Set(users)].sort()
}

/** Where its own entry says that it is reached. */
function hostsOf({ connections }: DatabaseEntry): HostPort[] {
  return Object.values(connections).flatMap((one) => (one?.host == null ? [] : [{ host: one.host, port: one.port ?? 5432 }]))
}

function namedIn(
  { databases }: Pick<LoadedFleet, 'databases'>,
  { name, cloud, account, region, instance }: DatabaseEntry,
  address: HostPort,
): OldWriterCase['fleet'] {
  const others = databases.filter((one) => one.name !== name)
  const naming = others.filter(
    (one) => one.instance === instance && one.cloud === cloud && one.account === account && one.region === region,
  )
  return {
    named: naming.map((one) => one.name),
    led: others.flatMap((one) => ledBy(one, address)),
  }
}

/** Of one database there are not that many at a time. */
const OPEN_MAX = 100
const OPEN = ['awaiting-approval', 'running', 'needs-operator'] as const

async function openOn(ledger: Ledger, databases: readonly string[]): Promise<OperationDocument[]> {
  const found = new Map<string, OperationDocument>()
  for (const database of databases) {
    const open = await ledger.listOperations({ database, mode: 'apply', statuses: OPEN, limit: OPEN_MAX })
    for (const one of open) found.set(one.id, one)
  }
  return [...found.values()]
}
