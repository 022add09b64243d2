/** The leading cluster of a global database and a secondary one, in another region, exchange their roles: by a planned switchover, by which nothing is lost, or by a
 *  failover that asks the leading one nothing. The call takes no name of ours: which one is ours is told by RDS's own events, since the newest one before. Source: Aurora user guide, "Using switchover or
 *  failover in Amazon Aurora Global Database", and RDS's list of events, category global-failover. */
import type { GlobalCluster, GlobalClusterMember } from '@aws-sdk/client-rds'
import { failure } from '../../../contracts/failures'
import { assertVery, unlessPromoted } from '../../owner'
import type {
  CallOptions,
  ChangeOptions,
  Exchangeable,
  Exchanging,
  ManagedPostgres,
  OperationDescription,
  Started,
} from '../../port'
import type { Rds } from '../client'
import { resourceState } from '../describe'
import { everyGlobalCluster, globalEvents } from '../listing'
import { findCluster, requireVery } from './clusters'
import type { Cluster } from './describe'

/** A global database is of several regions, and each answers for its own clusters alone. */
export interface Regions {
  readonly here: Rds
  in(region: string): Rds
}

interface Pair {
  /** Null: the source is of none. */
  readonly global: GlobalCluster | null
  /** Null: it is given up, and may be in a region that answers nobody. */
  readonly source: Cluster | null
  /** Of the source, as the global database has it; empty where it is no member. */
  readonly sourceArn: string
  /** Null: no member of it is called so. */
  readonly replica: Cluster | null
}

/** What is older than that is none of ours, whenever RDS lists it: by which its clock and ours may differ. */
const LISTED_LATE_MS = 60_000

/** What a record of ours begins with: RDS gives neither a name. */
type Act = 'switchover' | 'failover'
const actOf = ({ losing }: Exchanging): Act => (losing ? 'failover' : 'switchover')

export async function exchangeObstacles(regions: Regions, input: Exchanging, options: CallOptions): Promise<Exchangeable> {
  const pair = await pairOf(regions, input, options)
  const { global, source, replica } = pair
  const [newest] = await changesOf(regions, { act: actOf(input), pair }, '', options)
  const port = (source ?? replica)?.raw.Port
  const [readers, writer] = [source?.raw.ReaderEndpoint, replica?.raw.Endpoint]
  const afterwards =
    writer === undefined || port === undefined
      ? {}
      : { afterwards: { ...(readers !== undefined && { source: { host: readers, port } }), replica: { host: writer, port } } }
  const names = `--global-cluster-identifier ${global?.GlobalClusterIdentifier} --target-db-cluster-identifier ${arnOf(replica)}`
  return {
    obstacles: standing(pair, input),
    mark: latest(newest?.at ?? '', new Date(Date.now() - LISTED_LATE_MS).toISOString()),
    byHand: replica === null ? [] : [COMMANDS[actOf(input)](pair, names)],
    ...afterwards,
  }
}

const COMMANDS: Readonly<Record<Act, (pair: Pair, names: string) => string>> = {
  switchover: ({ sourceArn }, names) => `aws rds switchover-global-cluster --region ${placeOfArn(sourceArn).region} ${names}`,
  failover: ({ replica }, names) =>
    `aws rds failover-global-cluster --allow-data-loss --region ${placeOfArn(arnOf(replica)).region} ${names}`,
}

export async function startExchange(
  regions: Regions,
  input: Parameters<ManagedPostgres['startExchange']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const pair = await pairOf(regions, input, options)
  const { global, replica } = pair
  const { name } = input.replica
  if (global !== null && replica !== null) {
    const record: Started = { operation: [actOf(input), global.GlobalClusterIdentifier, arnOf(replica), input.mark].join('/') }
    const [begun] = await changesOf(regions, { act: actOf(input), pair }, input.mark, options)
    if (begun !== undefined || leads(global, replica)) return record
    if (global.Status !== 'available') {
      // perhaps the very change, of an attempt whose answer got lost: it is found in the events by and by
      const message = `Global database ${global.GlobalClusterIdentifier} is ${global.Status}, and nobody can say whether that is the exchange.`
      throw failure('CLOUD_BUSY', message, { name })
    }
    const [obstacle] = standing(pair, input)
    if (obstacle !== undefined) throw failure('CLOUD_REFUSED', obstacle, { instance: name })
    const start = async (): Promise<Started> => {
      const names = { GlobalClusterIdentifier: global.GlobalClusterIdentifier, TargetDbClusterIdentifier: arnOf(replica) }
      if (input.losing)
        await regions.here.change('FailoverGlobalCluster', options, (client) =>
          client.failoverGlobalCluster({ ...names, AllowDataLoss: true }),
        )
      else await regions.here.change('SwitchoverGlobalCluster', options, (client) => client.switchoverGlobalCluster(names))
      return record
    }
    return unlessPromoted(start, async () => !(await hasExchanged(regions, input, options)))
  }
  throw failure('CLOUD_REFUSED', standing(pair, input)[0] ?? `${name} is no secondary cluster.`, { instance: name })
}

