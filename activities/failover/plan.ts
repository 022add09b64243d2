/** What would be opened, what may be lost by it, who has to agree, and what stands in the way. Reads only, and of the source nothing but its mark, for a moment. */
import { samePlace } from '../../contracts/endpoint'
import {
  type Exposure,
  FAILOVER_DOCUMENTS,
  type FailoverEndpoint,
  type FailoverPlan,
  type FailoverPlanSummary,
  type FailoverRequest,
  type Probed,
} from '../../contracts/failover'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { Finding } from '../../contracts/operation'
import { rowsDiffering } from '../../contracts/rows-differing'
import type { StandbyRecord, StandbyState } from '../../contracts/standby'
import { sha256Of } from '../../ledger/digest'
import { standingEpoch } from '../../postgres/migrate/fence'
import { keepOutObstacles } from '../../postgres/replicate/keep-out'
import { sequenceTargets } from '../../postgres/replicate/sequence-margin'
import { findSubscription } from '../../postgres/replicate/subscription'
import { lastBeat } from '../../postgres/replicate/watch/beat'
import { toldSkew } from '../../postgres/replicate/watch/skew'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import { LACKS_FILES } from '../replication/applied'
import { unlessAway } from '../replication/away'
import { standingInKeyhole } from '../replication/keyhole'
import { isOldWriter } from '../replication/old-writer'
import { standing } from '../replication/record'
import { looking } from '../replication/sides'
import { epochAbove } from '../schema/epoch'
import type { FailoverActivities } from './contract'
import { exposureOf, uncopiedTables } from './exposure'
import { isLeftAmid, movedThere, switchoverAtWork } from './left-amid'
import { askedOfSource, knownLeftBehind, LEFT_MS, type LeftBehind, notSaid } from './left-behind'
import { askForMark, inTimeOrLate, silentMark } from './mark'
import { type FailoverPair, failoverPair } from './pair'
import { writerElsewhere } from './writer-elsewhere'

type Input = Parameters<FailoverActivities['planFailover']>[0]

export async function planFailover(deps: ActivityDeps, input: Input): Promise<FailoverPlanSummary> {
  const { operation, bundle, sides, probed, endpoint } = input
  const pair = await failoverPair(deps, input)
  const { request } = pair
  const record = await standing(deps, pair.id)
  const atWork = await switchoverAtWork(deps, pair.id, record)
  const amid = atWork === null && (await isLeftAmid(deps.ledger, record))
  const [{ exposure, found }, epoch, { database }] = await Promise.all([
    lookAtStandby(deps, pair, record, input),
    epochOf(deps, pair, input),
    deps.ledger.getBundle(bundle),
  ])
  const allowedLossMs = allowedLoss(database, request.standby, request.acceptLossMs)
  const marked = await lookForMark(deps, pair, input)
  const drained = probed.verdict === 'healthy' && request.althoughItAnswers !== null
  const left = drained ? await leftBehindOf(deps, pair) : knownLeftBehind(record)
  const givenUp = await writerElsewhere(deps.ledger, {
    ...{ source: database, at: sides.source, operation },
    beatAt: exposure.beat?.at ?? null,
  })
  const blocks = [
    ...blocksOfProbes(pair, input),
    ...(atWork === null ? [] : [block('switchover-runs', atWork)]),
    ...(amid ? await blocksOfAmid(deps, pair, record) : []),
    ...blocksOfRecord(record, input, amid || atWork !== null ? ['switching'] : []),
    ...blocksOfEndpoint(input),
    ...givenUp.blocks,
    ...marked.blocks,
    ...left.blocks,
    ...found,
  ]
  const asks = givenUp.asks ?? askedWhy(request, input, { ...exposure, allowedLossMs, leftBehind: left.asks })
  const { althoughItAnswers, unfenced } = request
  const besides = [...(amid ? [leftAmid(record)] : []), ...(await othersLeft(deps, pair))]
  const warnings = [...warningsOf(pair, input, record, exposure), ...besides, ...left.warnings, ...givenUp.warnings]
  const { uncarried, unlogged } = left
  const lasting = {
    ...{ version: 1 as const, bundle, ...sides, names: pair.forward, endpointAt: endpoint.at },
    ...{ althoughItAnswers, unfenced, allowedLossMs, asks, blocks, warnings, uncarried, unlogged },
  }
  const digest = digestOf(lasting, probed.verdict, exposure)
  // whether it says so in time may change from one look to the next
  const skewed = toldSkew(pair.id.source, exposure.skew)
  const told = [...warnings, ...marked.warnings, ...left.passing, ...(skewed === null ? [] : [block('clock', skewed)])]
  const document: FailoverPlan = { ...lasting, warnings: told, probed, exposure, digest }
  assertMayAct()
  await deps.ledger.putDocument({ operation, name: FAILOVER_DOCUMENTS.plan, document })
  const summary = `${summaryOf(document)}${endpoint.silent ? `; ${endpoint.summary}` : ''}`
  return { digest: document.digest, epoch, blocks, summary, lossMsMax: exposure.lossMsMax, asks }
}