/** Of what `startExchange` answered. The roles say most: an event may be late, or another's. */
export async function describeExchange(regions: Regions, record: string, options: CallOptions): Promise<OperationDescription> {
  const [act, id, target = '', mark = ''] = record.split('/')
  if (act !== 'switchover' && act !== 'failover')
    throw new Error('RDS keeps no record of operations: none of its answers names one')
  const global = (await everyGlobalCluster(regions.here, options)).find((one) => one.GlobalClusterIdentifier === id)
  const members = global?.GlobalClusterMembers ?? []
  const writer = members.find(({ IsWriter }) => IsWriter)?.DBClusterArn
  if (writer === target && global?.Status === 'available') return { state: 'done', message: null }
  // of one that gives its source up the region of that is asked nothing
  const places = members.map(placeOfMember).filter(({ region }) => act === 'switchover' || region === placeOfArn(target).region)
  const [newest] = await eventsOf(regions, { act, target, places }, mark, options)
  if (newest?.ended === 'badly') return { state: 'failed', message: newest.message }
  return { state: newest?.ended === 'well' && global?.Status === 'available' ? 'done' : 'running', message: null }
}

async function hasExchanged(regions: Regions, input: Exchanging, options: CallOptions): Promise<boolean> {
  const { global, replica } = await pairOf(regions, input, options)
  return global !== null && replica !== null && leads(global, replica)
}

/** `here` is the region of the source, or of the replica where the source is given up. */
async function pairOf(regions: Regions, { source, replica, losing }: Exchanging, options: CallOptions): Promise<Pair> {
  const own = await requireVery(regions.here, losing ? replica : source, options)
  const globals = await everyGlobalCluster(regions.here, options)
  const global = globals.find((one) => membersOf(one).includes(arnOf(own))) ?? null
  const others = (global === null ? [] : membersOf(global)).filter((arn) => arn !== arnOf(own))
  if (losing) {
    const called = others.filter((arn) => placeOfArn(arn).name === source.name)
    const sourceArn = called.find((arn) => global !== null && leadsBy(global, arn)) ?? called[0] ?? ''
    return { global, source: null, sourceArn, replica: own }
  }
  const found: Cluster[] = []
  for (const { region, name } of others.map(placeOfArn).filter((place) => place.name === replica.name)) {
    const one = await findCluster(regions.in(region), name, options)
    if (one !== null) found.push(one)
  }
  const very = found.find(({ raw }) => raw.DbClusterResourceId === replica.instanceId)
  const [another] = found
  if (very === undefined && another !== undefined)
    assertVery('Aurora', { instanceId: another.raw.DbClusterResourceId ?? '' }, replica)
  return { global, source: own, sourceArn: arnOf(own), replica: very ?? null }
}

function standing({ global, source, sourceArn, replica }: Pair, input: Exchanging): string[] {
  const [from, to] = [input.source.name, input.replica.name]
  if (global === null || replica === null || sourceArn === '') {
    const [whose, other] = input.losing ? [to, from] : [from, to]
    const why =
      global === null ? `${whose} is of no global database` : `${other} is no member of ${global.GlobalClusterIdentifier}`
    return [
      `Cluster ${to} is no read replica of ${from}: ${why}. Correct \`replicas\` in the fleet file, or make it a secondary cluster.`,
    ]
  }
  const id = global.GlobalClusterIdentifier
  if (!leadsBy(global, sourceArn)) {
    const whose = leads(global, replica) ? `it leads ${id} itself` : `another cluster leads ${id}`
    return [`Cluster ${to} is no read replica of ${from}: ${whose}.`]
  }
  const both = source === null ? [replica] : [source, replica]
  const versions = [source ?? replica, replica].map(({ raw }) => raw.EngineVersion)
  const readers = replica.members.filter(({ DBInstanceStatus = '' }) => resourceState(DBInstanceStatus) === 'ready')
  const follows = global.GlobalClusterMembers?.find(({ DBClusterArn }) => DBClusterArn === arnOf(replica))
  const unready = both.filter(({ raw: { Status = '' } }) => resourceState(Status) !== 'ready')
  return [
    ...(global.Status === 'available' ? [] : [`Global database ${id} is ${global.Status}: wait until it is available.`]),
    ...unready.map(({ name, raw }) => `Cluster ${name} is ${raw.Status}: wait until it is available.`),
    ...(versions[0] === versions[1]
      ? []
      : [
          `Aurora exchanges clusters of one engine version only, and ${from} has ${versions[0]}, ${to} ${versions[1]}: upgrade one of both.`,
        ]),
    ...(readers.length > 0 ? [] : [`Cluster ${to} has no instance that is available, and one of them has to write: add one.`]),
    ...(follows?.SynchronizationStatus === 'pending-resync'
      ? [`Cluster ${to} is being made anew from ${from}, and follows only afterwards: wait until it does.`]
      : []),
  ]
}

interface Change {
  readonly at: string
  readonly message: string
  /** Null: it was begun. */
  readonly ended: 'well' | 'badly' | null
}

const ENDS: Readonly<Record<string, Change['ended']>> = {
  started: null,
  finished: 'well',
  completed: 'well',
  'is cancelled': 'badly',
  failed: 'badly',
}
const EVENT =
  /^Global (switchover|failover) to DB cluster (\S+) in Region (\S+) (started|finished|completed|is cancelled|failed)\b/

function changesOf(
  regions: Regions,
  { act, pair: { source, replica } }: { readonly act: Act; readonly pair: Pair },
  mark: string,
  options: CallOptions,
): Promise<readonly Change[]> {
  if (replica === null) return Promise.resolve([])
  const places = [source, replica].flatMap((one) => (one === null ? [] : [placeOfArn(arnOf(one))]))
  return eventsOf(regions, { act, target: arnOf(replica), places }, mark, options)
}

/** Of those to the target after the mark, newest first. RDS does not say at which of its clusters it writes them down. */
async function eventsOf(
  regions: Regions,
  { act, target, places }: { readonly act: Act; readonly target: string; readonly places: readonly Place[] },
  mark: string,
  options: CallOptions,
): Promise<readonly Change[]> {
  const to = placeOfArn(target)
  const told = await Promise.all(places.map(({ region, name }) => globalEvents(regions.in(region), name, options)))
  return told
    .flat()
    .flatMap(({ Message: message = '', Date: date }) => {
      const [, what, name, region, end = ''] = EVENT.exec(message) ?? []
      const at = date?.toISOString() ?? ''
      return what === act && name === to.name && region === to.region && at > mark
        ? [{ at, message, ended: ENDS[end] ?? null }]
        : []
    })
    .sort((one, other) => (one.at < other.at ? 1 : -1))
}

interface Place {
  readonly region: string
  readonly name: string
}

/** arn:aws:rds:<region>:<account>:cluster:<name> */
function placeOfArn(arn: string): Place {
  const [, , , region = '', , , name = ''] = arn.split(':')
  return { region, name }
}

const placeOfMember = ({ DBClusterArn = '' }: GlobalClusterMember): Place => placeOfArn(DBClusterArn)
const latest = (one: string, other: string): string => (one > other ? one : other)
const arnOf = (cluster: Cluster | null): string => cluster?.raw.DBClusterArn ?? ''
const membersOf = ({ GlobalClusterMembers = [] }: GlobalCluster): string[] =>
  GlobalClusterMembers.map(({ DBClusterArn = '' }) => DBClusterArn)

const leads = (global: GlobalCluster, cluster: Cluster): boolean => leadsBy(global, arnOf(cluster))

function leadsBy({ GlobalClusterMembers = [] }: GlobalCluster, arn: string): boolean {
  return GlobalClusterMembers.some(({ DBClusterArn, IsWriter }) => IsWriter && DBClusterArn === arn)
}