/** Of a source that lives, what the standby has moves on all the time, and nothing of it is to be lost: it is drained. */
function digestOf(lasting: object, verdict: string, { beat, unseenSequences }: Exposure): string {
  return sha256Of({ ...lasting, verdict, ...(verdict === 'healthy' ? {} : { beat }), unseenSequences })
}

/** The fleet file was reviewed: it counts whatever the policy says. The requester's own word does where he may act alone. Null: nothing was allowed. */
export function allowedLoss(
  { policy: { approval, failover } }: Pick<DatabaseEntry, 'policy'>,
  standby: Pick<DatabaseEntry, 'policy'>,
  acceptLossMs: number | null,
): number | null {
  const alone = approval === 'none' && standby.policy.approval === 'none'
  const words = [failover?.allowLossMs ?? null, alone ? acceptLossMs : null].filter((one) => one !== null)
  return words.length === 0 ? null : Math.max(...words)
}

interface AtStake extends Pick<Exposure, 'lossMsMax' | 'skew'> {
  readonly allowedLossMs: number | null
  /** Null: as far as is known all that the source holds goes to the standby. */
  readonly leftBehind: string | null
}

/** Null: it was allowed beforehand. */
export function askedWhy(
  { unfenced }: Pick<FailoverRequest, 'unfenced'>,
  { probed, endpoint }: { readonly probed: Pick<Probed, 'verdict'>; readonly endpoint: Pick<FailoverEndpoint, 'silent'> },
  { leftBehind, ...loss }: AtStake,
): string | null {
  if (probed.verdict !== 'dead') return 'the source is not proven dead'
  if (endpoint.silent) return 'the endpoint does not say that applications are led to the source still'
  if (unfenced !== null) return 'the standby is opened even where the source cannot be proven fenced'
  const asks = [askedOfLoss(loss), leftBehind].filter((one) => one !== null)
  return asks.length === 0 ? null : asks.join('; ')
}

/** Null: so much was allowed. */
export function askedOfLoss({ lossMsMax, skew, allowedLossMs }: Omit<AtStake, 'leftBehind'>): string | null {
  if (lossMsMax === null) return 'nobody knows what may be lost'
  if (allowedLossMs === null) return `up to ${seconds(lossMsMax)} of writes may be lost, and no loss was allowed beforehand`
  if (skew === undefined)
    return `up to ${seconds(lossMsMax)} of writes may be lost by the source’s clock, and nobody has seen how far that is from ours`
  if (lossMsMax <= allowedLossMs) return null
  return `up to ${seconds(lossMsMax)} of writes may be lost, and ${seconds(allowedLossMs)} were allowed beforehand`
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

const block = (what: string, message: string): Finding => ({ rule: `failover:${what}`, message })

export function blocksOfProbes(
  { id, request }: Pick<FailoverPair, 'id'> & { readonly request: Pick<FailoverPair['request'], 'althoughItAnswers'> },
  { probed }: Pick<Input, 'probed'>,
): Finding[] {
  if (probed.verdict === 'dead' || request.althoughItAnswers !== null) return []
  const met = probed.probes.map(({ from, outcome, said }) => `${from}: ${outcome}, ${said}`).join('; ')
  const what = probed.verdict === 'healthy' ? 'serves' : 'is not proven dead'
  return [
    block(
      'answers',
      `The source ${what} (${met}). Move writing by "capstan switchover ${id.source} --to ${id.target}", which loses nothing. To fail over all the same, ask again with --although-it-answers and the reason; somebody else has to approve it then.`,
    ),
  ]
}

/** What it lacks it will never have from elsewhere. */
const WHOLE: readonly StandbyState[] = ['following', 'late', 'broken', 'paused']

function blocksOfRecord(
  { state, reason, instances, source, target }: StandbyRecord,
  { sides }: Input,
  besides: readonly StandbyState[],
): Finding[] {
  const found: Finding[] = []
  if (![...WHOLE, ...besides].includes(state))
    found.push(
      block(
        'state',
        `The standby ${target} is ${state}${reason === null ? '' : ` (${reason})`}: it does not hold one state of the source.`,
      ),
    )
  if (instances.target !== sides.standby.instanceId)
    found.push(block('instances', `The instance of ${target} is another one than the one that the standby was made with.`))
  if (instances.source !== sides.source.instanceId)
    found.push(
      block(
        'instances',
        `The instance of ${source} is another one than the one that ${target} followed: fencing it would fence a stranger’s.`,
      ),
    )
  return found
}

/** Whatever the ledger knows: in the standby's own database it stands first that writing moves there. */
async function blocksOfAmid(deps: ActivityDeps, pair: FailoverPair, record: StandbyRecord): Promise<Finding[]> {
  const moved = await movedThere(deps, pair, record)
  return moved === null ? [] : [block('moved', moved)]
}

function leftAmid({ operation, target }: StandbyRecord): Finding {
  const message = `${operation ?? 'A switchover'} was moving writing to ${target}, and was ended before it had: what it made for the way back is removed there, and whom it left waiting at an endpoint goes on.`
  return block('left-amid', message)
}

function blocksOfEndpoint({ endpoint, sides }: Input): Finding[] {
  if (endpoint.at === null || samePlace(endpoint.at, sides.source)) return []
  const { host, port } = endpoint.at
  return [
    block(
      'endpoint',
      `The endpoint leads to ${host}:${port} and not to the source at ${sides.source.host}:${sides.source.port}: find out who moved it.`,
    ),
  ]
}

/** One that is dead is not asked for its mark. */
async function lookForMark(
  deps: ActivityDeps,
  { places: { source } }: FailoverPair,
  { operation, probed }: Input,
): Promise<{ readonly blocks: readonly Finding[]; readonly warnings: readonly Finding[] }> {
  if (probed.verdict === 'dead') return { blocks: [], warnings: [] }
  const mark = await askForMark(deps, source)
  if (mark === 'late') return { blocks: [], warnings: [block('mark-silent', silentMark(source))] }
  const another = mark !== null && mark.operation !== operation
  return { blocks: another ? [block('moved', isOldWriter(source, mark))] : [], warnings: [] }
}

async function leftBehindOf(deps: ActivityDeps, pair: FailoverPair): Promise<LeftBehind> {
  const told = await inTimeOrLate((late) => askedOfSource(deps, pair, late).catch(unlessAway), LEFT_MS)
  return told === null || told === 'late' ? notSaid(pair) : told
}

function warningsOf(
  { id, request }: FailoverPair,
  { endpoint, probed, sides }: Input,
  record: StandbyRecord,
  { unseenSequences }: Exposure,
): Finding[] {
  const { state, reason } = record
  const differing = rowsDiffering(record)
  const found: Finding[] = differing === null ? [] : [block('rows-differ', differing)]
  if (probed.verdict !== 'healthy')
    found.push(
      block(
        'instance',
        `The whole instance ${sides.source.instance} is closed and stopped by its cloud, with every other database in it.`,
      ),
    )
  if (request.unfenced !== null)
    found.push(
      block(
        'unfenced',
        `${id.target} is opened even if nobody can prove that ${id.source} takes no writes: whoever still reaches it writes what is lost here. The reason that was given: ${request.unfenced}`,
      ),
    )
  if (state === 'paused' || state === 'broken')
    found.push(
      block('state', `The standby was ${state}${reason === null ? '' : ` (${reason})`}: it lacks all that was written since.`),
    )
  if (record.look?.waits !== undefined)
    found.push(
      block(
        'waits-for-migration',
        `${id.target} waits at its line for ${record.look.waits.script}: it has neither that file nor what was written behind it. Once it is the writer, "capstan migrate ${id.target}" brings it on.`,
      ),
    )
  const lacks = record.look?.findings.find(({ rule }) => rule === LACKS_FILES)
  if (lacks !== undefined)
    found.push(
      block(
        'lacks-files',
        `When both were seen last: ${lacks.message} There is nothing to carry over from by now: before "capstan migrate ${id.target}", see whether the rows have come, and if so write the file into its history, as its source had it.`,
      ),
    )
  if (unseenSequences.length > 0)
    found.push(
      block(
        'sequences',
        `Nobody has seen where these sequences stood on the source, and no column draws from them: ${unseenSequences.join(', ')}. They go ${request.sequenceMargin} steps on from where they stand on the standby; look at them before applications draw.`,
      ),
    )
  if (endpoint.silent)
    found.push(
      block(
        'endpoint-silent',
        'The endpoint, or a part of it, did not say where it leads. The standby is opened all the same, whoever is reached is moved from the source to it, and a person is asked for the rest.',
      ),
    )
  else if (endpoint.at === null) found.push(block('by-hand', `${endpoint.summary}; until then nobody writes.`))
  return found
}

/** By their names alone: how each does may change from one look to the next. */
async function othersLeft({ ledger }: ActivityDeps, { id: { source, target } }: FailoverPair): Promise<Finding[]> {
  const standbys = await ledger.listStandbys()
  const others = standbys.filter((one) => one.source === source && one.target !== target && one.state !== 'gone')
  return others.map((other) =>
    block(
      'other-standby',
      `${other.target} stands by for ${source} as well: once that is closed it gets nothing more, whatever it has. Then "capstan standby remove ${source} --to ${other.target}", and have it made anew: "capstan replicate ${target} --to ${other.target}".`,
    ),
  )
}

interface Looked {
  readonly exposure: Exposure
  readonly found: readonly Finding[]
}

async function lookAtStandby(
  deps: ActivityDeps,
  { places: { standby }, forward, request, id }: FailoverPair,
  record: StandbyRecord,
  { probed }: Input,
): Promise<Looked> {
  const found = await looking(deps, standby, 'admin', async (session) => {
    if ((await findSubscription(session, forward.subscription)) === null)
      return [
        block(
          'subscription',
          `${id.target} has no subscription ${forward.subscription}: it follows nobody, or was opened by hand.`,
        ),
      ]
    const uncopied = await uncopiedTables(session, forward.subscription)
    return [
      ...(uncopied.length === 0
        ? []
        : [block('uncopied', `Rows of these tables have not all come yet: ${uncopied.join(', ')}.`)]),
      ...(await keepOutObstacles(session, standby.entry.database)).map((one) => block('keep-out', one)),
    ]
  })
  return looking(deps, standby, 'migrator', async (session) => {
    const known = exposureOf(await lastBeat(session), record, probed.declaredAt)
    const { unseen, hidden } = await sequenceTargets(session, record.look?.sequences ?? {}, request.sequenceMargin)
    const unset = hidden.map((name) =>
      block(
        'sequence',
        `The sequence ${name} may not be read or set on ${id.target} by its migrator: GRANT SELECT, UPDATE on it.`,
      ),
    )
    return { exposure: { ...known, unseenSequences: unseen }, found: [...found, ...unset] }
  })
}

async function epochOf(deps: ActivityDeps, { places: { standby } }: FailoverPair, { operation, locks }: Input): Promise<number> {
  const [stands, inKeyhole] = await Promise.all([
    looking(deps, standby, 'migrator', standingEpoch),
    standingInKeyhole(deps, standby),
  ])
  return epochAbove(deps, operation, locks?.standby ?? null, Math.max(stands, inKeyhole))
}

function summaryOf({ probed, exposure: { beat, lossMsMax }, asks, uncarried = [] }: FailoverPlan): string {
  const kept =
    beat === null || lossMsMax === null
      ? 'nobody knows what the standby has'
      : `the standby has all until ${beat.at}, up to ${seconds(lossMsMax)} may be lost`
  const lost = probed.verdict === 'healthy' ? 'the source is to be drained, nothing is to be lost' : kept
  const { asked } = probed
  const silent = asked === undefined ? '' : ` (silent to ${asked.silent} of ${asked.places} places that it was asked from)`
  return [`the source is ${probed.verdict}${silent}`, lost, ...uncarried, ...(asks === null ? ['allowed beforehand'] : [])].join(
    '; ',
  )
}
